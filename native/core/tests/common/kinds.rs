//! Vectors that were something else before they became float32s: what grids and decimals are for.

use super::{float, gaussian, uniform};
use proptest::prelude::*;
use vecstash_core::Float;

/// What the elements were.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Float16,
    BrainFloat,
    Byte,
    Decimals(i32),
}

/// What was done to them afterwards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scaling {
    None,
    /// By a float32.
    Single,
    /// By a float64.
    Double,
    /// By a float64, and once it was rounded to float32, a little again: to length one by somebody who measures otherwise.
    Twice,
}

/// A normal vector that was of this kind, the same for the same seed.
pub fn structured(kind: Kind, scaling: Scaling, dimensions: usize, seed: u64) -> Vec<Float> {
    let values: Vec<f64> = gaussian(dimensions, seed).iter().map(|value| f64::from(f32::from_ne_bytes(*value))).collect();
    let largest = values.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
    let rounded = |value: f64| match kind {
        Kind::Float16 => half(value),
        Kind::BrainFloat => significant(value, 8),
        Kind::Byte => (value / largest * 127.0).round(),
        // Small negative numbers are printed as -0.
        Kind::Decimals(digits) => (value * 10f64.powi(digits)).round() / 10f64.powi(digits),
    };
    let values: Vec<f64> = values.into_iter().map(rounded).collect();
    let scaled = match scaling {
        Scaling::None => values,
        Scaling::Single => scale(&values, f64::from(any_scale(seed) as f32)),
        Scaling::Double => scale(&values, any_scale(seed)),
        Scaling::Twice => {
            let once = scale(&values, any_scale(seed)).into_iter().map(|value| f64::from(value as f32));
            scale(&once.collect::<Vec<f64>>(), 1.0 + 1e-4 * uniform(seed)())
        }
    };
    scaled.into_iter().map(|value| float(value as f32)).collect()
}

/// `value` as the nearest binary16.
pub fn half(value: f64) -> f64 {
    if value.abs() < 2f64.powi(-14) { (value * 2f64.powi(24)).round_ties_even() * 2f64.powi(-24) } else { significant(value, 11) }
}

/// `value` rounded to so many significant bits.
fn significant(value: f64, bits: u32) -> f64 {
    let unit = 1_u64 << (f64::MANTISSA_DIGITS - bits);
    let magnitude = value.to_bits();
    let odd = magnitude / unit % 2;
    f64::from_bits((magnitude + unit / 2 - 1 + odd) / unit * unit)
}

fn any_scale(seed: u64) -> f64 {
    (20.0 * uniform(seed ^ 0x5ca1e)() - 10.0).exp2()
}

fn scale(values: &[f64], factor: f64) -> Vec<f64> {
    values.iter().map(|value| value * factor).collect()
}

pub fn any_kind() -> impl Strategy<Value = (Kind, Scaling)> {
    let kind = prop_oneof![
        2 => Just(Kind::Float16),
        2 => Just(Kind::BrainFloat),
        1 => Just(Kind::Byte),
        3 => (3..=10).prop_map(Kind::Decimals),
    ];
    let scaling = prop::sample::select(vec![Scaling::None, Scaling::Single, Scaling::Double, Scaling::Twice]);
    // Decimals are no longer any once they are scaled.
    (kind, scaling).prop_map(|(kind, scaling)| (kind, if matches!(kind, Kind::Decimals(_)) { Scaling::None } else { scaling }))
}

/// A structured vector in which some elements are not: none, a few, or very many.
pub fn any_structured_vector() -> impl Strategy<Value = Vec<Float>> {
    let dimensions = prop_oneof![1_usize..=40, 1_usize..=2000];
    let strangers = prop::sample::select(vec![0_usize, 0, 3, 3, 300]);
    (any_kind(), dimensions, any::<u64>(), strangers).prop_flat_map(|((kind, scaling), dimensions, seed, most)| {
        let stranger = prop::sample::select(vec![0.0, -0.0, 1e-33, -1e-33, 2.5, -1e3, 1e-41, f32::INFINITY, f32::NAN]);
        prop::collection::vec((0..dimensions, stranger), 0..=most.min(dimensions)).prop_map(move |strangers| {
            let mut vector = structured(kind, scaling, dimensions, seed);
            for (index, value) in strangers {
                vector[index] = float(value);
            }
            vector
        })
    })
}
