//! Bits and bytes of payloads: planes, fields, codes. Nothing here knows a mode.

pub mod bit_io;
pub mod coded_streams;
pub mod fields;
pub mod histogram;
pub mod huffman;
pub mod outside;
pub mod planes;
pub mod stored;
