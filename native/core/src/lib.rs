//! The record codec and the key digests of vecstash: docs/format.md in Rust, with no JavaScript in sight.
//!
//! A vector crosses this crate's boundary as `[Float]`: float32s as the four bytes they take in memory. Nothing here computes
//! with them, so NaN payloads survive, and bytes have no alignment that a caller could get wrong.

mod compressors;
mod digest;
mod estimate;
mod histogram;
mod huffman;
mod modes;
mod planes;
mod record;
mod status;
mod value;
mod vector;

pub use digest::{DIGEST_CHARS, Digester, Input};
pub use modes::{Compression, MAX_DIMENSIONS, MAX_VALUE_BYTES};
pub use status::Status;
pub use value::{ValueDecoder, ValueEncoder};
pub use vector::{VectorDecoder, VectorEncoder};

/// One float32 in the byte order of this machine.
pub type Float = [u8; 4];
