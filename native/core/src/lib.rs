//! The record codec and the key digests of vecstash: docs/format.md in Rust, with no JavaScript in sight.
//!
//! A vector crosses this crate's boundary as `[Float]`: float32s as the four bytes they take in memory. As bytes they keep their NaN
//! payloads, and have no alignment that a caller could get wrong.

mod bits;
mod bounded;
mod buffer;
mod compressors;
mod decimal;
mod decoder;
mod dictionary;
mod digest;
mod encoder;
mod estimate;
mod exponents;
mod fields;
mod framer;
mod grid_residuals;
mod grid_rounded;
mod grid_search;
mod histogram;
mod huffman;
mod lz4;
mod memory;
mod modes;
mod outside;
mod planes;
mod precision;
mod profile;
mod recode;
mod record;
mod round;
mod rounding;
mod simd;
#[cfg(target_arch = "wasm32")]
mod simd128;
mod status;
mod step_search;
mod stored;
mod value;

pub use buffer::Buffer;
pub use decoder::VectorDecoder;
#[cfg(feature = "train")]
pub use dictionary::train_dictionary;
pub use dictionary::{DICTIONARY_BYTES, Dictionaries};
pub use digest::{DIGEST_CHARS, Digester, Input};
pub use encoder::{Form, VectorEncoder};
pub use framer::{Framed, Framer};
pub use memory::{MEMORY_WORDS, Words as MemoryWords};
pub use modes::{Compression, MAX_DIMENSIONS, MAX_VALUE_BYTES};
pub use precision::Precision;
pub use profile::{Profile, Profiles, train_profile};
pub use status::Status;
pub use value::{ValueDecoder, ValueEncoder};

/// One float32 in the byte order of this machine.
pub type Float = [u8; 4];
