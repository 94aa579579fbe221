//! Taking float32s apart into streams of like bits, and putting them together again.

use crate::Float;
use crate::simd::multiversioned;
#[cfg(target_arch = "wasm32")]
use crate::simd::wasm;

const SIGN: u32 = 0x8000_0000;
const MANTISSA_OF_HIGH: u32 = 0x7f;

multiversioned! { @wide
/// The exponents of `vector`, which are as many.
pub fn exponents(vector: &[Float], exponents: &mut [u8]) {
    #[cfg(target_arch = "wasm32")]
    let (vector, exponents) = {
        let ((vector, vector_left), (exponents, exponents_left)) = (vector.as_chunks(), exponents.as_chunks_mut());
        vector.iter().zip(exponents).for_each(|(vector, exponents)| wasm::exponents(vector, exponents));
        (vector_left, exponents_left)
    };
    for (float, exponent) in vector.iter().zip(exponents) {
        *exponent = (u32::from_ne_bytes(*float) >> 23) as u8;
    }
}
}

multiversioned! { @wide
/// The rest of `vector`: its low 16 bits, and its high plane (sign and upper mantissa).
pub fn rest(vector: &[Float], low: &mut [[u8; 2]], high: &mut [u8]) {
    #[cfg(target_arch = "wasm32")]
    let (vector, low, high) = {
        let ((vector, vector_left), (low, low_left)) = (vector.as_chunks(), low.as_chunks_mut());
        let (high, high_left) = high.as_chunks_mut();
        vector.iter().zip(low).zip(high).for_each(|((vector, low), high)| wasm::rest(vector, low, high));
        (vector_left, low_left, high_left)
    };
    for ((float, low), high) in vector.iter().zip(low).zip(high) {
        let bits = u32::from_ne_bytes(*float);
        *low = (bits as u16).to_le_bytes();
        *high = ((bits >> 24) & 0x80 | (bits >> 16) & MANTISSA_OF_HIGH) as u8;
    }
}
}

/// Which half of a float32 in memory holds its low bits.
const LOW: usize = if cfg!(target_endian = "big") { 1 } else { 0 };

/// The upper half of an element, whose exponent lies `symbol` below `base` (modulo 256).
///
/// Halves rather than whole float32s are computed: twice as many fit an instruction, and two streams of halves interleave cheaply.
#[inline(always)]
fn upper_half(base: u8, symbol: u8, high: u8) -> u16 {
    let (exponent, high) = (u16::from(base.wrapping_sub(symbol)), u16::from(high));
    (high << 8) & 0x8000 | exponent << 7 | high & 0x7f
}

multiversioned! { @wide
/// Undoes `exponents` and `rest`, with exponents as symbols.
pub fn merge_symbols(base: u8, symbols: &[u8], high: &[u8], low: &[[u8; 2]], vector: &mut [Float]) {
    let halves = vector.as_flattened_mut().as_chunks_mut::<2>().0.as_chunks_mut::<2>().0;
    for (((halves, symbol), high), low) in halves.iter_mut().zip(symbols).zip(high).zip(low) {
        halves[LOW] = u16::from_le_bytes(*low).to_ne_bytes();
        halves[1 - LOW] = upper_half(base, *symbol, *high).to_ne_bytes();
    }
}
}

multiversioned! { @wide
/// Whether `merge_symbols` gives `vector`, bit for bit.
pub fn are_merged(base: u8, symbols: &[u8], high: &[u8], low: &[[u8; 2]], vector: &[Float]) -> bool {
    #[cfg(target_arch = "wasm32")]
    let (are_merged, (symbols, high, low, vector)) = {
        let (symbols, symbols_left) = symbols.as_chunks();
        let (high, high_left) = high.as_chunks();
        let (low, low_left) = low.as_chunks();
        let (vector, vector_left) = vector.as_chunks();
        let mut chunks = vector.iter().zip(symbols).zip(high).zip(low);
        let are_merged = chunks.all(|(((vector, symbols), high), low)| wasm::are_merged(base, symbols, high, low, vector));
        (are_merged, (symbols_left, high_left, low_left, vector_left))
    };
    #[cfg(not(target_arch = "wasm32"))]
    let are_merged = true;
    let halves = vector.as_flattened().as_chunks::<2>().0.as_chunks::<2>().0;
    let mut differences = 0;
    for (((halves, symbol), high), low) in halves.iter().zip(symbols).zip(high).zip(low) {
        differences |= u16::from_ne_bytes(halves[LOW]) ^ u16::from_le_bytes(*low);
        differences |= u16::from_ne_bytes(halves[1 - LOW]) ^ upper_half(base, *symbol, *high);
    }
    are_merged && differences == 0
}
}

multiversioned! { @wide
/// Puts the four planes of docs/format.md together.
pub fn merge_planes(exponents: &[u8], high: &[u8], middle: &[u8], low: &[u8], vector: &mut [Float]) {
    for ((((float, exponent), high), middle), low) in vector.iter_mut().zip(exponents).zip(high).zip(middle).zip(low) {
        *float = float_of(*exponent, *high, u16::from_le_bytes([*low, *middle]));
    }
}
}

#[inline(always)]
fn float_of(exponent: u8, high: u8, low: u16) -> Float {
    let high = u32::from(high);
    let sign = (high << 24) & SIGN;
    (sign | u32::from(exponent) << 23 | (high & MANTISSA_OF_HIGH) << 16 | u32::from(low)).to_ne_bytes()
}

/// Gives one element another exponent.
pub fn set_exponent(float: &mut Float, exponent: u8) {
    let bits = u32::from_ne_bytes(*float);
    *float = (bits & !(0xff << 23) | u32::from(exponent) << 23).to_ne_bytes();
}
