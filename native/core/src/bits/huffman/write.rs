//! Writing streams of codes, lowest bit first: what one code after another would take its time over is done for many at once, by
//! joining neighbours to pairs, pairs to fours, and so on, and only then one group after another.

use super::tables::{Codes, MAX_SYMBOLS, PAIR_LENGTH, PEEK_BITS, Pairs, Tables, pair};
use crate::simd::multiversioned;

/// Symbols that are looked up at once; streams are filled up to a multiple with codes of no bits.
const CHUNK: usize = 32;
const _: () = assert!(CHUNK >= MAX_SYMBOLS && CHUNK.is_multiple_of(SYMBOLS_PER_GROUP));

/// What the groups of the highest level hold.
const SYMBOLS_PER_GROUP: usize = 16;

/// The bits of four codes or more lie above their number, which takes so many bits.
const GROUP_LENGTH: u32 = 6;

/// A group of more bits than a word takes, beside up to 7 from before, is said to be this long.
const TOO_LONG: u64 = (1 << GROUP_LENGTH) - 1;
const MAX_BITS: u64 = 56;

const WORD_BYTES: usize = 8;

/// Writes streams; keeps its buffers from one to the next.
#[derive(Default)]
pub struct StreamWriter {
    indices: Vec<u16>,
    pairs: Vec<u32>,
    fours: Vec<u64>,
    eights: Vec<u64>,
    sixteens: Vec<u64>,
    bytes: Vec<u8>,
}

impl StreamWriter {
    /// A stream for each part of `quarter` symbols, each padded to a whole byte, end to end; tells `ended` how long each is.
    pub fn write<const SYMBOLS: usize, const COUNT: usize>(
        &mut self,
        tables: &Tables<SYMBOLS, COUNT>,
        table: usize,
        symbols: &[u8],
        quarter: usize,
        mut ended: impl FnMut(usize),
    ) -> &[u8] {
        let stride = quarter.next_multiple_of(CHUNK);
        let streams = symbols.chunks(quarter);
        self.resize(stride * streams.len());
        for (symbols, fours) in streams.zip(self.fours.chunks_mut(stride / 4)) {
            look_up(&tables.codes[table], tables.pairs(table), symbols, &mut self.indices, &mut self.pairs, fours);
        }
        join_groups(self.fours.as_chunks().0, &mut self.eights);
        let too_long = join_groups(self.eights.as_chunks().0, &mut self.sixteens);
        // Where many are too long, trying them costs more than it saves.
        let pay = too_long < self.sixteens.len() / 16;

        let mut end = 0;
        let groups = self.sixteens.chunks(stride / 16).zip(self.eights.chunks(stride / 8)).zip(self.fours.chunks(stride / 4));
        for ((sixteens, eights), fours) in groups {
            let start = end;
            end = put(pay.then_some(sixteens), eights, fours, start, &mut self.bytes);
            ended(end - start);
        }
        &self.bytes[..end]
    }

    fn resize(&mut self, codes: usize) {
        self.fours.resize(codes / 4, 0);
        self.eights.resize(codes / 8, 0);
        self.sixteens.resize(codes / 16, 0);
        // Words are written whole, so the last one reaches past its bits.
        let most = (codes * PEEK_BITS as usize).div_ceil(8) + 2 * WORD_BYTES;
        if self.bytes.len() < most {
            self.bytes.resize(most, 0);
        }
    }
}

/// Fills `fours` with the codes of `symbols`, and what is left with codes of no bits. `indices` and `pairs` are overwritten.
fn look_up(codes: &Codes, coded: &Pairs, symbols: &[u8], indices: &mut Vec<u16>, pairs: &mut Vec<u32>, fours: &mut [u64]) {
    #[cfg(target_arch = "x86_64")]
    if crate::simd::level() >= crate::simd::Level::Avx512 {
        // SAFETY: this machine has every feature of that level.
        return unsafe { look_up_wide(codes, symbols, fours.as_chunks_mut().0) };
    }
    let (twos, rest) = symbols.as_chunks();
    pairs.resize(2 * fours.len(), 0);
    let (found, empty) = pairs.split_at_mut(twos.len());
    indices.resize(twos.len(), 0);
    index_pairs(twos, indices);
    for (index, found) in indices.iter().zip(found) {
        *found = coded[usize::from(*index) % coded.len()];
    }
    empty.fill(0);
    if let ([last], [found, ..]) = (rest, empty) {
        *found = pair(codes[usize::from(*last) % MAX_SYMBOLS], 0);
    }
    join_pairs(pairs.as_chunks().0, fours);
}

multiversioned! {
fn index_pairs(twos: &[[u8; 2]], indices: &mut [u16]) {
    for ([first, second], index) in twos.iter().zip(indices) {
        *index = u16::from(*first) + u16::from(*second) * MAX_SYMBOLS as u16;
    }
}
}

/// All codes fit one register, and an instruction looks them up; pairs and fours are joined where they are.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn look_up_wide(codes: &Codes, symbols: &[u8], fours: &mut [[u64; CHUNK / 4]]) {
    use std::arch::x86_64::{
        _mm256_maskz_loadu_epi8, _mm512_add_epi32, _mm512_add_epi64, _mm512_and_si512, _mm512_cvtepu8_epi16, _mm512_loadu_si512,
        _mm512_maskz_permutexvar_epi16, _mm512_or_si512, _mm512_set1_epi32, _mm512_set1_epi64, _mm512_slli_epi64,
        _mm512_sllv_epi32, _mm512_sllv_epi64, _mm512_srli_epi32, _mm512_srli_epi64, _mm512_storeu_si512,
    };
    const CODE: i32 = (1 << PEEK_BITS) - 1;
    const LENGTH: i32 = (1 << (u16::BITS - PEEK_BITS)) - 1;
    let (code, length) = (_mm512_set1_epi32(CODE), _mm512_set1_epi32(LENGTH));
    let (pair, pair_length) = (_mm512_set1_epi64(u32::MAX as i64), _mm512_set1_epi64((1 << PAIR_LENGTH) - 1));

    // SAFETY: a register's bytes are read, at any alignment.
    let codes = unsafe { _mm512_loadu_si512(codes.as_ptr().cast()) };
    for (index, out) in fours.iter_mut().enumerate() {
        let symbols = symbols.get(index * CHUNK..).unwrap_or_default();
        let there = ((1_u64 << symbols.len().min(CHUNK)) - 1) as u32;
        // SAFETY: what the mask leaves out is not read.
        let symbols = unsafe { _mm256_maskz_loadu_epi8(there, symbols.as_ptr().cast()) };
        let found = _mm512_maskz_permutexvar_epi16(there, _mm512_cvtepu8_epi16(symbols), codes);

        // As in `pair`, but with bits and lengths apart.
        let second = _mm512_srli_epi32::<{ u16::BITS }>(found);
        let first_length = _mm512_and_si512(_mm512_srli_epi32::<PEEK_BITS>(found), length);
        let bits = _mm512_sllv_epi32(_mm512_and_si512(second, code), first_length);
        let bits = _mm512_or_si512(_mm512_and_si512(found, code), bits);
        let lengths = _mm512_add_epi32(first_length, _mm512_srli_epi32::<PEEK_BITS>(second));

        // As in `join_pairs`.
        let first_length = _mm512_and_si512(lengths, pair_length);
        let second_bits = _mm512_sllv_epi64(_mm512_srli_epi64::<{ u32::BITS }>(bits), first_length);
        let bits = _mm512_or_si512(_mm512_and_si512(bits, pair), second_bits);
        let lengths = _mm512_add_epi64(first_length, _mm512_srli_epi64::<{ u32::BITS }>(lengths));
        let joined = _mm512_or_si512(_mm512_slli_epi64::<GROUP_LENGTH>(bits), lengths);
        // SAFETY: a register's bytes are written, at any alignment.
        unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), joined) };
    }
}

multiversioned! { @wide
fn join_pairs(pairs: &[[u32; 2]], fours: &mut [u64]) {
    for ([first, second], four) in pairs.iter().zip(fours) {
        let both = u64::from(*first) | u64::from(*second) << u32::BITS;
        let (mask, length) = ((1 << PAIR_LENGTH) - 1, both & ((1 << PAIR_LENGTH) - 1));
        let bits = (both & u64::from(u32::MAX)) >> PAIR_LENGTH | both >> (u32::BITS + PAIR_LENGTH) << length;
        *four = bits << GROUP_LENGTH | (length + (both >> u32::BITS & mask));
    }
}
}

multiversioned! { @wide
/// Returns how many became too long.
fn join_groups(groups: &[[u64; 2]], joined: &mut [u64]) -> usize {
    let mut too_long = 0;
    for ([first, second], joined) in groups.iter().zip(joined) {
        let length = first & TOO_LONG;
        let total = length + (second & TOO_LONG);
        let bits = first >> GROUP_LENGTH | second >> GROUP_LENGTH << length;
        let is_too_long = total > MAX_BITS;
        *joined = if is_too_long { TOO_LONG } else { bits << GROUP_LENGTH | total };
        too_long += u64::from(is_too_long);
    }
    too_long as usize
}
}

multiversioned! {
/// Writes the largest groups that a word takes, from `at` on, and returns where they end.
fn put(sixteens: Option<&[u64]>, eights: &[u64], fours: &[u64], at: usize, out: &mut [u8]) -> usize {
    let mut writer = Writer { word: 0, held: 0, at };
    match sixteens {
        Some(sixteens) => {
            for ((sixteen, eights), fours) in sixteens.iter().zip(eights.as_chunks::<2>().0).zip(fours.as_chunks::<4>().0) {
                if *sixteen == TOO_LONG {
                    put_eights(&mut writer, eights, fours, out);
                } else {
                    writer.put(*sixteen, out);
                }
            }
        }
        None => put_eights(&mut writer, eights, fours, out),
    }
    writer.at + writer.held.div_ceil(8) as usize
}
}

#[inline(always)]
fn put_eights(writer: &mut Writer, eights: &[u64], fours: &[u64], out: &mut [u8]) {
    for (eight, fours) in eights.iter().zip(fours.as_chunks::<2>().0) {
        if *eight == TOO_LONG {
            fours.iter().for_each(|four| writer.put(*four, out));
        } else {
            writer.put(*eight, out);
        }
    }
}

/// A stream under way: the bits that no byte was filled with yet, how many they are, and where their byte goes.
struct Writer {
    word: u64,
    held: u32,
    at: usize,
}

impl Writer {
    #[inline(always)]
    fn put(&mut self, group: u64, out: &mut [u8]) {
        self.word |= group >> GROUP_LENGTH << self.held;
        self.held += (group & TOO_LONG) as u32;
        out[self.at..self.at + WORD_BYTES].copy_from_slice(&self.word.to_le_bytes());
        self.at += (self.held / 8) as usize;
        self.word >>= self.held & !7;
        self.held %= 8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::huffman::{EXPONENTS, STEPS};

    /// The streams, one bit after another.
    fn bit_by_bit(lengths: &[u8], codes: &Codes, symbols: &[u8], quarter: usize) -> (Vec<u8>, Vec<usize>) {
        let mut out = Vec::new();
        let mut ends = Vec::new();
        for stream in symbols.chunks(quarter) {
            let code_bits = |symbol: &u8| {
                let symbol = usize::from(*symbol);
                (0..lengths[symbol]).map(move |bit| codes[symbol] >> bit & 1)
            };
            let bits: Vec<u16> = stream.iter().flat_map(code_bits).collect();
            out.extend(bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |byte, bit| byte << 1 | *bit as u8)));
            ends.push(bits.len().div_ceil(8));
        }
        (out, ends)
    }

    fn both_ways_write_alike<const SYMBOLS: usize, const COUNT: usize>(tables: &Tables<SYMBOLS, COUNT>) {
        let mut writer = StreamWriter::default();
        let mut state = 1_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 40) as usize
        };
        for table in 0..COUNT {
            let shortest = (0..SYMBOLS).min_by_key(|symbol| tables.lengths[table][*symbol]).unwrap_or(0) as u8;
            let longest = (0..SYMBOLS).max_by_key(|symbol| tables.lengths[table][*symbol]).unwrap_or(0) as u8;
            for count in (1_usize..140).chain([384, 768, 1000]) {
                let quarter = count.div_ceil(4);
                // All short, all long, any, and mostly short: groups of every size have to be taken apart.
                for kind in 0..4 {
                    let symbols: Vec<u8> = (0..count)
                        .map(|_| match kind {
                            0 => shortest,
                            1 => longest,
                            2 => (random() % SYMBOLS) as u8,
                            _ if random() % 6 == 0 => longest,
                            _ => shortest,
                        })
                        .collect();
                    let mut lengths = Vec::new();
                    let streams = writer.write(tables, table, &symbols, quarter, |length| lengths.push(length)).to_vec();
                    let expected = bit_by_bit(&tables.lengths[table], &tables.codes[table], &symbols, quarter);
                    assert_eq!((streams, lengths), expected, "table {table}, {count} symbols, kind {kind}");
                }
            }
        }
    }

    #[test]
    fn exponents() {
        both_ways_write_alike(&EXPONENTS);
    }

    #[test]
    fn steps() {
        both_ways_write_alike(&STEPS);
    }
}
