//! Nothing unsound is decoded, and nothing makes the decoder panic.

mod common;

use common::forge::{payload_of, record_of};
use common::judge::lenient;
use common::kinds::{Kind, Rounded, Scaling, rounded, structured};
use common::*;
use proptest::prelude::*;
use std::sync::LazyLock;
use vecstash_core::{Buffer, Compression, Dictionaries, Float, Form, Precision, Status, ValueDecoder, ValueEncoder};

const DIMENSIONS: usize = 48;

/// One record of each mode, two of some.
static ONE_OF_EACH: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let vector = gaussian(DIMENSIONS, 5);
    let mut with_patches = vector.clone();
    with_patches[7] = [0; 4];
    with_patches[40] = [0xff; 4];
    let mut with_outlier = vector.clone();
    with_outlier[3] = float(20.0);
    let mut with_zeros = structured(Kind::Decimals(5), Scaling::None, DIMENSIONS, 5);
    with_zeros[9] = float(-0.0);
    let in_form = |vector: &[Float], precision| encode_as(KEY, vector, Form::new(precision, Compression::Auto));
    let was = |kind, scaling| encode(KEY, &structured(kind, scaling, DIMENSIONS, 5), Compression::Auto);
    let records = vec![
        encode(KEY, &vector, Compression::None),
        encode(KEY, &[float(0.5); DIMENSIONS], Compression::Lz4),
        encode(KEY, &[float(0.5); DIMENSIONS], Compression::Zstd),
        encode(KEY, &with_patches, Compression::Auto),
        was(Kind::Float16, Scaling::Double),
        was(Kind::Float16, Scaling::Twice),
        was(Kind::BrainFloat, Scaling::None),
        in_form(&vector, Precision::MaxError(1e-6)),
        in_form(&with_outlier, Precision::MaxError(1e-2)),
        encode(KEY, &with_zeros, Compression::Auto),
        was(Kind::Byte, Scaling::Single),
        in_form(&with_patches, Precision::Float16),
        in_form(&with_patches, Precision::Int8),
    ];
    let modes = [RAW, PLANES, PLANES, EXPONENT, GRID, GRID, GRID, STEPS, STEPS, DECIMAL, MULTIPLES, FLOAT16, INT8];
    assert_eq!(records.iter().map(|record| record[MODE_AT]).collect::<Vec<_>>(), modes);
    records
});

/// Decodes with a reader that accepts the mode.
fn decode(key: &[u8], record: &[u8], dimensions: usize) -> Result<Vec<Float>, Status> {
    decode_as(key, record, lenient(record.get(MODE_AT).copied().unwrap_or_default()), dimensions)
}

#[test]
fn every_truncation_is_refused() {
    for record in ONE_OF_EACH.iter() {
        for length in 0..record.len() {
            assert_eq!(decode(KEY, &record[..length], DIMENSIONS), Err(Status::Truncated), "{length} bytes");
        }
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    for record in ONE_OF_EACH.iter() {
        for bit in 0..8 * record.len() {
            let mut flipped = record.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(KEY, &flipped, DIMENSIONS).is_err(), "bit {bit}");
        }
    }
}

/// Forms that only longer vectors take: residuals of each `K`, and rounding.
#[test]
fn longer_records_are_refused_alike() {
    let dimensions = 200;
    let scaled = |scaling| structured(Kind::BrainFloat, scaling, dimensions, 5);
    let forms = [
        (scaled(Scaling::Twice), 0x14),
        (rounded(&scaled(Scaling::None), Rounded::Decimals(9)), 0x30),
        (rounded(&scaled(Scaling::UnitTwice), Rounded::Decimals(9)), 0x34),
        (rounded(&scaled(Scaling::Unit), Rounded::Half), 0x30),
    ];
    for (vector, kind) in forms {
        let record = encode(KEY, &vector, Compression::Auto);
        assert_eq!((record[MODE_AT], payload_of(&record)[0] & 0x3c), (GRID, kind));
        assert_eq!(decode(KEY, &record, dimensions), Ok(vector));
        for length in 0..record.len() {
            assert_eq!(decode(KEY, &record[..length], dimensions), Err(Status::Truncated), "{length} bytes");
        }
        for bit in 0..8 * record.len() {
            let mut flipped = record.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(KEY, &flipped, dimensions).is_err(), "bit {bit}");
        }
    }
}

#[test]
fn what_is_not_this_record_is_refused() {
    for record in ONE_OF_EACH.iter() {
        assert_eq!(decode(b"another key", record, DIMENSIONS), Err(Status::Checksum));
        assert_eq!(decode(KEY, record, DIMENSIONS + 1), Err(Status::Dimensions));
        assert_eq!(ValueDecoder::default().decode(KEY, record, &mut Dictionaries::default()), Err(Status::Mode));
        let longer = [&record[..], &[0]].concat();
        assert_eq!(decode(KEY, &longer, DIMENSIONS), Err(Status::Malformed));
        let mut newer = record.clone();
        newer[1] = 2;
        assert_eq!(decode(KEY, &newer, DIMENSIONS), Err(Status::Format));
    }
    let mut value = Buffer::default();
    ValueEncoder::default().encode(KEY, &[0; DIMENSIONS], Compression::None, None, &mut value).unwrap();
    assert_eq!(decode(KEY, &value, DIMENSIONS), Err(Status::Mode));
}

#[test]
fn longer_spellings_are_malformed() {
    // Each is what msgpack would take for the same record: 5 dimensions, 20 bytes of payload.
    let parts = |dimensions: &[u8], length: &[u8]| [&[0x95, 1, 0], dimensions, &[0xcf], &[0; 8], length, &[0; 20]].concat();
    let status = |record: Vec<u8>| decode(KEY, &record, 5).unwrap_err();
    assert_eq!(status(parts(&[5], &[0xc4, 20])), Status::Checksum);
    assert_eq!(status(parts(&[0xcc, 5], &[0xc4, 20])), Status::Malformed);
    assert_eq!(status(parts(&[0xcd, 0, 5], &[0xc4, 20])), Status::Malformed);
    assert_eq!(status(parts(&[0xce, 0, 0, 0, 5], &[0xc4, 20])), Status::Malformed);
    assert_eq!(status(parts(&[5], &[0xc5, 0, 20])), Status::Malformed);
    assert_eq!(status(parts(&[5], &[0xc6, 0, 0, 0, 20])), Status::Malformed);
    assert_eq!(status(parts(&[0xe5], &[0xc4, 20])), Status::Malformed);
}

#[test]
fn the_forged_records_below_are_whole() {
    for record in ONE_OF_EACH.iter() {
        assert_eq!(record_of(record[MODE_AT], DIMENSIONS, payload_of(record)), *record);
    }
}

proptest! {
    #![proptest_config(cases(20_000))]

    /// A sound checksum around noise: whatever is made of it, it is a vector's worth or a refusal, and no panic.
    #[test]
    fn noise_never_panics(mode in prop::sample::select(vec![RAW, PLANES, EXPONENT, GRID, STEPS, DECIMAL, MULTIPLES, FLOAT16, INT8]), dimensions in 1_usize..=127,
        payload in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = decode(KEY, &record_of(mode, dimensions, &payload), dimensions);
    }

    /// The same around the payload of a real record with a few bytes changed, cut or added.
    #[test]
    fn damage_never_panics(record in prop::sample::select(&ONE_OF_EACH[..]), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        length in any::<prop::sample::Index>(), cut in 0..4) {
        let mut payload = payload_of(&record).to_vec();
        for (index, byte) in changes {
            // Most of what a decoder decides on lies at the start.
            let at = if byte % 2 == 0 { index.index(payload.len().min(24)) } else { index.index(payload.len()) };
            payload[at] = byte;
        }
        match cut {
            0 => payload.truncate(length.index(payload.len())),
            1 => payload.extend(vec![0; length.index(40)]),
            _ => {}
        }
        let result = decode(KEY, &record_of(record[MODE_AT], DIMENSIONS, &payload), DIMENSIONS);
        prop_assert!(matches!(result, Ok(_) | Err(Status::Payload)));
    }

    #[test]
    fn values_never_panic(mode in 0x70_u8..=0x73, length in 1_usize..=127, payload in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut dictionaries = Dictionaries::default();
        let number = dictionaries.load(&[7; 100]).unwrap().to_le_bytes();
        let payload = if mode == 0x73 { [&number, &payload[..]].concat() } else { payload };
        let result = ValueDecoder::default().decode(KEY, &record_of(mode, length, &payload), &mut dictionaries);
        prop_assert!(result.is_err() || result.is_ok_and(|value| value.len() == length));
    }
}

/// An exponent payload of 8 elements: two symbols a stream, each a byte of two 2-bit codes.
fn exponent_payload(table: u8, patches: &[[u8; 3]], longer: [i8; 3], streams: &[u8]) -> Vec<u8> {
    let [a, b, c] = longer.map(|longer| longer as u8);
    let header = [table, 120, patches.len() as u8, a, b, c];
    [&header[..], patches.as_flattened(), streams, &[0; 24]].concat()
}

#[test]
fn exponent_payloads_are_held_to_the_format() {
    let decoded = |payload: &[u8]| decode(KEY, &record_of(EXPONENT, 8, payload), 8);
    let alike = [0, 0, 0];
    let streams = [0; 4];
    // Table 0: symbols 3 and 4 have the codes 00 and 01.
    let sound: Vec<Float> = vec![(117_u32 << 23).to_ne_bytes(); 8];
    assert_eq!(decoded(&exponent_payload(0, &[], alike, &streams)), Ok(sound.clone()));
    let apart = [1, 0, 1, 0, 1, 0, 0, 0, 0, 0];
    assert_eq!(decoded(&exponent_payload(0, &[], [-128, 0, 0], &apart)), Ok(sound.clone()));
    let mut patched = sound;
    patched[2] = (9_u32 << 23).to_ne_bytes();
    patched[7] = (255_u32 << 23).to_ne_bytes();
    assert_eq!(decoded(&exponent_payload(0, &[[2, 0, 9], [7, 0, 255]], alike, &streams)), Ok(patched));

    let refused = [
        exponent_payload(4, &[], alike, &streams),
        exponent_payload(0, &[[8, 0, 1]], alike, &streams),
        exponent_payload(0, &[[2, 1, 1]], alike, &streams),
        exponent_payload(0, &[[3, 0, 1], [2, 0, 1]], alike, &streams),
        exponent_payload(0, &[[3, 0, 1], [3, 0, 1]], alike, &streams),
        exponent_payload(0, &[], [1, 0, 0], &[0; 5]),
        exponent_payload(0, &[], [0, 0, -1], &streams),
        exponent_payload(0, &[], [-2, 0, 0], &streams),
        exponent_payload(0, &[], alike, &[0; 5]),
        exponent_payload(0, &[], alike, &[0; 3]),
        exponent_payload(0, &[], [127, 127, 127], &streams),
        // Lengths apart, and none there; then some that are too long.
        exponent_payload(0, &[], [-128, 0, 0], &streams),
        exponent_payload(0, &[], [-128, 0, 0], &[1, 0, 1, 0, 2, 0, 0, 0, 0, 0]),
        // A code of 11 bits does not end within a byte.
        exponent_payload(0, &[], alike, &[0xff, 0, 0, 0]),
    ];
    for payload in &refused {
        assert_eq!(decoded(payload), Err(Status::Payload), "{payload:?}");
        for length in 0..payload.len().min(12) {
            assert_eq!(decoded(&payload[..length]), Err(Status::Payload));
        }
    }
}

#[test]
fn fewer_elements_than_streams() {
    for dimensions in 1..=9_usize {
        // Table 0, base 120, every symbol 3: two zero bits an element. Streams past the end of the vector have no bytes.
        let quarter = dimensions.div_ceil(4);
        let bytes: Vec<u8> =
            (0..4).map(|k| (2 * dimensions.saturating_sub(k * quarter).min(quarter)).div_ceil(8) as u8).collect();
        let all = bytes.iter().sum::<u8>();
        let longer = |stream: usize| bytes[stream].wrapping_sub(all / 4);
        let mut payload = vec![0, 120, 0, longer(0), longer(1), longer(2)];
        payload.resize(payload.len() + usize::from(all) + 3 * dimensions, 0);
        let expected = vec![(117_u32 << 23).to_ne_bytes(); dimensions];
        assert_eq!(decode(KEY, &record_of(EXPONENT, dimensions, &payload), dimensions), Ok(expected));
    }
}

#[test]
fn zstd_frames_are_held_to_the_format() {
    // Plane 0 as zstd, the others stored; 20 elements.
    let with_frame = |frame: &[u8]| {
        let payload = [&[2, frame.len() as u8, 0], frame, &[0; 60]].concat();
        decode(KEY, &record_of(PLANES, 20, &payload), 20).map(|_| ())
    };
    // One block of 20 zeros (run-length), single segment, content size 20.
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x20, 20, 0xa3, 0, 0, 0];
    assert_eq!(with_frame(&frame), Ok(()));
    let with_dictionary = [0x28, 0xb5, 0x2f, 0xfd, 0x21, 0, 20, 0xa3, 0, 0, 0];
    assert_eq!(with_frame(&with_dictionary), Err(Status::Payload));
    let without_size = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0, 0xa3, 0, 0, 0];
    assert_eq!(with_frame(&without_size), Err(Status::Payload));
    let of_another_size = [0x28, 0xb5, 0x2f, 0xfd, 0x20, 21, 0xab, 0, 0, 0];
    assert_eq!(with_frame(&of_another_size), Err(Status::Payload));
    let with_skippable_frame = [&frame[..], &[0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]].concat();
    assert_eq!(with_frame(&with_skippable_frame), Err(Status::Payload));
    let as_long_as_the_plane = [&frame[..], &[0; 10]].concat();
    assert_eq!(with_frame(&as_long_as_the_plane), Err(Status::Payload));
}
