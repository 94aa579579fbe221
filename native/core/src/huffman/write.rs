//! Writing one stream of codes, lowest bit first.

use super::tables::{PEEK_BITS, Pair, Tables};
use crate::simd::multiversioned;

/// Codes are gathered in a 64-bit word that holds at most 7 bits from before: two pairs of the longest fit.
const SYMBOLS_PER_WORD: usize = 4;
const WORD_BYTES: usize = 8;

/// Appends the codes of `symbols` to `out`, padded to a whole byte. `pairs` is overwritten.
pub fn encode<const SYMBOLS: usize, const PAIRS: usize, const COUNT: usize>(
    tables: &Tables<SYMBOLS, PAIRS, COUNT>,
    table: usize,
    symbols: &[u8],
    pairs: &mut Vec<u16>,
    out: &mut Vec<u8>,
) {
    let start = out.len();
    let most = (symbols.len() * PEEK_BITS as usize).div_ceil(8);
    // Each word is written whole, so the last one reaches past its bits.
    out.resize(start + most + WORD_BYTES, 0);
    let (fours, rest) = symbols.as_chunks::<SYMBOLS_PER_WORD>();
    pairs.resize(2 * fours.len(), 0);
    pair_up::<SYMBOLS>(fours.as_flattened().as_chunks().0, pairs);
    let mut writer = put_pairs::<PAIRS>(&tables.pairs[table], pairs.as_chunks().0, &mut out[start..]);
    for symbol in rest {
        let symbol = usize::from(*symbol) % SYMBOLS;
        writer.word |= u64::from(tables.codes[table][symbol]) << writer.held;
        writer.held += u32::from(tables.lengths[table][symbol]);
    }
    let end = start + writer.at;
    out[end..end + WORD_BYTES].copy_from_slice(&writer.word.to_le_bytes());
    out.truncate(end + writer.held.div_ceil(8) as usize);
}

multiversioned! { @wide
fn pair_up<const SYMBOLS: usize>(symbols: &[[u8; 2]], pairs: &mut [u16]) {
    for ([first, second], pair) in symbols.iter().zip(pairs) {
        *pair = u16::from(*first) % SYMBOLS as u16 + u16::from(*second) % SYMBOLS as u16 * SYMBOLS as u16;
    }
}
}

/// A stream under way: the bits that no byte was filled with yet, how many they are, and where their byte goes.
struct Writer {
    word: u64,
    held: u32,
    at: usize,
}

multiversioned! {
fn put_pairs<const PAIRS: usize>(codes: &[Pair; PAIRS], pairs: &[[u16; 2]], out: &mut [u8]) -> Writer {
    let mut word = 0;
    let mut held = 0;
    let mut at = 0;
    for [first, second] in pairs {
        let first = codes[usize::from(*first) % PAIRS];
        let second = codes[usize::from(*second) % PAIRS];
        word |= (first.bits() | first.above(second.bits())) << held;
        held += first.length_with(second);
        out[at..at + WORD_BYTES].copy_from_slice(&word.to_le_bytes());
        at += (held / 8) as usize;
        word >>= held & !7;
        held %= 8;
    }
    Writer { word, held, at }
}
}
