//! The static Huffman codes of docs/format.md section 2.2.

mod read;
mod tables;
mod write;

pub use read::{STREAMS, SymbolPlane, decode};
pub use tables::{CODES, LENGTHS, PATCH_SYMBOL, SYMBOLS, TABLES};
pub use write::{Code, encode};
