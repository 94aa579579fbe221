//! The record codec and the key digests of vecstash: docs/format.md in Rust, with no JavaScript in sight.
//!
//! Modules import downward only (tests/layers.rs): `record` writes and reads whole records, `search` finds out what a vector is made of,
//! `modes` are the payloads, `bits` and `compression` what payloads are made of, `simd` the loops.
//!
//! A vector crosses this crate's boundary as `[Float]`: float32s as the four bytes they take in memory. As bytes they keep their NaN
//! payloads, and have no alignment that a caller could get wrong.

mod bits;
mod buffer;
mod compression;
mod digest;
mod modes;
mod record;
mod round;
mod search;
mod simd;
mod status;

pub use buffer::Buffer;
#[cfg(feature = "train")]
pub use compression::dictionary::train_dictionary;
pub use compression::dictionary::{DICTIONARY_BYTES, Dictionaries};
pub use digest::{DIGEST_CHARS, Digester, Input};
pub use modes::profile::{Profile, Profiles, train_profile};
pub use modes::{Compression, MAX_DIMENSIONS, MAX_VALUE_BYTES};
pub use record::form::{Form, Item, tokens_from_number};
pub use record::framer::{Framed, Framer};
pub use record::precision::Precision;
pub use record::value::{ValueDecoder, ValueEncoder};
pub use record::vector_decoder::VectorDecoder;
pub use record::vector_encoder::VectorEncoder;
pub use search::structure_hint::{HINT_WORDS, HintWords};
pub use status::Status;

/// One float32 in the byte order of this machine.
pub type Float = [u8; 4];
