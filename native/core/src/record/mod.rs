//! Whole records, written and read: docs/format.md section 1. A writer picks the smallest mode, a reader trusts nothing.

pub mod form;
pub mod framer;
pub mod header;
pub mod precision;
mod recoder;
pub mod value;
pub mod vector_decoder;
pub mod vector_encoder;
