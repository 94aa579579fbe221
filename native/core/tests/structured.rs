//! Vectors that were float16, bfloat16, int8 or decimals once come back bit for bit, and are smaller for it.

mod common;

use common::kinds::{Kind, Rounded, Scaling, any_structured_vector, rounded, structured};
use common::*;
use proptest::prelude::*;
use vecstash_core::{Compression, Float};

proptest! {
    #![proptest_config(cases(4000))]

    #[test]
    fn every_structured_vector_comes_back(vector in any_structured_vector()) {
        let raw = encode(KEY, &vector, Compression::None).len();
        for compression in COMPRESSIONS {
            let record = encode(KEY, &vector, compression);
            prop_assert!(record.len() <= raw);
            prop_assert_eq!(decode(KEY, &record, vector.len()), Ok(vector.clone()), "{:?}", compression);
        }
    }
}

const SEEDS: std::ops::Range<u64> = 0..25;

/// All of `SEEDS` are encoded in `mode`, to this ratio or better on average.
fn assert_found(kind: Kind, scaling: Scaling, dimensions: usize, mode: u8, ratio: f64) {
    let mut bytes = 0;
    for seed in SEEDS {
        let record = encode(KEY, &structured(kind, scaling, dimensions, seed), Compression::Auto);
        assert_eq!(record[MODE_AT], mode, "{kind:?}, {scaling:?}, seed {seed}");
        bytes += record.len();
    }
    let found = (4 * dimensions * SEEDS.count()) as f64 / bytes as f64;
    assert!(found >= ratio, "{kind:?}, {scaling:?}, {dimensions} dimensions: {found:.3}");
}

#[test]
fn grids_are_found() {
    for scaling in [Scaling::Single, Scaling::Double] {
        assert_found(Kind::Float16, scaling, 1536, GRID, 2.30);
        assert_found(Kind::BrainFloat, scaling, 1536, GRID, 2.9);
    }
    // Residuals belong to `K`: a table of them is the shorter way.
    assert_found(Kind::Float16, Scaling::Twice, 1536, GRID, 2.05);
    assert_found(Kind::Float16, Scaling::Twice, 3072, GRID, 2.2);
    assert_found(Kind::BrainFloat, Scaling::Twice, 1024, GRID, 2.85);
    assert_found(Kind::BrainFloat, Scaling::Twice, 100, GRID, 2.0);
    assert_found(Kind::Float16, Scaling::None, 768, GRID, 2.25);
    assert_found(Kind::BrainFloat, Scaling::None, 768, GRID, 2.9);
}

/// All of `SEEDS` are encoded in a grid that was rounded in the way of this byte, to this ratio or better on average.
fn assert_rounded_found(kind: Kind, scaling: Scaling, after: Rounded, byte: u8, ratio: f64) {
    let dimensions = 1024;
    let mut bytes = 0;
    for seed in SEEDS {
        let vector = rounded(&structured(kind, scaling, dimensions, seed), after);
        let record = encode(KEY, &vector, Compression::Auto);
        assert_eq!(record[MODE_AT], GRID, "{kind:?}, {scaling:?}, {after:?}, seed {seed}");
        let payload = forge::payload_of(&record);
        assert_eq!((payload[0] >> 5, payload[14]), (1, byte), "{kind:?}, {scaling:?}, {after:?}, seed {seed}");
        bytes += record.len();
    }
    let found = (4 * dimensions * SEEDS.count()) as f64 / bytes as f64;
    assert!(found >= ratio, "{kind:?}, {scaling:?}, {after:?}: {found:.3}");
}

#[test]
fn rounded_grids_are_found() {
    assert_rounded_found(Kind::BrainFloat, Scaling::Unit, Rounded::Decimals(9), 9, 2.85);
    assert_rounded_found(Kind::BrainFloat, Scaling::UnitTwice, Rounded::Decimals(9), 9, 2.8);
    assert_rounded_found(Kind::BrainFloat, Scaling::Unit, Rounded::Decimals(8), 8, 2.8);
    assert_rounded_found(Kind::BrainFloat, Scaling::Unit, Rounded::Half, 0x20, 2.9);
    assert_rounded_found(Kind::BrainFloat, Scaling::Unit, Rounded::Digits(7), 0x17, 2.8);
    assert_rounded_found(Kind::BrainFloat, Scaling::Unit, Rounded::Digits(6), 0x16, 2.75);
    assert_rounded_found(Kind::Float16, Scaling::None, Rounded::Digits(7), 0x17, 2.25);
    assert_rounded_found(Kind::Float16, Scaling::Unit, Rounded::Digits(7), 0x17, 2.2);
    assert_rounded_found(Kind::Float16, Scaling::Unit, Rounded::Decimals(9), 9, 2.2);
}

#[test]
fn multiples_are_found() {
    for scaling in [Scaling::None, Scaling::Single, Scaling::Double] {
        assert_found(Kind::Byte, scaling, 1536, MULTIPLES, 4.2);
        assert_found(Kind::Integers(4), scaling, 1024, MULTIPLES, 7.2);
        assert_found(Kind::Integers(300), scaling, 1024, MULTIPLES, 3.0);
        assert_found(Kind::Integers(20_000), scaling, 1024, MULTIPLES, 1.9);
    }
    assert_found(Kind::Integers(4), Scaling::By127, 1024, MULTIPLES, 7.2);
    assert_found(Kind::Byte, Scaling::By127, 1536, MULTIPLES, 4.2);
}

#[test]
fn decimals_are_found() {
    for (digits, ratio) in [(3, 4.0), (4, 2.9), (5, 2.2), (6, 1.75), (7, 1.5), (8, 1.3)] {
        assert_found(Kind::Decimals(digits), Scaling::None, 768, DECIMAL, ratio);
    }
    // From here on every float32 of such a vector is a decimal, which is no gain.
    assert_found(Kind::Decimals(10), Scaling::None, 768, EXPONENT, 1.18);
}

/// Zeros of both signs lie on every grid, and are decimals.
#[test]
fn zeros_belong_to_the_structure() {
    let kinds = [
        (Kind::Float16, Scaling::Double, GRID),
        (Kind::BrainFloat, Scaling::Single, GRID),
        (Kind::Float16, Scaling::Twice, GRID),
        (Kind::Float16, Scaling::None, GRID),
        (Kind::Decimals(6), Scaling::None, DECIMAL),
        (Kind::Byte, Scaling::Single, MULTIPLES),
    ];
    for (kind, scaling, mode) in kinds {
        let mut vector = structured(kind, scaling, 768, 1);
        for index in (0..768).step_by(24) {
            vector[index] = float(if index % 16 == 0 { 0.0 } else { -0.0 });
        }
        let record = encode(KEY, &vector, Compression::Auto);
        assert_eq!(record[MODE_AT], mode, "{kind:?}, {scaling:?}");
        assert_eq!(decode(KEY, &record, 768), Ok(vector));
    }
}

/// Elements a long way off the others are patched, as long as they lie on the grid.
#[test]
fn outliers_of_a_grid_are_patched() {
    for scaling in [Scaling::None, Scaling::Double, Scaling::Twice] {
        let mut vector = structured(Kind::Float16, scaling, 768, 2);
        for (index, binades) in [(0, 40), (100, -60), (400, 60), (767, -40)] {
            vector[index] = shifted(vector[index], binades);
        }
        let record = encode(KEY, &vector, Compression::Auto);
        assert_eq!(record[MODE_AT], GRID, "{scaling:?}");
        assert_eq!(forge::payload_of(&record)[2], 4, "{scaling:?}");
        assert_eq!(decode(KEY, &record, 768), Ok(vector));
    }
}

/// So is what is too small to have a highest bit.
#[test]
fn subnormals_of_a_grid_are_patched() {
    let mut vector = structured(Kind::BrainFloat, Scaling::None, 768, 2);
    vector[5] = 0x0041_0000_u32.to_ne_bytes();
    vector[700] = 0x8001_0000_u32.to_ne_bytes();
    let record = encode(KEY, &vector, Compression::Auto);
    assert_eq!((record[MODE_AT], forge::payload_of(&record)[2]), (GRID, 2));
    assert_eq!(decode(KEY, &record, 768), Ok(vector));
}

/// Scaled by a power of two.
fn shifted(value: Float, binades: i32) -> Float {
    float(f32::from_ne_bytes(value) * 2f32.powi(binades))
}

/// Where the scale was a float32, a product may be just halfway between two float32s, and no other scale will do.
#[test]
fn float32_scales_leave_no_residuals() {
    for seed in 0..600 {
        let vector = structured(Kind::Float16, Scaling::Single, 1024, seed);
        let record = encode(KEY, &vector, Compression::Auto);
        assert_eq!((record[MODE_AT], forge::payload_of(&record)[0] >> 2 & 3), (GRID, 0), "seed {seed}");
    }
}
