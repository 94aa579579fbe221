//! Static Huffman codes: docs/format.md sections 2.2 and 2.6.

mod read;
mod tables;
mod write;

pub use read::{STREAMS, SymbolPlane, decode};
#[cfg(target_arch = "x86_64")]
pub use tables::PEEK_BITS;
pub use tables::{EXPONENTS, Lookup, STEPS, Tables};
pub use write::StreamWriter;
