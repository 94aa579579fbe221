//! Static Huffman codes: docs/format.md sections 2.2 and 2.6.

mod read;
mod tables;
mod write;

pub use read::{STREAMS, SymbolPlane, decode};
pub use tables::{EXPONENTS, Lookup, PEEK_BITS, STEPS, Tables};
pub use write::StreamWriter;
