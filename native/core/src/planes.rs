//! Taking float32s apart into streams of like bits, and putting them together again.

use crate::Float;
use crate::simd::multiversioned;

const SIGN: u32 = 0x8000_0000;
const MANTISSA_OF_HIGH: u32 = 0x7f;

multiversioned! { @wide
/// The exponents of `vector`, which are as many.
pub fn exponents(vector: &[Float], exponents: &mut [u8]) {
    for (float, exponent) in vector.iter().zip(exponents) {
        *exponent = (u32::from_ne_bytes(*float) >> 23) as u8;
    }
}
}

multiversioned! { @wide
/// The rest of `vector`: its low 16 bits, and its high plane (sign and upper mantissa).
pub fn rest(vector: &[Float], low: &mut [[u8; 2]], high: &mut [u8]) {
    for ((float, low), high) in vector.iter().zip(low).zip(high) {
        let bits = u32::from_ne_bytes(*float);
        *low = (bits as u16).to_le_bytes();
        *high = ((bits >> 24) & 0x80 | (bits >> 16) & MANTISSA_OF_HIGH) as u8;
    }
}
}

multiversioned! { @wide
/// Undoes `exponents` and `rest`, with the exponents as distances below `base` (modulo 256).
///
/// Halves rather than whole float32s are computed: twice as many fit an instruction, and two streams of halves interleave cheaply.
pub fn merge_symbols(base: u8, symbols: &[u8], high: &[u8], low: &[[u8; 2]], vector: &mut [Float]) {
    let halves = vector.as_flattened_mut().as_chunks_mut::<2>().0.as_chunks_mut::<2>().0;
    for (((float, symbol), high), low) in halves.iter_mut().zip(symbols).zip(high).zip(low) {
        let exponent = u16::from(base.wrapping_sub(*symbol));
        let high = u16::from(*high);
        float[0] = *low;
        float[1] = ((high << 8) & 0x8000 | exponent << 7 | high & 0x7f).to_le_bytes();
    }
    if cfg!(target_endian = "big") {
        vector.iter_mut().for_each(|float| float.reverse());
    }
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
