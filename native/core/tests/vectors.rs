//! What is encoded comes back, bit for bit, and in the mode that is smallest.

mod common;

use common::*;
use proptest::prelude::*;
use vecstash_core::{Buffer, Compression, Float, Form, MAX_DIMENSIONS, Precision, Status, VectorDecoder, VectorEncoder};

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn every_vector_comes_back(vector in any_vector(), key in prop::collection::vec(any::<u8>(), 0..300)) {
        let raw = encode(&key, &vector, Compression::None).len();
        for compression in COMPRESSIONS {
            let record = encode(&key, &vector, compression);
            prop_assert!(record.len() <= raw);
            prop_assert_eq!(decode(&key, &record, vector.len()), Ok(vector.clone()), "{:?}", compression);
        }
    }
}

#[test]
fn every_length_comes_back() {
    let mut encoder = VectorEncoder::default();
    let mut decoder = VectorDecoder::default();
    let mut record = Buffer::default();
    for dimensions in (1..=2000).chain([4096, 32_768, 65_534, MAX_DIMENSIONS]) {
        for vector in [gaussian(dimensions, 7), random_bits(dimensions, 7), brain_floats(dimensions, 7)] {
            let mut form = Form::new(Precision::Exact, Compression::Auto);
            record.clear();
            encoder.encode(KEY, &vector, None, &mut form, &mut record).unwrap();
            let mut back = vec![[1; 4]; dimensions];
            decoder.decode(KEY, &record, Precision::Exact, &mut back).unwrap();
            assert_eq!(back, vector, "{dimensions} dimensions");
        }
    }
}

#[test]
fn what_lies_in_a_buffer_from_before_does_not_matter() {
    let precisions =
        [Precision::Exact, Precision::MaxError(1e-3), Precision::MaxError(1e-6), Precision::Float16, Precision::Int8];
    let mut used = Buffer::default();
    used.grow(20_000).fill(0xa5);
    for dimensions in [1, 5, 66, 127, 128, 385, 1000] {
        for vector in [gaussian(dimensions, 7), random_bits(dimensions, 7), brain_floats(dimensions, 7)] {
            let every =
                precisions.into_iter().flat_map(|precision| COMPRESSIONS.map(|compression| Form::new(precision, compression)));
            for form in every {
                used.clear();
                VectorEncoder::default().encode(KEY, &vector, None, &mut form.clone(), &mut used).unwrap();
                assert_eq!(used[..], encode_as(KEY, &vector, form), "{dimensions} dimensions, {form:?}");
            }
        }
    }
}

#[test]
fn auto_finds_the_mode() {
    let record = encode(KEY, &gaussian(768, 1), Compression::Auto);
    assert_eq!(record[MODE_AT], EXPONENT);
    assert!(record.len() < 2600, "{} bytes", record.len());

    let record = encode(KEY, &brain_floats(768, 1), Compression::Auto);
    assert_eq!(record[MODE_AT], GRID);
    assert!(record.len() < 1060, "{} bytes", record.len());

    let record = encode(KEY, &[[0; 4]; 768], Compression::Auto);
    assert_eq!(record[MODE_AT], PLANES);
    assert!(record.len() < 100, "{} bytes", record.len());

    assert_eq!(encode(KEY, &random_bits(768, 1), Compression::Auto)[MODE_AT], RAW);
    assert_eq!(encode(KEY, &gaussian(1, 1), Compression::Auto)[MODE_AT], RAW);
    assert_eq!(encode(KEY, &gaussian(768, 1), Compression::None)[MODE_AT], RAW);
    assert_eq!(encode(KEY, &gaussian(768, 1), Compression::Zstd)[MODE_AT], PLANES);
}

#[test]
fn dimensions_out_of_range_are_refused() {
    let mut out = Buffer::default();
    for dimensions in [0, MAX_DIMENSIONS + 1] {
        let result = VectorEncoder::default().encode(
            KEY,
            &vec![[0; 4]; dimensions],
            None,
            &mut Form::new(Precision::Exact, Compression::Auto),
            &mut out,
        );
        assert_eq!(result, Err(Status::Dimensions));
    }
    assert!(out.is_empty());
}

/// A quarter whose symbols cost far more than the others' do: the lengths of the streams stand apart.
#[test]
fn streams_of_very_different_lengths() {
    const DIMENSIONS: usize = 1600;
    let is_costly = |index: usize| index < DIMENSIONS / 4;
    let masked = |mask: u32| -> Vec<Float> {
        let exponent = |index: usize| 120 - if is_costly(index) { index as u32 % 15 } else { 0 };
        let bits = random_bits(DIMENSIONS, 7).into_iter().enumerate();
        bits.map(|(index, bits)| (u32::from_ne_bytes(bits) & mask | exponent(index) << 23).to_ne_bytes()).collect()
    };
    let decimals: Vec<Float> = random_bits(DIMENSIONS, 8)
        .into_iter()
        .enumerate()
        .map(|(index, bits)| {
            let most = if is_costly(index) { 900 } else { 60 };
            float((i32::from_ne_bytes(bits) % most) as f32 / 1e5)
        })
        .collect();
    let times = |scale: f32, vector: Vec<Float>| -> Vec<Float> {
        vector.into_iter().map(|element| float(f32::from_ne_bytes(element) * scale)).collect()
    };
    for (mode, lengths_at, vector, precision) in [
        (EXPONENT, 3, masked(0x807f_ffff), Precision::Exact),
        (GRID, 3, times(0.37, masked(0x807f_e000)), Precision::Exact),
        (DECIMAL, 2, decimals.clone(), Precision::Exact),
        (STEPS, 2, times(1.001, decimals), Precision::MaxError(4e-6)),
    ] {
        let record = encode_as(KEY, &vector, Form::new(precision, Compression::Auto));
        assert_eq!(record[MODE_AT], mode);
        let payload = forge::payload_of(&record);
        assert_eq!(payload[lengths_at..][..3], [0x80, 0, 0], "mode {mode:02x}");
        let decoded = decode_as(KEY, &record, precision, DIMENSIONS).expect("it was just encoded");
        assert_eq!(reference::decode(mode, payload, DIMENSIONS).as_ref(), Some(&decoded));
        assert!(mode == STEPS || decoded == vector);
    }
}
