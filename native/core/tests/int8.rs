//! Mode `41`: half a scale is the most that an element is off, and outliers are nobody else's loss.

mod common;

use common::*;
use proptest::prelude::*;
use vecstash_core::{Compression, Float, Form, Precision};

fn encode_bytes(vector: &[Float]) -> Vec<u8> {
    encode_as(KEY, vector, Form::new(Precision::Int8, Compression::Auto))
}

/// The scale, and the indices of the patches.
fn parts(record: &[u8]) -> (f32, Vec<usize>) {
    let payload = forge::payload_of(record);
    let patches = payload[5..][..6 * usize::from(payload[4])].chunks(6);
    let indices = patches.map(|patch| usize::from(u16::from_le_bytes([patch[0], patch[1]]))).collect();
    (f32::from_le_bytes(*payload.first_chunk().unwrap()), indices)
}

/// Encodes `vector` as bytes and checks each element; none where it took another mode, in which it came back bit for bit.
fn checked(vector: &[Float]) -> Option<(f32, Vec<usize>)> {
    let record = encode_bytes(vector);
    assert!(record.len() <= encode(KEY, vector, Compression::None).len());
    let back = decode_as(KEY, &record, Precision::Int8, vector.len()).unwrap();
    if record[MODE_AT] != INT8 {
        assert_eq!(back, vector);
        return None;
    }
    let (scale, patches) = parts(&record);
    for (index, (was, is)) in vector.iter().zip(&back).enumerate() {
        if patches.contains(&index) {
            assert_eq!(was, is, "a patch");
            continue;
        }
        let [was, is] = [was, is].map(|float| f64::from(f32::from_ne_bytes(*float)));
        // Half a scale to the multiple, and from there to a float32.
        let most = 0.5 * f64::from(scale) + is.abs() * 2f64.powi(-24);
        assert!((was - is).abs() <= most, "element {index}: {was:e} became {is:e}, the scale is {scale:e}");
    }
    Some((scale, patches))
}

proptest! {
    #![proptest_config(cases(3000))]

    #[test]
    fn any_vector_is_near(vector in prop_oneof![any_vector(), kinds::any_structured_vector()]) {
        checked(&vector);
    }

    #[test]
    fn any_size_is_near(seed in any::<u64>(), dimensions in 1_usize..=300, binades in -120_i32..=130) {
        let vector: Vec<Float> = gaussian(dimensions, seed)
            .into_iter()
            .map(|value| float((f64::from(f32::from_ne_bytes(value)) * 2f64.powi(binades)) as f32))
            .collect();
        checked(&vector);
    }
}

#[test]
fn an_outlier_is_nobody_elses_loss() {
    let mut vector = gaussian(768, 1);
    let (without, patches) = checked(&vector).unwrap();
    assert_eq!(patches, []);
    for (index, value) in [(0, 4.0), (7, -1e9), (400, f32::INFINITY), (767, f32::NAN)] {
        vector[index] = float(value);
    }
    let (with, patches) = checked(&vector).unwrap();
    assert_eq!(patches, [0, 7, 400, 767]);
    assert!((with / without - 1.0).abs() < 0.1, "{without} became {with}");
}

/// One in 64 may be an outlier. Where more are, they are what the scale is for, and only what is not finite is patched.
#[test]
fn many_outliers_are_none() {
    let with = |outliers: usize| {
        let mut vector = gaussian(640, 1);
        for index in 0..outliers {
            vector[index * 50] = float(100.0);
        }
        checked(&vector).unwrap()
    };
    let (scale, patches) = with(10);
    assert_eq!((scale < 0.01, patches.len()), (true, 10));
    let (scale, patches) = with(11);
    assert_eq!((scale, patches.len()), (100.0 / 127.0, 0));
}

#[test]
fn nothing_but_zeros() {
    for dimensions in [3, 768] {
        let (scale, patches) = checked(&vec![float(0.0); dimensions]).unwrap();
        assert_eq!((scale, patches.len()), (0.0, 0));
    }
}

#[test]
fn what_is_not_finite_comes_back() {
    for bits in [0x7f80_0000_u32, 0xff80_0000, 0x7fc0_0000, 0x7f80_0001, 0xffc1_2345] {
        for count in [1, 255] {
            let mut vector = gaussian(768, 1);
            vector[..count].fill(bits.to_ne_bytes());
            let (_, patches) = checked(&vector).unwrap();
            assert_eq!(patches.len(), count);
        }
        for vector in [vec![bits.to_ne_bytes(); 256], vec![bits.to_ne_bytes()]] {
            let back = decode_as(KEY, &encode_bytes(&vector), Precision::Int8, vector.len());
            assert_eq!(back, Ok(vector));
        }
    }
}

/// So small that a scale would be subnormal, or so large that a multiple of it would be infinite: an exact mode.
#[test]
fn the_smallest_and_the_largest_are_kept() {
    for largest in [f32::from_bits(1), f32::MIN_POSITIVE, 100.0 * f32::MIN_POSITIVE, f32::MAX] {
        assert_eq!(checked(&[float(largest), float(-largest), float(0.0)]), None, "{largest:e}");
    }
    for largest in [128.0 * f32::MIN_POSITIVE, f32::MAX.next_down()] {
        assert!(checked(&[float(largest), float(-largest), float(0.0)]).is_some(), "{largest:e}");
    }
}
