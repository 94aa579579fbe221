//! Mode `40` against binary16 looked up in a list of all there are.

mod common;

use common::*;
use proptest::prelude::*;
use std::sync::LazyLock;
use vecstash_core::{Compression, Float, Form, MAX_DIMENSIONS, Precision};

/// Where binary16s end: what lies halfway from the largest to this is infinite already.
const BEYOND: usize = 0x7c00;

/// The halves that are not negative, in ascending order, and what would come next.
static HALVES: LazyLock<Vec<f64>> = LazyLock::new(|| {
    let mut halves: Vec<f64> = (0..BEYOND as u16).map(|half| f64::from(f32::from_bits(reference::of_half(half)))).collect();
    halves.push(65536.0);
    halves
});

/// What comes back of a float32: the nearest half, of two the even one, and itself where there is none.
fn expected(float: Float) -> Float {
    let bits = u32::from_ne_bytes(float);
    let magnitude = f64::from(f32::from_bits(bits & 0x7fff_ffff));
    let above = HALVES.partition_point(|half| *half < magnitude);
    if magnitude.is_nan() || above > BEYOND {
        return float;
    }
    let below = above.saturating_sub(1);
    let (to_below, to_above) = (magnitude - HALVES[below], HALVES[above] - magnitude);
    let is_below = to_below < to_above || to_below == to_above && below % 2 == 0;
    let nearest = if is_below { below } else { above };
    if nearest == BEYOND { float } else { ((HALVES[nearest] as f32).to_bits() | bits & 0x8000_0000).to_ne_bytes() }
}

fn encode_halves(vector: &[Float]) -> Vec<u8> {
    encode_as(KEY, vector, Form::new(Precision::Float16, Compression::Auto))
}

/// As one vector, or as several where it is too long.
fn assert_rounded(vector: &[Float]) {
    for vector in vector.chunks(MAX_DIMENSIONS) {
        let record = encode_halves(vector);
        assert_eq!(record[MODE_AT], FLOAT16);
        let back = decode_as(KEY, &record, Precision::Float16, vector.len()).unwrap();
        for (was, is) in vector.iter().zip(&back) {
            assert_eq!(*is, expected(*was), "{:08x}", u32::from_ne_bytes(*was));
        }
    }
}

#[test]
fn every_half_is_read_and_comes_back() {
    let halves: Vec<u16> = (0..=u16::MAX).collect();
    for halves in halves.chunks(1 << 15) {
        let payload = [&[0][..], &halves.iter().flat_map(|half| half.to_le_bytes()).collect::<Vec<u8>>()].concat();
        let record = forge::record_of(FLOAT16, halves.len(), &payload);
        let vector = decode_as(KEY, &record, Precision::Float16, halves.len()).unwrap();
        let expected: Vec<Float> = halves.iter().map(|half| reference::of_half(*half).to_ne_bytes()).collect();
        assert_eq!(vector, expected);
        let is_finite = |float: &Float| f32::from_ne_bytes(*float).is_finite();
        let finite: Vec<Float> = vector.into_iter().filter(is_finite).collect();
        let record = encode_halves(&finite);
        assert_eq!(decode_as(KEY, &record, Precision::Float16, finite.len()), Ok(finite));
    }
}

/// Halves, what lies halfway between two of them, and the float32s to either side.
#[test]
fn ties_go_to_even_halves() {
    for sign in [1.0, -1.0] {
        let vector: Vec<Float> = HALVES
            .windows(2)
            .filter(|pair| pair[1] < 65536.0)
            .flat_map(|pair| [pair[0], (pair[0] + pair[1]) / 2.0])
            .flat_map(|value| [(value as f32).next_down(), value as f32, (value as f32).next_up()])
            .map(|value| float(value * sign))
            .collect();
        assert_rounded(&vector);
    }
}

#[test]
fn the_largest_and_the_smallest() {
    let around = |value: f32| [value.next_down(), value, value.next_up(), -value.next_down(), -value, -value.next_up()];
    let edges =
        [65504.0, 65519.0, 65520.0, 65535.0, 65536.0, f32::MAX, 2f32.powi(-14), 2f32.powi(-24), 2f32.powi(-25), 2f32.powi(-26)];
    let mut vector: Vec<Float> = edges.into_iter().flat_map(around).map(float).collect();
    vector.extend(ODD_BITS.map(u32::to_ne_bytes));
    vector.extend((65504..65537).map(|value| float(value as f32)));
    // Patches must not make it longer than it is as float32s.
    vector.extend(gaussian(300, 1));
    assert_rounded(&vector);
}

/// What is not finite and what would be infinite is patched, up to 255 elements; a vector with more takes an exact mode.
#[test]
fn patches_come_back_bit_for_bit() {
    let beyond = [65520_f32.to_bits(), f32::MAX.to_bits() | 0x8000_0000, 0x7f80_0001, 0xffc1_2345, 0x7f80_0000, 0xff80_0000];
    for patches in [1, 6, 255] {
        let mut vector = gaussian(1000, 1);
        for index in 0..patches {
            vector[999 - 3 * index] = beyond[index % beyond.len()].to_ne_bytes();
        }
        assert_rounded(&vector);
        assert_eq!(usize::from(forge::payload_of(&encode_halves(&vector))[0]), patches);
    }
    let mut vector = gaussian(1000, 1);
    vector[..256].fill(float(1e6));
    let record = encode_halves(&vector);
    assert!(record[MODE_AT] < STEPS);
    assert_eq!(decode(KEY, &record, 1000), Ok(vector));
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn every_finite_float32_is_rounded(bits in prop::collection::vec(0_u32..0x4780_0000, 1..200), signs in any::<u64>()) {
        let vector: Vec<Float> =
            bits.iter().enumerate().map(|(index, bits)| (bits | ((signs >> (index % 64)) as u32) << 31).to_ne_bytes()).collect();
        assert_rounded(&vector);
    }

    #[test]
    fn any_vector_is_rounded_or_kept(vector in any_vector()) {
        let record = encode_halves(&vector);
        prop_assert!(record.len() <= encode(KEY, &vector, Compression::None).len());
        let back = decode_as(KEY, &record, Precision::Float16, vector.len()).unwrap();
        let rounded: Vec<Float> = vector.iter().map(|float| expected(*float)).collect();
        prop_assert_eq!(back, if record[MODE_AT] == FLOAT16 { rounded } else { vector });
    }
}
