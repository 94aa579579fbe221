//! The modes of docs/format.md section 2. A new one takes a free number, a file here and a case in encoder.rs and decoder.rs.

pub mod coded;
pub mod exponent;
pub mod fixed;
pub mod grid;
pub mod planes;
pub mod steps;

pub const RAW: u8 = 0x00;
pub const PLANES: u8 = 0x08;
pub const EXPONENT: u8 = 0x10;
pub const GRID: u8 = 0x20;
pub const STEPS: u8 = 0x30;
pub const DECIMAL: u8 = 0x31;
pub const FLOAT16: u8 = 0x40;
pub const INT8: u8 = 0x41;
pub const VALUE_STORED: u8 = 0x70;
pub const VALUE_LZ4: u8 = 0x71;
pub const VALUE_ZSTD: u8 = 0x72;
pub const VALUE_DICTIONARY: u8 = 0x73;

/// Whether a record of this mode holds a vector.
pub fn is_of_vectors(mode: u8) -> bool {
    [RAW, PLANES, EXPONENT, GRID, STEPS, DECIMAL, FLOAT16, INT8].contains(&mode)
}

/// The longest vector, in elements: its length fits a u16, and so does every offset inside its payload.
pub const MAX_DIMENSIONS: usize = 0xffff;

/// The longest msgpack of one value, in bytes: what a reader is willing to allocate for one record.
pub const MAX_VALUE_BYTES: usize = 64 * 1024 * 1024;

/// Which general compressor stands behind a record; `Auto` is the smallest of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    Auto,
    None,
    Lz4,
    Zstd,
}

impl Compression {
    /// From the number that crosses from JavaScript.
    pub fn from_number(number: u32) -> Option<Self> {
        [Self::Auto, Self::None, Self::Lz4, Self::Zstd].get(usize::try_from(number).ok()?).copied()
    }
}
