//! Writing one stream of codes, lowest bit first.

use super::tables::PEEK_BITS;
use crate::planes::faster_with_avx2;

/// A code and its length in bits.
#[derive(Clone, Copy, Default)]
pub struct Code {
    pub bits: u16,
    pub length: u16,
}

/// Codes are gathered in a 64-bit word that holds at most 7 bits from before: five of the longest fit.
const CODES_PER_WORD: usize = 5;
const WORD_BYTES: usize = 8;

/// Appends the codes of `exponents` to `out`, padded to a whole byte; `codes` has one for each exponent.
pub fn encode(codes: &[Code; 256], exponents: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    let most = (exponents.len() * PEEK_BITS as usize).div_ceil(8);
    // Each word is written whole, so the last one reaches past its bits.
    out.resize(start + most + WORD_BYTES, 0);
    let length = encode_into(codes, exponents, &mut out[start..]);
    out.truncate(start + length);
}

faster_with_avx2! {
fn encode_into(codes: &[Code; 256], exponents: &[u8], out: &mut [u8]) -> usize {
    let (fives, rest) = exponents.as_chunks::<CODES_PER_WORD>();
    let mut word = 0;
    let mut held = 0;
    let mut at = 0;
    let mut put = |exponents: &[u8]| {
        for exponent in exponents {
            let code = codes[usize::from(*exponent)];
            word |= u64::from(code.bits) << held;
            held += u32::from(code.length);
        }
        out[at..at + WORD_BYTES].copy_from_slice(&word.to_le_bytes());
        at += (held / 8) as usize;
        word >>= held & !7;
        held %= 8;
    };
    for five in fives {
        put(five);
    }
    put(rest);
    at + usize::from(held > 0)
}
}
