//! No element ends further than the bound from what it was.

mod common;

use common::judge::assert_holds;
use common::kinds::any_structured_vector;
use common::*;
use proptest::prelude::*;
use vecstash_core::{Compression, Float, Form, Precision, Status};

fn any_bound() -> impl Strategy<Value = f32> {
    let usual = (-9.0..-1.0).prop_map(|exponent: f64| 10f64.powf(exponent) as f32);
    let any = (1_u32..0x7f80_0000).prop_map(f32::from_bits);
    prop_oneof![7 => usual, 1 => any]
}

/// Normal vectors of any size, a few elements further out than the others.
fn any_gaussian() -> impl Strategy<Value = Vec<Float>> {
    let dimensions = prop_oneof![1_usize..=40, 1_usize..=2000];
    (dimensions, any::<u64>(), -45_i32..=45).prop_flat_map(|(dimensions, seed, exponent)| {
        prop::collection::vec((0..dimensions, 0.0..12_f64), 0..4).prop_map(move |outliers| {
            let mut values: Vec<f64> = gaussian(dimensions, seed).into_iter().map(value_of).collect();
            for (index, binades) in outliers {
                values[index] *= binades.exp2();
            }
            // Most are of the size that models make.
            let scale = if exponent % 3 == 0 { 10f64.powi(exponent) } else { 1.0 };
            values.into_iter().map(|value| float((value * scale) as f32)).collect()
        })
    })
}

fn value_of(float: Float) -> f64 {
    f64::from(f32::from_ne_bytes(float))
}

proptest! {
    #![proptest_config(cases(6000))]

    #[test]
    fn every_bound_holds(vector in prop_oneof![any_gaussian(), any_vector(), any_structured_vector()], bound in any_bound(),
        compression in prop::sample::select(&COMPRESSIONS[..])) {
        let record = encode_as(KEY, &vector, Form::new(Precision::MaxError(bound), compression));
        assert_holds(&record, &vector, Precision::MaxError(bound));
        let read = |precision| decode_as(KEY, &record, precision, vector.len());
        prop_assert_eq!(read(Precision::MaxError(f32::MAX)), read(Precision::MaxError(bound)));

        let smaller = Precision::MaxError(bound.next_down());
        for finer in [smaller, Precision::Exact, Precision::Float16, Precision::Int8] {
            let is_bounded = record[MODE_AT] == STEPS;
            prop_assert_eq!(read(finer), if is_bounded { Err(Status::Precision) } else { Ok(vector.clone()) });
        }
    }

    #[test]
    fn what_is_not_finite_comes_back(vector in any_gaussian(), bound in any_bound(), at in any::<prop::sample::Index>(),
        bits in prop::sample::select(vec![0x7f80_0000_u32, 0xff80_0000, 0x7fc0_0000, 0x7f80_0001, 0xffc1_2345])) {
        let mut vector = vector;
        *at.get_mut(&mut vector[..]) = bits.to_ne_bytes();
        let record = encode_as(KEY, &vector, Form::new(Precision::MaxError(bound), Compression::Auto));
        prop_assert_eq!(decode(KEY, &record, vector.len()), Ok(vector));
    }
}

#[test]
fn sizes_of_bounds() {
    for (bound, least) in [(1e-7, 1.5), (1e-5, 2.33), (1.25e-4, 3.3), (5e-4, 4.2)] {
        let bytes: usize = (0..25)
            .map(|seed| {
                let record = encode_as(KEY, &gaussian(768, seed), Form::new(Precision::MaxError(bound), Compression::Auto));
                assert_eq!(record[MODE_AT], STEPS);
                record.len()
            })
            .sum();
        let ratio = f64::from(25 * 4 * 768) / bytes as f64;
        assert!(ratio >= least, "{bound:e}: {ratio:.3}");
    }
}

/// Whole steps, ties and what lies one float32 to either side of them, where rounding to float32 decides.
#[test]
fn bounds_hold_where_rounding_decides() {
    for bound in [1e-7_f32, 3e-6, 1.25e-4, 5e-4, 0.01] {
        let payload = |vector: &[Float]| {
            let record = encode_as(KEY, vector, Form::new(Precision::MaxError(bound), Compression::Auto));
            (record[MODE_AT] == STEPS).then(|| forge::payload_of(&record).to_vec())
        };
        let Some(found) = payload(&[float(0.5), float(-0.5), float(0.1)].repeat(300)) else { continue };
        let c = found[9];
        let parts = if c < 16 { u32::from(c) } else { u32::from(16 + c % 16) << (c / 16 - 1) };
        let step = f64::from((2.0 * f64::from(bound) * f64::from(65536 - parts) / 65536.0) as f32);
        let mut vector = vec![float(0.5)];
        for half_steps in -500..500 {
            let value = (f64::from(half_steps) * step / 2.0) as f32;
            vector.extend(
                [value.next_down(), value, value.next_up()].map(float).iter().filter(|float| value_of(**float).abs() <= 0.5),
            );
        }
        let record = encode_as(KEY, &vector, Form::new(Precision::MaxError(bound), Compression::Auto));
        assert_eq!(record[MODE_AT], STEPS);
        assert_holds(&record, &vector, Precision::MaxError(bound));
    }
}

/// Elements far out are patched, up to 255 of them; more take another mode.
#[test]
fn outliers_are_patched() {
    for outliers in [0, 1, 254, 255, 256, 700] {
        let mut vector = gaussian(4000, 3);
        for element in vector.iter_mut().take(outliers) {
            *element = float((value_of(*element) * 40.0) as f32);
        }
        let record = encode_as(KEY, &vector, Form::new(Precision::MaxError(1e-3), Compression::Auto));
        assert_holds(&record, &vector, Precision::MaxError(1e-3));
    }
}
