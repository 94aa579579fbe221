//! Products that lie next to the middle between two float32s, where arithmetic that is a little less exact shows.

mod common;

use common::judge::judge;
use common::parts::stored_planes;
use common::*;
use proptest::prelude::*;

/// Elements, in streams of four each.
const DIMENSIONS: usize = 16;

/// A grid of `K`s of `precision` bits times `scale`. Symbol 3 of table 0 is 00.
fn grid(precision: u32, scale: f64, ks: [u64; DIMENSIONS]) -> Vec<u8> {
    let below_highest = ks.map(|k| (k % (1 << (precision - 1))) as u32);
    let header = [0x10, precision as u8, 0, 0, 0, 0];
    [&header[..], &scale.to_le_bytes(), &[0; 4], &stored_planes(precision, &below_highest)].concat()
}

/// What an odd number has to be multiplied by to give 1, modulo 2^64.
fn inverse(odd: u64) -> u64 {
    // Each turn doubles the bits that are right: 3, 6, 12, 24, 48, 96.
    (0..5).fold(odd, |inverse, _| inverse.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(inverse))))
}

/// A number of exactly so many bits that ends as this one.
fn with_highest(number: u64, bits: u32) -> u64 {
    let highest = 1 << (bits - 1);
    highest | (number % highest)
}

proptest! {
    #![proptest_config(cases(20_000))]

    /// One `K` of the vector and a scale of `bits` bits have a product whose bits behind the 24th are 1000... or nearly.
    #[test]
    fn grids_round_to_nearest(precision in 8_u32..=16, bits in 26_u32..=50, k in any::<u64>(), upper in any::<u64>(), off in -2_i64..=2,
        exponent in -60..60) {
        let k = with_highest(k, precision) | 1;
        // The product has one bit less where both factors are small.
        for behind in [bits + precision - 24, bits + precision - 25] {
            let tie = (1_u64 << (behind - 1)).wrapping_add_signed(off);
            let low = tie.wrapping_mul(inverse(k)) % (1 << behind);
            let significand = with_highest((upper << behind) | low, bits);
            let scale = significand as f64 * 2f64.powi(exponent - bits as i32);
            let ks = std::array::from_fn(|index| with_highest(k + 2 * index as u64, precision));
            prop_assert!(judge(GRID, DIMENSIONS, &grid(precision, scale, ks)));
        }
    }
}

#[test]
fn the_forged_grid_is_what_it_is_meant_to_be() {
    let ks = std::array::from_fn(|index| 1024 + 37 * index as u64);
    let vector = decode(KEY, &forge::record_of(GRID, DIMENSIONS, &grid(11, 0.25, ks)), DIMENSIONS).unwrap();
    // Symbol 3 is three binades down.
    assert_eq!(vector, ks.map(|k| float(k as f32 * 0.25 / 8.0)));
}
