//! The modes of docs/format.md section 2. A new one takes a free number, a file here and a case in vector_encoder.rs and
//! vector_decoder.rs of `record`.

pub mod buckets;
pub mod counts;
pub mod exponent;
pub mod exponent_plan;
pub mod fixed;
pub mod grid;
pub mod planes;
pub mod profile;
pub mod profiled;
pub mod rounding;
pub mod steps;
pub mod unit;

pub const RAW: u8 = 0x00;
pub const PLANES: u8 = 0x08;
pub const EXPONENT: u8 = 0x10;
pub const GRID: u8 = 0x20;
pub const PROFILED_GRID: u8 = 0x28;
pub const STEPS: u8 = 0x30;
pub const DECIMAL: u8 = 0x31;
pub const MULTIPLES: u8 = 0x32;
pub const PROFILED_STEPS: u8 = 0x38;
pub const PROFILED_DECIMAL: u8 = 0x39;
pub const PROFILED_MULTIPLES: u8 = 0x3a;
pub const FLOAT16: u8 = 0x40;
pub const INT8: u8 = 0x41;
pub const VALUE_STORED: u8 = 0x70;
pub const VALUE_LZ4: u8 = 0x71;
pub const VALUE_ZSTD: u8 = 0x72;
pub const VALUE_DICTIONARY: u8 = 0x73;

/// Whether a record of this mode holds a vector.
pub fn is_of_vectors(mode: u8) -> bool {
    [RAW, PLANES, EXPONENT, GRID, STEPS, DECIMAL, MULTIPLES, FLOAT16, INT8].contains(&mode) || is_profiled(mode)
}

/// Whether a record of this mode names a profile, before everything else in its payload.
pub fn is_profiled(mode: u8) -> bool {
    [PROFILED_GRID, PROFILED_STEPS, PROFILED_DECIMAL, PROFILED_MULTIPLES].contains(&mode)
}

/// The mode that holds with a profile what this one holds without.
pub fn with_profile(mode: u8) -> Option<u8> {
    match mode {
        EXPONENT | GRID => Some(PROFILED_GRID),
        STEPS => Some(PROFILED_STEPS),
        DECIMAL => Some(PROFILED_DECIMAL),
        MULTIPLES => Some(PROFILED_MULTIPLES),
        _ => None,
    }
}

/// The mode that counts in the same units without a profile.
pub fn without_profile(mode: u8) -> Option<u8> {
    match mode {
        PROFILED_STEPS => Some(STEPS),
        PROFILED_DECIMAL => Some(DECIMAL),
        PROFILED_MULTIPLES => Some(MULTIPLES),
        _ => None,
    }
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
