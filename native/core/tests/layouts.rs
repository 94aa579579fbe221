//! What a payload may not say: each field of each header out of its range.

mod common;

use common::forge::{Coded, payload_of, record_of};
use common::judge::lenient;
use common::*;
use vecstash_core::{Compression, Float, Form, Precision, Status};

const DIMENSIONS: usize = 20;

const SOUND: Coded = Coded {
    mode: GRID,
    table: 1,
    bits: 11,
    residuals: 2,
    is_scaled: true,
    are_apart: false,
    unit: [0, 0, 0, 0, 0, 0, 0xf0, 0x3f],
    rounding: 0,
    patches: 3,
    seed: 1,
};

const STEPS_OF_HALVES: Coded = Coded { mode: STEPS, unit: [0, 0, 0x80, 0x3e, 0, 0, 0, 0], ..SOUND };
const THREE_DIGITS: Coded = Coded { mode: DECIMAL, unit: [3; 8], ..SOUND };
const ROUNDED_MULTIPLES: Coded = Coded { mode: MULTIPLES, rounding: 9, ..SOUND };

const UNSOUND_SCALES: [[u8; 8]; 6] = [
    0.0_f64.to_le_bytes(),
    (-0.0_f64).to_le_bytes(),
    (-1.0_f64).to_le_bytes(),
    f64::INFINITY.to_le_bytes(),
    f64::NEG_INFINITY.to_le_bytes(),
    f64::NAN.to_le_bytes(),
];

const UNSOUND_ROUNDINGS: &[&[u8]] = &[&[0x0d], &[0x10], &[0x1a], &[0x1f], &[0x21], &[0xff]];

fn decoded(mode: u8, payload: &[u8]) -> Result<Vec<Float>, Status> {
    decode_as(KEY, &record_of(mode, DIMENSIONS, payload), lenient(mode), DIMENSIONS)
}

/// The payload is sound, and is not with any of these bytes in place of what is at `at`.
fn assert_refused(coded: Coded, at: usize, instead: &[&[u8]]) {
    let payload = coded.payload(DIMENSIONS);
    assert!(decoded(coded.mode, &payload).is_ok());
    for bytes in instead {
        let mut changed = payload.clone();
        changed[at..][..bytes.len()].copy_from_slice(bytes);
        assert_eq!(decoded(coded.mode, &changed), Err(Status::Payload), "{bytes:02x?} at {at} of {coded:02x?}");
    }
}

/// 3 patches, at `at`: in order, below the dimensions, no two of one element; and streams of the lengths given before, or behind.
fn assert_held_to_patches_and_streams(coded: Coded, count_at: usize, at: usize) {
    for are_apart in [false, true] {
        assert_held(Coded { are_apart, ..coded }, count_at, at);
    }
}

fn assert_held(coded: Coded, count_at: usize, at: usize) {
    assert_refused(coded, count_at, &[&[0], &[1], &[2], &[4], &[255]]);
    assert_refused(coded, at, &[&[5, 0, 1, 4, 0, 1], &[5, 0, 1, 5, 0, 1], &[0, 1]]);
    assert_refused(coded, at + 6, &[&[20, 0], &[0, 1], &[0xff, 0xff]]);
    let payload = coded.payload(DIMENSIONS);
    for stream in 0..3 {
        let length_at = if coded.are_apart { at + 9 + 2 * stream } else { count_at + 1 + stream };
        let length = payload[length_at];
        assert_refused(coded, length_at, &[&[length.wrapping_add(1)], &[length.wrapping_sub(1)], &[0x7f], &[0x80], &[0x81]]);
        if coded.are_apart {
            assert_refused(coded, length_at, &[&[0, 0], &[0xff, 0xff], &[length, 1]]);
        }
    }
    for length in 0..payload.len() {
        assert_eq!(decoded(coded.mode, &payload[..length]), Err(Status::Payload), "{length} bytes");
    }
    assert_eq!(decoded(coded.mode, &[&payload[..], &[0]].concat()), Err(Status::Payload));
}

#[test]
fn grids() {
    assert_held_to_patches_and_streams(SOUND, 2, 14);
    assert_held_to_patches_and_streams(Coded { is_scaled: false, ..SOUND }, 2, 7);
    let with_table = Coded { residuals: 1, ..SOUND };
    assert_held_to_patches_and_streams(with_table, 2, 14 + 256);
    assert_held_to_patches_and_streams(Coded { rounding: 9, ..SOUND }, 2, 15);
    assert_held_to_patches_and_streams(Coded { rounding: 9, is_scaled: false, ..with_table }, 2, 8 + 256);
    // Residuals of no kind, those of another kind, rounding that is not there, and bits that mean nothing.
    assert_refused(SOUND, 0, &[&[0x15], &[0x1d], &[0x39], &[0x59], &[0x99]]);
    assert_refused(Coded { bits: 12, ..with_table }, 1, &[&[0], &[13], &[24], &[255]]);
    assert_refused(Coded { rounding: 9, ..SOUND }, 14, UNSOUND_ROUNDINGS);
    assert_refused(Coded { rounding: 9, ..SOUND }, 14, &[&[0]]);
    assert_refused(SOUND, 1, &[&[0], &[25], &[255]]);
    assert_refused(SOUND, 6, &UNSOUND_SCALES.each_ref().map(|scale| &scale[..]));
}

#[test]
fn steps() {
    assert_held_to_patches_and_streams(STEPS_OF_HALVES, 1, 10);
    // Tables that there are not, and more than 24 stored bits.
    assert_refused(STEPS_OF_HALVES, 0, &[&[6 | 11 << 3], &[7 | 11 << 3], &[1 | 25 << 3], &[1 | 31 << 3]]);
    let bounds = [0.0, -0.0, -1.0, f32::INFINITY, f32::NAN].map(f32::to_le_bytes);
    assert_refused(STEPS_OF_HALVES, 5, &bounds.each_ref().map(|bound| &bound[..]));
    assert_refused(STEPS_OF_HALVES, 9, &[&[0xd0], &[0xff]]);
    // Twice the largest float32 is infinite, and half of that is not.
    let largest = u64::from(f32::MAX.to_bits());
    for (c, expected) in [(0_u64, Err(Status::Payload)), (0xbf, Err(Status::Payload)), (0xc0, Ok(()))] {
        let coded = Coded { unit: (largest | c << 32).to_le_bytes(), ..STEPS_OF_HALVES };
        assert_eq!(decoded(STEPS, &coded.payload(DIMENSIONS)).map(|_| ()), expected, "{c:x}");
    }
}

#[test]
fn decimals() {
    assert_held_to_patches_and_streams(THREE_DIGITS, 1, 6);
    assert_refused(THREE_DIGITS, 0, &[&[6 | 11 << 3], &[7 | 11 << 3], &[1 | 25 << 3], &[1 | 31 << 3]]);
    assert_refused(THREE_DIGITS, 5, &[&[0], &[13], &[255]]);
}

#[test]
fn multiples() {
    assert_held_to_patches_and_streams(ROUNDED_MULTIPLES, 1, 14);
    assert_refused(ROUNDED_MULTIPLES, 0, &[&[6 | 11 << 3], &[7 | 11 << 3], &[1 | 25 << 3], &[1 | 31 << 3]]);
    assert_refused(ROUNDED_MULTIPLES, 5, &UNSOUND_SCALES.each_ref().map(|scale| &scale[..]));
    assert_refused(ROUNDED_MULTIPLES, 13, UNSOUND_ROUNDINGS);
}

/// Multiples of 0.3 by hand, as they are and rounded in every way.
#[test]
fn multiples_by_hand() {
    // Table 0 of steps: symbol 16 is the code 0, symbol 15 is 10. Five elements in streams of 2, 2, 1 and 0, three stored bits.
    let decoded = |rounding: u8| {
        let payload =
            [&[3 << 3, 1, 1, 1, 1], &0.3_f64.to_le_bytes()[..], &[rounding, 4, 0, 0x80], &[0b001, 0, 0], &[7, 0x80]].concat();
        decoded_as_five(MULTIPLES, &payload).map(f32::from_bits)
    };
    assert_eq!(decoded(0), [-0.3, 0.0, 0.0, 0.0, 0.0]);
    assert!(decoded(0)[4].is_sign_negative());
    assert_eq!(decoded(1), [-0.3, 0.0, 0.0, 0.0, -0.0]);
}

#[test]
fn fixed_widths() {
    let patches: &[u8] = &[2, 4, 0, 1, 2, 3, 4, 19, 0, 5, 6, 7, 8];
    let scale = 0.5_f32.to_le_bytes();
    for (mode, scale, width) in [(FLOAT16, &[][..], 2), (INT8, &scale[..], 1)] {
        let with =
            |patches: &[u8], bytes: usize| decoded(mode, &[scale, patches, &vec![0; bytes]].concat()).map(|vector| vector[4]);
        let size = width * DIMENSIONS;
        assert_eq!(with(&[0], size), Ok([0; 4]));
        assert_eq!(with(patches, size), Ok(0x0403_0201_u32.to_ne_bytes()));
        for wrong in [0, size - 1, size + 1, 2 * size] {
            assert_eq!(with(patches, wrong), Err(Status::Payload));
            assert_eq!(with(&[0], wrong), Err(Status::Payload));
        }
        let unsound: [&[u8]; 4] = [
            &[1, 20, 0, 1, 2, 3, 4],
            &[1, 4, 1, 1, 2, 3, 4],
            &[2, 4, 0, 1, 2, 3, 4, 4, 0, 5, 6, 7, 8],
            &[2, 4, 0, 1, 2, 3, 4, 3, 0, 5, 6, 7, 8],
        ];
        for patches in unsound {
            assert_eq!(with(patches, size), Err(Status::Payload), "{patches:?}");
        }
        assert_eq!(decoded(mode, scale), Err(Status::Payload));
        assert_eq!(decoded(mode, &[]), Err(Status::Payload));
    }
    for scale in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
        assert_eq!(decoded(INT8, &[&scale.to_le_bytes()[..], &[0; 21]].concat()), Err(Status::Payload));
    }
}

/// A patch of -128 is -0, and all others are counts; the symbols of 32, and what is stored below them.
#[test]
fn steps_by_hand() {
    // Table 0 of steps: symbol 16 is the code 0, symbol 15 is 10. Five elements in streams of 2, 2, 1 and 0, no stored bits.
    let payload = |patches: &[[u8; 3]]| {
        let header = [0, patches.len() as u8, 1, 1, 1];
        [&header[..], &0.25_f32.to_le_bytes(), &[0], patches.as_flattened(), &[0b001, 0, 0]].concat()
    };
    let decoded = |patches: &[[u8; 3]]| {
        let record = record_of(STEPS, 5, &payload(patches));
        decode_as(KEY, &record, Precision::MaxError(1.0), 5)
            .map(|vector| vector.into_iter().map(f32::from_ne_bytes).collect::<Vec<f32>>())
    };
    assert_eq!(decoded(&[]), Ok(vec![-0.5, 0.0, 0.0, 0.0, 0.0]));
    let found = decoded(&[[1, 0, 0x80], [2, 0, 0x81], [3, 0, 0x7f], [4, 0, 0]]).unwrap();
    assert_eq!(found, [-0.5, -0.0, -63.5, 63.5, 0.0]);
    assert!(found[1].is_sign_negative() && found[4].is_sign_positive());
}

#[test]
fn symbol_15_of_a_grid_is_zero() {
    // Table 0 of exponents: symbols 13, 14 and 15 are codes of 11 bits, 15 of ones alone. Five elements, one bit each: the sign.
    let payload = [&[0, 1, 0, 1, 1, 0, 127][..], &[0xff, 0xff, 0x3f, 0xff, 0xff, 0x3f, 0xff, 0x07], &[0b01010]].concat();
    let vector = decoded_as_five(GRID, &payload);
    assert_eq!(vector, [0.0, -0.0, 0.0, -0.0, 0.0].map(f32::to_bits));
}

#[test]
fn residuals_of_a_grid_by_hand() {
    // Symbol 3 is 00. One significant bit: every `K` is 1, which makes 1/8; sign 0, then 2 bits of residual.
    let payload = [&[8, 1, 0, 1, 1, 1, 127][..], &[0, 0, 0], &[0b1000_1000, 0b0110_0110][..]].concat();
    let eighth = 0.125_f32.to_bits();
    let residuals = [0b000, 0b001, 0b010, 0b011, 0b110].map(|stored: u32| (stored % 4).wrapping_sub(2));
    let expected = [0, 0, 0, 0, 1].map(|sign: u32| sign << 31 | eighth);
    assert_eq!(decoded_as_five(GRID, &payload), std::array::from_fn(|i| expected[i].wrapping_add(residuals[i])));
}

#[test]
fn residuals_of_each_k_by_hand() {
    // Symbol 3 is 00. Two significant bits: `K` is 2 or 3, which makes 1/8 or 3/16; sign 1 in the last.
    let decoded = |table: u8| {
        let payload = [&[4, 2, 0, 1, 1, 1, 127, table][..], &[0, 0, 0], &[0b0001_0100, 0b11][..]].concat();
        decoded_as_five(GRID, &payload)
    };
    let [two, three] = [0.125_f32, 0.1875].map(f32::to_bits);
    assert_eq!(decoded(0b1010), [two, three, three, two, three | 1 << 31]);
    assert_eq!(decoded(0b1101), [two - 1, three + 1, three + 1, two - 1, (three + 1) | 1 << 31]);
}

fn decoded_as_five(mode: u8, payload: &[u8]) -> [u32; 5] {
    let vector = decode_as(KEY, &record_of(mode, 5, payload), Precision::Exact, 5).unwrap();
    vector.into_iter().map(u32::from_ne_bytes).collect::<Vec<u32>>().try_into().unwrap()
}

/// What a reader does not look at, and every writer does alike: without its patches, a payload says what stood in their place.
#[test]
fn patched_elements_have_their_symbol() {
    let mut vector = brain_floats(768, 1);
    vector[9] = float(2f32.powi(100));
    let without = |record: &[u8], count_at: usize, at: usize| {
        let mut payload = payload_of(record).to_vec();
        let patches = usize::from(std::mem::take(&mut payload[count_at]));
        assert!(patches > 0);
        payload.drain(at..at + 3 * patches);
        let record = record_of(record[MODE_AT], 768, &payload);
        (payload, decode_as(KEY, &record, lenient(record[MODE_AT]), 768).unwrap()[9])
    };
    let symbol_3 = |base: u8| float(2f32.powi(i32::from(base) - 127 - 3));
    let (payload, element) = without(&encode(KEY, &vector, Compression::Auto), 2, 7);
    assert_eq!(element, symbol_3(payload[6]));

    let mut vector = gaussian(768, 1);
    vector[9] = float(2f32.powi(100));
    let (payload, element) = without(&encode(KEY, &vector, Compression::Auto), 2, 6);
    assert_eq!(element, symbol_3(payload[1]));

    vector[9] = float(0.5);
    let (payload, element) = without(&encode_as(KEY, &vector, Form::new(Precision::MaxError(5e-3), Compression::Auto)), 1, 10);
    let below_next_symbol = 2f32.powi(i32::from(payload[0] >> 3)) * 0.01;
    assert!((0.0..below_next_symbol).contains(&f32::from_ne_bytes(element)));
}
