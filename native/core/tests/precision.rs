//! Which reader accepts what: the table of docs/format.md section 2.

mod common;

use common::forge::record_of;
use common::kinds::{Kind, Scaling, structured};
use common::*;
use proptest::prelude::*;
use vecstash_core::{Compression, Form, Precision, Status};

const DIMENSIONS: usize = 300;
const BOUND: f32 = 1e-4;

fn records() -> Vec<Vec<u8>> {
    let vector = gaussian(DIMENSIONS, 1);
    let halves = structured(Kind::Float16, Scaling::Double, DIMENSIONS, 1);
    let decimals = structured(Kind::Decimals(5), Scaling::None, DIMENSIONS, 1);
    let in_form = |precision| encode_as(KEY, &vector, Form::new(precision, Compression::Auto));
    vec![
        encode(KEY, &vector, Compression::None),
        encode(KEY, &[float(0.5); DIMENSIONS], Compression::Zstd),
        encode(KEY, &vector, Compression::Auto),
        encode(KEY, &halves, Compression::Auto),
        encode(KEY, &decimals, Compression::Auto),
        in_form(Precision::MaxError(BOUND)),
        in_form(Precision::Float16),
        in_form(Precision::Int8),
    ]
}

const MODES: [u8; 8] = [RAW, PLANES, EXPONENT, GRID, DECIMAL, STEPS, FLOAT16, INT8];

#[test]
fn every_mode_and_every_reader() {
    let records = records();
    assert_eq!(records.iter().map(|record| record[MODE_AT]).collect::<Vec<u8>>(), MODES);
    let bounds = [f32::from_bits(1), BOUND / 2.0, BOUND.next_down(), BOUND, BOUND.next_up(), 1.0, f32::MAX, f32::INFINITY];
    let asked = bounds.map(Precision::MaxError).into_iter().chain([Precision::Exact, Precision::Float16, Precision::Int8]);
    for precision in asked {
        for (record, mode) in records.iter().zip(MODES) {
            let accepts = match (mode, precision) {
                (STEPS, Precision::MaxError(bound)) => bound >= BOUND,
                (STEPS, _) => false,
                (FLOAT16, _) => precision == Precision::Float16 || precision == Precision::Int8,
                (INT8, _) => precision == Precision::Int8,
                _ => true,
            };
            let read = decode_as(KEY, record, precision, DIMENSIONS).map(|_| ());
            assert_eq!(read, if accepts { Ok(()) } else { Err(Status::Precision) }, "mode {mode:02x}, {precision:?}");
        }
    }
}

/// Precision comes after checksum and mode, and before the payload is decoded.
#[test]
fn the_first_reason_is_named() {
    let asked = |record: &[u8], precision| decode_as(KEY, record, precision, DIMENSIONS).unwrap_err();
    for mode in [FLOAT16, INT8] {
        let nonsense = record_of(mode, DIMENSIONS, &[]);
        for precision in [Precision::Exact, Precision::MaxError(1.0)] {
            assert_eq!(asked(&nonsense, precision), Status::Precision);
        }
        assert_eq!(asked(&nonsense, Precision::Int8), Status::Payload);
        let mut damaged = nonsense.clone();
        damaged[10] ^= 1;
        assert_eq!(asked(&damaged, Precision::Exact), Status::Checksum);
    }
    let steps =
        |bound: f32, length: usize| record_of(STEPS, DIMENSIONS, &[&[0; 5], &bound.to_le_bytes()[..], &[0]].concat()[..length]);
    assert_eq!(asked(&steps(1e-3, 10), Precision::MaxError(1e-4)), Status::Precision);
    assert_eq!(asked(&steps(1e-3, 10), Precision::Exact), Status::Precision);
    assert_eq!(asked(&steps(1e-3, 10), Precision::MaxError(1e-3)), Status::Payload);
    // No bound can be told from these.
    for nonsense in
        [steps(1e-3, 8), steps(1e-3, 9), steps(0.0, 10), steps(-1.0, 10), steps(f32::NAN, 10), steps(f32::INFINITY, 10)]
    {
        for precision in [Precision::Exact, Precision::MaxError(1.0), Precision::Float16, Precision::Int8] {
            assert_eq!(asked(&nonsense, precision), Status::Payload);
        }
    }
}

#[test]
fn numbers_of_precisions() {
    assert_eq!(Precision::from_number(0.0), Some(Precision::Exact));
    assert_eq!(Precision::from_number(-1.0), Some(Precision::Float16));
    assert_eq!(Precision::from_number(-2.0), Some(Precision::Int8));
    assert_eq!(Precision::from_number(0.5), Some(Precision::MaxError(0.5)));
    assert_eq!(Precision::from_number(f64::MAX), Some(Precision::MaxError(f32::MAX)));
    for number in [-3.0, -0.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e-46, 5e-324] {
        assert_eq!(Precision::from_number(number), None, "{number}");
    }
}

proptest! {
    /// What is asked for is never exceeded by the float32 that stands for it, nor missed by more than one float32.
    #[test]
    fn bounds_are_rounded_down(exponent in -44.0..38.0_f64) {
        let number = 10f64.powf(exponent);
        let Some(Precision::MaxError(bound)) = Precision::from_number(number) else { panic!("{number} is a bound") };
        prop_assert!(f64::from(bound) <= number && number < f64::from(bound.next_up()));
    }
}
