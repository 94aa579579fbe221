//! How often each byte occurs in a plane.

use crate::simd::multiversioned;

/// Up to so many neighbouring values are counted one value at a time, which compares many bytes at once.
const FEW_VALUES: u8 = 24;

const CHUNK: usize = 128;

/// How often each byte occurs.
pub fn histogram(bytes: &[u8]) -> [u32; 256] {
    let (smallest, largest) = range(bytes);
    if largest.saturating_sub(smallest) >= FEW_VALUES {
        return count_each_byte(bytes);
    }
    let mut counts = [0; 256];
    for value in smallest..=largest {
        counts[usize::from(value)] = count_of(bytes, value);
    }
    counts
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

multiversioned! {
/// The byte that occurs most often; the smallest of them if there are several.
pub fn most_frequent(histogram: &[u32; 256]) -> u8 {
    let most = histogram.iter().fold(0, |most, count| most.max(*count));
    histogram.iter().position(|count| *count == most).unwrap_or(0) as u8
}
}

/// Counts into four tables in turn: equal neighbours would wait for each other's count.
fn count_each_byte(bytes: &[u8]) -> [u32; 256] {
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
    std::array::from_fn(|byte| tables.iter().map(|table| table[byte]).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_count_alike() {
        for length in [0, 1, 31, 32, 33, 768, 8160, 8161, 20_000] {
            for values in [1, 16, 24, 25, 200] {
                let bytes: Vec<u8> = (0..length).map(|i| 55 + (i * i % values) as u8).collect();
                assert_eq!(histogram(&bytes), count_each_byte(&bytes), "{length} bytes of {values} values");
            }
        }
    }
}
