//! General compressors: lz4, zstd and zstd's dictionaries.

pub mod compressors;
pub mod dictionary;
mod lz4;
