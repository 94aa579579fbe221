//! Reading four streams of codes at once: the lookups of one stream wait for each other, those of four do not.

use super::tables::{Lookup, PEEK_BITS, SYMBOLS_PER_LOOKUP};
use crate::Float;
use crate::simd::multiversioned;

/// The streams of one vector.
pub const STREAMS: usize = 4;

/// Lookups between two refills: a refill gives at least 57 bits.
const LOOKUPS_PER_REFILL: usize = 5;

/// A round decodes about 70 elements, which take so many lines of the processor's cache.
const LINES_PER_ROUND: usize = 5;
const LINE_BYTES: usize = 64;

/// The same where streams end: fewer, for those that have ended go along in vain.
const LOOKUPS_AT_END: usize = 3;

const WORD_BYTES: usize = 8;

/// What a round can write at most, and how much room its last lookup needs.
const SYMBOLS_PER_ROUND: usize = LOOKUPS_PER_REFILL * SYMBOLS_PER_LOOKUP;

/// Room for the symbols of four streams, a byte each.
#[derive(Default)]
pub struct SymbolPlane {
    bytes: Vec<u8>,
    stride: usize,
}

impl SymbolPlane {
    fn reset(&mut self, quarter: usize) {
        // Lookups write four bytes whatever they found, so the streams stand apart.
        self.stride = quarter + SYMBOLS_PER_LOOKUP;
        self.bytes.resize(STREAMS * self.stride, 0);
    }

    /// The symbol of the element `index` of the vector.
    pub fn of_element(&mut self, index: usize) -> &mut u8 {
        let quarter = self.stride - SYMBOLS_PER_LOOKUP;
        &mut self.bytes[index / quarter * self.stride + index % quarter]
    }

    /// The symbols of stream `index`, and padding.
    pub fn stream(&self, index: usize) -> &[u8] {
        &self.bytes[index * self.stride..][..self.stride]
    }
}

/// Decodes a symbol for each element of `ahead`. The streams lie end to end at the start of `input` and end at `ends`; whatever follows
/// the last is not theirs. False unless each stream is used up to its last byte.
///
/// `ahead` is what the caller reads or writes next: its memory is fetched meanwhile, since the loops here leave that idle.
pub fn decode(lookup: &Lookup, input: &[u8], ends: [usize; STREAMS], ahead: &[Float], plane: &mut SymbolPlane) -> bool {
    let dimensions = ahead.len();
    let quarter = dimensions.div_ceil(STREAMS);
    plane.reset(quarter);
    let mut cursors: Cursors = std::array::from_fn(|k| Cursor {
        bit: 8 * if k == 0 { 0 } else { ends[k - 1] },
        at: k * plane.stride,
        end: k * plane.stride + dimensions.saturating_sub(k * quarter).min(quarter),
    });
    decode_all(lookup, input, &mut cursors, &mut plane.bytes, ahead);
    cursors.iter().zip(ends).all(|(cursor, end)| cursor.bit.div_ceil(8) == end)
}

/// Where a stream stands.
#[derive(Clone, Copy)]
struct Cursor {
    /// The next bit of the input.
    bit: usize,
    /// The next place in the symbol plane, and where the stream's symbols end.
    at: usize,
    end: usize,
}

type Cursors = [Cursor; STREAMS];

multiversioned! {
fn decode_all(lookup: &Lookup, input: &[u8], cursors: &mut Cursors, out: &mut [u8], ahead: &[Float]) {
    // This is what makes the stores of `whole_rounds` fall inside of `out`.
    assert!(cursors.iter().all(|cursor| cursor.end + SYMBOLS_PER_LOOKUP <= out.len()));
    whole_rounds(lookup, input, cursors, out, ahead);
    last_rounds(lookup, input, cursors, out);
}
}

/// Decodes as long as no stream can end within a round. No `cursor.end` may lie less than four bytes before the end of `out`.
#[inline(always)]
fn whole_rounds(lookup: &Lookup, input: &[u8], cursors: &mut Cursors, out: &mut [u8], ahead: &[Float]) {
    let Some(last_word) = input.len().checked_sub(WORD_BYTES) else { return };
    // Copies of its own let the compiler keep everything in registers.
    let mut bits = cursors.map(|cursor| cursor.bit);
    let mut ats = cursors.map(|cursor| cursor.at);
    let ends = cursors.map(|cursor| cursor.end);
    let may_go_on = |ats: &[usize; STREAMS], bits: &[usize; STREAMS]| {
        (0..STREAMS).all(|k| ats[k] + SYMBOLS_PER_ROUND <= ends[k] && bits[k] / 8 <= last_word)
    };
    let mut fetched = ahead.as_ptr().cast::<u8>();
    while may_go_on(&ats, &bits) {
        for _ in 0..LINES_PER_ROUND {
            prefetch(fetched);
            fetched = fetched.wrapping_add(LINE_BYTES);
        }
        let mut words = bits.map(|bit| {
            // SAFETY: a word that starts at or before `last_word` ends within the input.
            let word = unsafe { input.as_ptr().add(bit / 8).cast::<[u8; WORD_BYTES]>().read() };
            // The top bit marks how far the word will have moved; five lookups reach no further than bit 54.
            u64::from_le_bytes(word) >> (bit % 8) | 1 << 63
        });
        for _ in 0..LOOKUPS_PER_REFILL {
            for k in 0..STREAMS {
                let entry = &lookup[words[k] as usize % (1 << PEEK_BITS)];
                // SAFETY: the round began `SYMBOLS_PER_ROUND` or more before the stream's end, and each of its lookups takes at
                // most a fifth of that and writes no more.
                unsafe { out.as_mut_ptr().add(ats[k]).cast::<[u8; SYMBOLS_PER_LOOKUP]>().write(entry.symbols()) };
                ats[k] += entry.count();
                words[k] = entry.skip_in(words[k]);
            }
        }
        for k in 0..STREAMS {
            bits[k] += words[k].leading_zeros() as usize;
        }
    }
    for k in 0..STREAMS {
        cursors[k].bit = bits[k];
        cursors[k].at = ats[k];
    }
}

/// Has a line of memory fetched, if there is such memory: nothing waits for it, and nothing is read.
#[inline(always)]
fn prefetch(line: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint, which no address makes fail.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(line.cast());
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: as above.
    unsafe {
        std::arch::asm!("prfm pldl1keep, [{line}]", line = in(reg) line, options(nostack, readonly, preserves_flags));
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = line;
}

/// Decodes what is left of each stream, taking from its last lookup only what it still lacks. No `cursor.end` may lie less than four
/// bytes before the end of `out`.
#[inline(always)]
fn last_rounds(lookup: &Lookup, input: &[u8], cursors: &mut Cursors, out: &mut [u8]) {
    let mut bits = cursors.map(|cursor| cursor.bit);
    let mut ats = cursors.map(|cursor| cursor.at);
    let ends = cursors.map(|cursor| cursor.end);
    while (0..STREAMS).any(|k| ats[k] < ends[k]) {
        let mut words = bits.map(|bit| word_at(input, bit));
        for _ in 0..LOOKUPS_AT_END {
            for k in 0..STREAMS {
                let entry = &lookup[words[k] as usize % (1 << PEEK_BITS)];
                // SAFETY: `ats[k]` never passes `ends[k]`, and behind that there is room for one lookup.
                unsafe { out.as_mut_ptr().add(ats[k]).cast::<[u8; SYMBOLS_PER_LOOKUP]>().write(entry.symbols()) };
                let count = entry.count().min(ends[k] - ats[k]);
                ats[k] += count;
                bits[k] += entry.bits_of(count);
                words[k] = entry.skip_in(words[k]);
            }
        }
    }
    for k in 0..STREAMS {
        cursors[k].bit = bits[k];
        cursors[k].at = ats[k];
    }
}

/// At least 57 bits of `input` from `bit` on, zeros behind its end.
#[inline(always)]
fn word_at(input: &[u8], bit: usize) -> u64 {
    let rest = input.get(bit / 8..).unwrap_or_default();
    let word = match rest.first_chunk() {
        Some(word) => u64::from_le_bytes(*word),
        None => last_word(rest),
    };
    word >> (bit % 8)
}

#[cold]
fn last_word(rest: &[u8]) -> u64 {
    let mut word = [0; WORD_BYTES];
    word[..rest.len()].copy_from_slice(rest);
    u64::from_le_bytes(word)
}
