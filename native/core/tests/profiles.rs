//! Records that were made with a profile: smaller, as exact as without, and read with that profile alone.

mod common;

use common::forge::{payload_of, record_of};
use common::judge::{assert_holds, lenient};
use common::kinds::{Kind, Near, Rounded, Scaling, any_structured_vector, near_profile, rounded};
use common::profiles::{decode_with, encode_with, number_of, profile_of, set_of, the_profile};
use common::*;
use proptest::prelude::*;
use std::sync::LazyLock;
use vecstash_core::{Buffer, Compression, Form, Precision, Profile, Profiles, Status, VectorEncoder};

const DIMENSIONS: usize = 96;

fn form(precision: Precision) -> Form {
    Form::new(precision, Compression::Auto)
}

/// One record of each kind, in one mode after the other.
static ONE_OF_EACH: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let profile = the_profile(DIMENSIONS);
    let near = |near| near_profile(DIMENSIONS, 5, near);
    let exact = |kind, scaling| encode_with(&profile, &near(Near::Of(kind, scaling)), form(Precision::Exact));
    let mut with_zeros = near(Near::Anywhere);
    (with_zeros[3], with_zeros[4]) = (float(0.0), float(-0.0));
    let mut with_outlier = near(Near::Anywhere);
    with_outlier[7] = float(3.0);
    let mut decimals = near(Near::Of(Kind::Decimals(4), Scaling::None));
    decimals[9] = float(-0.0);
    let records = vec![
        encode_with(&profile, &with_zeros, form(Precision::Exact)),
        exact(Kind::Float16, Scaling::Double),
        exact(Kind::Float16, Scaling::Twice),
        exact(Kind::BrainFloat, Scaling::None),
        encode_with(
            &profile,
            &rounded(&near(Near::Of(Kind::BrainFloat, Scaling::Double)), Rounded::Half),
            form(Precision::Exact),
        ),
        encode_with(&profile, &near(Near::Anywhere), form(Precision::MaxError(1e-5))),
        encode_with(&profile, &with_outlier, form(Precision::MaxError(1e-3))),
        encode_with(&profile, &decimals, form(Precision::Exact)),
        encode_with(&profile, &near(Near::Steps(0.001_234_5)), form(Precision::Exact)),
    ];
    let modes = [PROFILED_STEPS, PROFILED_STEPS, PROFILED_DECIMAL, PROFILED_MULTIPLES];
    assert!(records[..5].iter().all(|record| record[MODE_AT] == PROFILED_GRID));
    assert_eq!(records[5..].iter().map(|record| record[MODE_AT]).collect::<Vec<_>>(), modes);
    records
});

fn read(profiles: &[Vec<u8>], record: &[u8]) -> Result<(), Status> {
    let precision = lenient(record.get(MODE_AT).copied().unwrap_or_default());
    decode_with(&set_of(profiles), record, precision, DIMENSIONS).map(|_| ())
}

#[test]
fn a_reader_without_the_profile_is_told_so() {
    let another = profile_of(&[0.25; DIMENSIONS]);
    let of_other_dimensions = the_profile(DIMENSIONS + 1);
    for record in ONE_OF_EACH.iter() {
        assert_eq!(read(&[the_profile(DIMENSIONS)], record), Ok(()));
        assert_eq!(read(&[another.clone(), the_profile(DIMENSIONS)], record), Ok(()));
        assert_eq!(read(&[], record), Err(Status::Profile));
        assert_eq!(read(&[another.clone(), of_other_dimensions.clone()], record), Err(Status::Profile));
        // What the payload names under a sound checksum is what counts.
        let payload = [&number_of(&of_other_dimensions).to_le_bytes(), &payload_of(record)[4..]].concat();
        let renamed = record_of(record[MODE_AT], DIMENSIONS, &payload);
        assert_eq!(read(&[the_profile(DIMENSIONS), of_other_dimensions.clone()], &renamed), Err(Status::Profile));
    }
}

#[test]
fn what_is_too_coarse_is_so_whatever_the_profile() {
    let coarse = &ONE_OF_EACH[6];
    assert_eq!(decode_with(&Profiles::default(), coarse, Precision::Exact, DIMENSIONS), Err(Status::Precision));
    assert_eq!(decode_with(&Profiles::default(), coarse, Precision::MaxError(9e-4), DIMENSIONS), Err(Status::Precision));
    assert_eq!(decode_with(&Profiles::default(), coarse, Precision::MaxError(1e-3), DIMENSIONS), Err(Status::Profile));
}

#[test]
fn every_truncation_is_refused() {
    let profiles = [the_profile(DIMENSIONS)];
    for record in ONE_OF_EACH.iter() {
        for length in 0..record.len() {
            assert_eq!(read(&profiles, &record[..length]), Err(Status::Truncated), "{length} bytes");
        }
        // And of the payload, under a sound checksum.
        let payload = payload_of(record);
        for length in 0..payload.len() {
            let cut = record_of(record[MODE_AT], DIMENSIONS, &payload[..length]);
            assert_eq!(read(&profiles, &cut), Err(Status::Payload), "{length} bytes");
        }
        assert_eq!(read(&profiles, &record_of(record[MODE_AT], DIMENSIONS, &[payload, &[0]].concat())), Err(Status::Payload));
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    let profiles = [the_profile(DIMENSIONS)];
    for record in ONE_OF_EACH.iter() {
        for bit in 0..8 * record.len() {
            let mut flipped = record.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&profiles, &flipped).is_err(), "bit {bit}");
        }
    }
}

#[test]
fn profiles_pay_where_dimensions_have_means() {
    for (near, precision, most) in [
        (Near::Anywhere, Precision::Exact, 0.97),
        (Near::Of(Kind::Float16, Scaling::Double), Precision::Exact, 0.92),
        (Near::Of(Kind::BrainFloat, Scaling::None), Precision::Exact, 0.88),
        // With a table of residuals.
        (Near::Of(Kind::BrainFloat, Scaling::Twice), Precision::Exact, 0.9),
        (Near::Anywhere, Precision::MaxError(5e-4), 0.8),
        (Near::Of(Kind::Decimals(5), Scaling::None), Precision::Exact, 0.9),
        (Near::Steps(0.001_234_5), Precision::Exact, 0.8),
    ] {
        let profile = the_profile(768);
        let (mut with, mut without) = (0, 0);
        for seed in 0..20 {
            let vector = near_profile(768, seed, near);
            with += encode_with(&profile, &vector, form(precision)).len();
            without += encode_as(KEY, &vector, form(precision)).len();
        }
        assert!((with as f64) < most * without as f64, "{near:?}: {with} of {without}");
    }
}

#[test]
fn what_a_profile_does_not_help_is_written_without() {
    let profile = the_profile(768);
    let vector = near_profile(768, 1, Near::Anywhere);
    for (precision, compression) in [
        (Precision::Float16, Compression::Auto),
        (Precision::Int8, Compression::Auto),
        (Precision::Exact, Compression::None),
        (Precision::Exact, Compression::Zstd),
    ] {
        let form = Form::new(precision, compression);
        assert_eq!(encode_with(&profile, &vector, form), encode_as(KEY, &vector, form));
    }
    // Far from its means, of other dimensions, or with what no bucket holds.
    for other in [gaussian(768, 1), near_profile(767, 1, Near::Anywhere), random_bits(768, 1)] {
        let far: Vec<_> = other.iter().map(|float| (f32::from_ne_bytes(*float) * 1e3).to_ne_bytes()).collect();
        assert_eq!(encode_with(&profile, &far, form(Precision::Exact)), encode(KEY, &far, Compression::Auto));
    }
}

fn any_near() -> impl Strategy<Value = Near> {
    let of = |kind: Kind, scaling| Near::Of(kind, scaling);
    prop_oneof![
        3 => Just(Near::Anywhere),
        2 => prop::sample::select(vec![Scaling::None, Scaling::Single, Scaling::Double, Scaling::Twice]).prop_map(move |scaling| of(Kind::Float16, scaling)),
        1 => prop::sample::select(vec![Scaling::None, Scaling::Single, Scaling::Double, Scaling::Twice]).prop_map(move |scaling| of(Kind::BrainFloat, scaling)),
        1 => (-12.0..-5.0).prop_map(|exponent: f64| Near::Steps(exponent.exp2())),
        1 => (3..=7).prop_map(move |digits| of(Kind::Decimals(digits), Scaling::None)),
    ]
}

prop_compose! {
    /// Vectors near the means, some of their elements anywhere.
    fn any_vector_near()(near in any_near(), dimensions in prop_oneof![1_usize..=40, 1_usize..=1100], seed in any::<u64>())(
        strangers in prop::collection::vec((0..dimensions, prop::sample::select(&ODD_BITS[..])), 0..=seed as usize % 3),
        how in prop::sample::select(vec![None, None, None, Some(Rounded::Half), Some(Rounded::Decimals(7)), Some(Rounded::Digits(6))]),
        vector in Just(near_profile(dimensions, seed, near)),
    ) -> Vec<vecstash_core::Float> {
        let mut vector = how.map_or(vector.clone(), |how| rounded(&vector, how));
        strangers.into_iter().for_each(|(index, bits)| vector[index] = bits.to_ne_bytes());
        vector
    }
}

proptest! {
    #![proptest_config(cases(1500))]

    /// And the same from a writer that has seen much; never longer than without the profile.
    #[test]
    fn what_is_written_is_read(vector in prop_oneof![4 => any_vector_near(), 1 => any_structured_vector(), 1 => any_vector()],
        bound in prop_oneof![2 => Just(None), 1 => (-8.0..-1.0).prop_map(|exponent: f64| Some(10f64.powf(exponent) as f32))]) {
        thread_local!(static SEASONED: std::cell::RefCell<VectorEncoder> = std::cell::RefCell::default());
        let precision = bound.map_or(Precision::Exact, Precision::MaxError);
        let bytes = the_profile(vector.len());
        let record = encode_with(&bytes, &vector, form(precision));
        assert_holds(&record, &vector, precision);
        let without = encode_as(KEY, &vector, form(precision));
        prop_assert!(record.len() <= without.len());
        prop_assert_eq!(record.len() < without.len(), PROFILED.contains(&record[MODE_AT]));
        let mut again = Buffer::default();
        let profile = Profile::parse(&bytes).unwrap();
        SEASONED.with_borrow_mut(|encoder| encoder.encode_with(Some(&profile), item(&vector), None, &mut form(precision), &mut again)).unwrap();
        prop_assert_eq!(&record[..], &again[..]);
    }
}

/// Five elements of two significant bits in buckets a half wide: the numbers of the document, one after the other.
#[test]
fn buckets_by_hand() {
    let profile = profile_of(&[0.0, 0.5, -1.0, 0.25, 0.0]);
    let payload = [
        &number_of(&profile).to_le_bytes()[..],
        // Table 0 without stored bits or patches: symbol 16 is the code 0, symbol 15 is 10. Streams of 2, 2, 1 and 0 elements.
        &[0, 0, 1, 1, 1],
        // Two bits, not scaled, buckets of 2^(126 - 127), not rounded; five bytes of remainders and depths.
        &[2, 126, 0, 5, 0, 0, 0],
        &[0b001, 0, 0],
        // Counts -1, 0, 0, 0, 0 and centres 0, 1, -2, 0, 0 make the buckets -1, 1, -2, 0, 0. A bit of remainder each, all but one set;
        // depths 0, 2 and 24, which is zero, make 1 + 3 + 24 bits.
        &[0b10111],
        &[0b1001, 0, 0, 0],
    ];
    let record = record_of(PROFILED_GRID, 5, &payload.concat());
    let vector = decode_with(&set_of(&[profile]), &record, Precision::Exact, 5).unwrap();
    // 3 x 2^-3; 3 x 2^-2; -3 x 2^-2; 2 x 2^-5 with the remainder 0; zero.
    let expected = [-0.375, 0.75, -0.75, 0.0625, 0.0].map(|value: f32| float(value));
    assert_eq!(vector, expected);
}
