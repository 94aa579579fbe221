//! How often each byte occurs in a plane.

use crate::bits::outside::outside;
use crate::simd::multiversioned;

/// Up to so many neighbouring values are counted one value at a time, which compares many bytes at once.
const FEW_VALUES: u8 = 24;

/// One byte in so many may lie below them.
const MANY: usize = 32;
const _: () = assert!(MANY > FEW_VALUES as usize + 1);

const CHUNK: usize = 128;

/// How often each byte occurs.
pub struct Histogram {
    pub counts: [u32; 256],
    /// The bytes counted.
    pub total: usize,
    /// Where the most frequent byte is.
    smallest: u8,
    largest: u8,
}

impl Histogram {
    pub fn of(bytes: &[u8]) -> Self {
        let (mut smallest, largest) = range(bytes);
        let mut counts = [0; 256];
        if !bytes.is_empty() {
            // Of a few that lie far below all others, nearly all are counted fast, and those by themselves.
            let first = smallest.max(largest.saturating_sub(FEW_VALUES - 1));
            let among = usize::from(first)..=usize::from(largest);
            count_few(bytes, first, &mut counts[among.clone()]);
            if smallest < first {
                let below = bytes.len() - counts[among].iter().sum::<u32>() as usize;
                if below > bytes.len() / MANY {
                    counts = [0; 256];
                    count_each(bytes, &mut counts);
                } else {
                    outside(bytes, largest, FEW_VALUES).for_each(|(_, byte)| counts[usize::from(byte)] += 1);
                    // All of them together are fewer than those of the most frequent value above.
                    smallest = first;
                }
            }
        }
        Self { counts, total: bytes.len(), smallest, largest }
    }

    /// The byte from `from` on that occurs most often, the smallest of them if there are several; `from` where there is none.
    pub fn most_frequent(&self, from: u8) -> u8 {
        let mut most = (0, from);
        for byte in self.smallest.max(from)..=self.largest {
            let count = self.counts[usize::from(byte)];
            if count > most.0 {
                most = (count, byte);
            }
        }
        most.1
    }
}

/// Counts the values from `first` up.
fn count_few(bytes: &[u8], first: u8, counts: &mut [u32]) {
    #[cfg(target_arch = "x86_64")]
    if crate::simd::level() >= crate::simd::Level::Avx512 {
        // SAFETY: this machine has every feature of that level.
        return unsafe { count_wide(bytes, first, counts) };
    }
    #[cfg(target_arch = "wasm32")]
    let bytes = {
        let (chunks, bytes) = bytes.as_chunks();
        crate::simd::wasm::count_few(chunks, first, counts);
        bytes
    };
    for (value, count) in (first..=u8::MAX).zip(counts) {
        *count += count_of(bytes, value);
    }
}

/// The same, many bytes and all values in one pass: a comparison leaves a bit for each byte.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,popcnt")]
fn count_wide(bytes: &[u8], first: u8, counts: &mut [u32]) {
    use std::arch::x86_64::{_mm512_mask_cmpeq_epi8_mask, _mm512_maskz_loadu_epi8, _mm512_set1_epi8};
    const LANES: usize = 64;
    /// Rows between two additions to `counts`, which are all that takes memory.
    const ROWS: usize = 6;

    for block in bytes.chunks(ROWS * LANES) {
        let rows: [_; ROWS] = std::array::from_fn(|row| {
            let row = block.get(row * LANES..).unwrap_or_default();
            let there = u64::MAX.checked_shr((LANES - row.len().min(LANES)) as u32).unwrap_or(0);
            // SAFETY: what the mask leaves out is not read.
            (there, unsafe { _mm512_maskz_loadu_epi8(there, row.as_ptr().cast()) })
        });
        for (value, count) in counts.iter_mut().enumerate() {
            let value = _mm512_set1_epi8(first.wrapping_add(value as u8) as i8);
            *count += rows.iter().map(|(there, row)| _mm512_mask_cmpeq_epi8_mask(*there, *row, value).count_ones()).sum::<u32>();
        }
    }
}

multiversioned! {
fn range(bytes: &[u8]) -> (u8, u8) {
    bytes.iter().fold((u8::MAX, 0), |(smallest, largest), byte| (smallest.min(*byte), largest.max(*byte)))
}
}

multiversioned! {
fn count_of(bytes: &[u8], value: u8) -> u32 {
    // So short that a byte holds its count: sums of bytes are what compiles to few wide instructions.
    let (chunks, rest) = bytes.as_chunks::<CHUNK>();
    let in_chunk = |chunk: &[u8; CHUNK]| chunk.iter().map(|byte| u8::from(*byte == value)).sum::<u8>();
    let in_rest = rest.iter().map(|byte| u8::from(*byte == value)).sum::<u8>();
    chunks.iter().map(|chunk| u32::from(in_chunk(chunk))).sum::<u32>() + u32::from(in_rest)
}
}

/// Counts into four tables in turn: equal neighbours would wait for each other's count.
fn count_each(bytes: &[u8], counts: &mut [u32; 256]) {
    const TABLES: usize = 4;
    let mut tables = [[0_u32; 256]; TABLES];
    let (chunks, rest) = bytes.as_chunks::<TABLES>();
    for chunk in chunks {
        for (table, byte) in tables.iter_mut().zip(chunk) {
            table[usize::from(*byte)] += 1;
        }
    }
    for byte in rest {
        tables[0][usize::from(*byte)] += 1;
    }
    for (byte, count) in counts.iter_mut().enumerate() {
        *count = tables.iter().map(|table| table[byte]).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_count_alike() {
        for length in [0, 1, 31, 32, 33, 255, 256, 257, 768, 8160, 8161, 20_000] {
            for (values, apart) in [(1, 0), (16, 0), (24, 0), (25, 0), (200, 0), (16, 7), (16, 50), (24, 1000)] {
                let is_apart = |i: usize| apart > 0 && i % apart == apart - 1;
                let byte = |i: usize| if is_apart(i) { (i % 40) as u8 } else { 55 + (i * i % values) as u8 };
                let bytes: Vec<u8> = (0..length).map(byte).collect();
                let found = Histogram::of(&bytes);
                let mut counts = [0; 256];
                count_each(&bytes, &mut counts);
                assert_eq!(found.counts, counts, "{length} bytes of {values} values, one in {apart} apart");
                assert_eq!(found.total, bytes.len());
                for from in [0, 55, 56, 78, 255] {
                    let most = counts[from..].iter().max();
                    let first = counts[from..].iter().position(|count| Some(count) == most).filter(|_| most > Some(&0));
                    assert_eq!(usize::from(found.most_frequent(from as u8)), from + first.unwrap_or(0));
                }
            }
        }
    }
}
