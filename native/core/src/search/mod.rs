//! Finds out what a vector is made of, so that its record is small. A search that finds nothing costs size, never correctness.

pub mod bounded;
pub mod decimal;
pub mod estimate;
mod grid_residuals;
mod grid_rounded;
pub mod grid_search;
pub mod step_search;
pub mod structure_hint;
