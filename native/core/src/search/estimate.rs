//! What a plane may compress to, judged from its bytes' frequencies alone: compressing in vain costs more than all the rest.

use crate::bits::histogram::Histogram;

/// A plane is tried where it may shrink to 97 % or less: 7.76 bits a byte, a collision probability of one in 217.
const TRIED_FROM: f64 = 1.0 / 217.0;

/// How many standard deviations above that the pairs found must be, lest chance in short planes cost a try each time.
const DEVIATIONS: f64 = 4.0;

/// No more bytes of a plane are looked at; longer ones are sampled evenly.
const SAMPLE: usize = 512;

/// Whether a plane with this histogram is worth a try.
pub fn histogram_is_uneven(histogram: &Histogram) -> bool {
    let pairs = histogram.counts.iter().map(|count| u64::from(*count) * u64::from(count.saturating_sub(1)) / 2).sum();
    is_uneven(pairs, histogram.total)
}

/// Whether the high, middle and low planes are worth a try each; `low_words` holds the middle (upper byte) and low (lower byte) planes.
pub fn uneven_planes(high: &[u8], low_words: &[[u8; 2]]) -> [bool; 3] {
    let step = high.len().div_ceil(SAMPLE).max(1);
    equal_pairs(high, low_words, step).map(|pairs| is_uneven(pairs, high.len().div_ceil(step)))
}

/// Pairs of equal bytes in planes estimate the collision probability without bias, however short the plane. It bounds the entropy
/// from below, so no plane that an order-0 coder shrinks is missed.
fn is_uneven(pairs: u64, length: usize) -> bool {
    let all_pairs = length as f64 * (length as f64 - 1.0) / 2.0;
    let expected = all_pairs * TRIED_FROM;
    pairs as f64 > expected + DEVIATIONS * expected.sqrt()
}

/// Counts them among every `step`-th byte of the high, middle and low planes.
fn equal_pairs(high: &[u8], low_words: &[[u8; 2]], step: usize) -> [u64; 3] {
    let mut seen = [[0_u32; 256]; 3];
    let mut pairs = [0_u64; 3];
    for (high, low_word) in high.chunks(step).zip(low_words.chunks(step)) {
        let [low, middle] = low_word[0];
        for (plane, byte) in [high[0], middle, low].into_iter().enumerate() {
            let count = &mut seen[plane][usize::from(byte)];
            pairs[plane] += u64::from(*count);
            *count += 1;
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_not_tried_and_skew_is() {
        let mut state = 1_u64;
        let mut noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        };
        for length in [2, 16, 64, 384, 768, 4096] {
            let tried = (0..1000).filter(|_| {
                let plane: Vec<u8> = (0..length).map(|_| noise()).collect();
                histogram_is_uneven(&Histogram::of(&plane))
            });
            assert!(tried.count() <= 10, "length {length}");
        }
        let half: Vec<u8> = (0..768).map(|_| noise() & 0x7f).collect();
        assert!(histogram_is_uneven(&Histogram::of(&half)));
        let words: Vec<[u8; 2]> = half.iter().map(|byte| [noise(), *byte]).collect();
        assert_eq!(uneven_planes(&vec![7; 768], &words), [true, true, false]);
    }
}
