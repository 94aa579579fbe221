//! Vectors that were something else before they became float32s: what grids and decimals are for.

use super::profiles::means;
use super::{float, gaussian, uniform};
use proptest::prelude::*;
use vecstash_core::Float;

/// What the elements were.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Float16,
    BrainFloat,
    Byte,
    /// With so large a standard deviation, and no -0.
    Integers(i32),
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
    /// To length one, or nearly.
    Unit,
    /// The same, rounded to float32 and scaled again.
    UnitTwice,
    /// Divided by 127.
    By127,
    /// By a float64, and once it was rounded to float32, a little again: to length one by somebody who measures otherwise.
    Twice,
}

/// What a vector near the means of a profile is.
#[derive(Clone, Copy, Debug)]
pub enum Near {
    /// Any float32s.
    Anywhere,
    Of(Kind, Scaling),
    /// Multiples of a step.
    Steps(f64),
}

/// A vector a little off the means of `the_profile`, the same for the same seed.
pub fn near_profile(dimensions: usize, seed: u64, near: Near) -> Vec<Float> {
    let noise = gaussian(dimensions, seed).into_iter().map(|float| f64::from(f32::from_ne_bytes(float)));
    let values: Vec<f64> = means(dimensions).into_iter().zip(noise).map(|(mean, noise)| mean + noise / 4.0).collect();
    match near {
        Near::Anywhere => values.into_iter().map(|value| float(value as f32)).collect(),
        Near::Of(kind, Scaling::None) => of_kind(kind, Scaling::None, &values, seed),
        Near::Steps(step) => values.into_iter().map(|value| float(((value / step).round() * step) as f32)).collect(),
        // What it is scaled by later brings it back to the means.
        Near::Of(kind, scaling) => of_kind(kind, scaling, &scale(&values, 1.0 / any_scale(seed)), seed),
    }
}

/// A normal vector that was of this kind, the same for the same seed.
pub fn structured(kind: Kind, scaling: Scaling, dimensions: usize, seed: u64) -> Vec<Float> {
    let values: Vec<f64> = gaussian(dimensions, seed).iter().map(|value| f64::from(f32::from_ne_bytes(*value))).collect();
    of_kind(kind, scaling, &values, seed)
}

fn of_kind(kind: Kind, scaling: Scaling, values: &[f64], seed: u64) -> Vec<Float> {
    let largest = values.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
    let rounded = |value: f64| match kind {
        Kind::Float16 => half(value),
        Kind::BrainFloat => significant(value, 8),
        Kind::Byte => (value / largest * 127.0).round(),
        Kind::Integers(deviation) => (value * (values.len() as f64).sqrt() * f64::from(deviation)).round() + 0.0,
        // Small negative numbers are printed as -0.
        Kind::Decimals(digits) => (value * 10f64.powi(digits)).round() / 10f64.powi(digits),
    };
    let values: Vec<f64> = values.iter().copied().map(rounded).collect();
    let scaled = match scaling {
        Scaling::None => values,
        Scaling::Single => scale(&values, f64::from(any_scale(seed) as f32)),
        Scaling::Double => scale(&values, any_scale(seed)),
        Scaling::Unit => scale(&values, near_one(seed)),
        Scaling::UnitTwice => {
            let once = scale(&values, near_one(seed)).into_iter().map(|value| f64::from(value as f32));
            scale(&once.collect::<Vec<f64>>(), 1.0 + 1e-4 * uniform(seed)())
        }
        Scaling::By127 => values.iter().map(|value| value / 127.0).collect(),
        Scaling::Twice => {
            let once = scale(&values, any_scale(seed)).into_iter().map(|value| f64::from(value as f32));
            scale(&once.collect::<Vec<f64>>(), 1.0 + 1e-4 * uniform(seed)())
        }
    };
    scaled.into_iter().map(|value| float(value as f32)).collect()
}

/// How a vector was rounded after all else was done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rounded {
    Decimals(i32),
    Digits(usize),
    Half,
}

pub fn rounded(vector: &[Float], rounded: Rounded) -> Vec<Float> {
    let round = |value: f64| match rounded {
        Rounded::Decimals(digits) => (value * 10f64.powi(digits)).round_ties_even() / 10f64.powi(digits),
        Rounded::Digits(digits) => format!("{value:.*e}", digits - 1).parse().expect("a number"),
        Rounded::Half => half(value),
    };
    vector.iter().map(|value| float(round(f64::from(f32::from_ne_bytes(*value))) as f32)).collect()
}

fn any_rounded() -> impl Strategy<Value = Option<Rounded>> {
    prop_oneof![
        3 => Just(None),
        1 => (3..=11).prop_map(|digits| Some(Rounded::Decimals(digits))),
        1 => (2..=8_usize).prop_map(|digits| Some(Rounded::Digits(digits))),
        1 => Just(Some(Rounded::Half)),
    ]
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

/// 0.9 to 1.1.
fn near_one(seed: u64) -> f64 {
    0.9 + 0.2 * uniform(seed ^ 0x5ca1e)()
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
        1 => (1..100_000).prop_map(Kind::Integers),
        3 => (3..=10).prop_map(Kind::Decimals),
    ];
    let scaling = prop::sample::select(vec![
        Scaling::None,
        Scaling::Single,
        Scaling::Double,
        Scaling::Unit,
        Scaling::By127,
        Scaling::Twice,
    ]);
    // Decimals are no longer any once they are scaled.
    (kind, scaling).prop_map(|(kind, scaling)| (kind, if matches!(kind, Kind::Decimals(_)) { Scaling::None } else { scaling }))
}

/// A structured vector in which some elements are not: none, a few, or very many.
pub fn any_structured_vector() -> impl Strategy<Value = Vec<Float>> {
    let dimensions = prop_oneof![1_usize..=40, 1_usize..=2000];
    let strangers = prop::sample::select(vec![0_usize, 0, 3, 3, 300]);
    (any_kind(), any_rounded(), dimensions, any::<u64>(), strangers).prop_flat_map(
        |((kind, scaling), after, dimensions, seed, most)| {
            let stranger = prop::sample::select(vec![0.0, -0.0, 1e-33, -1e-33, 2.5, -1e3, 1e-41, f32::INFINITY, f32::NAN]);
            prop::collection::vec((0..dimensions, stranger), 0..=most.min(dimensions)).prop_map(move |strangers| {
                let mut vector = structured(kind, scaling, dimensions, seed);
                if let Some(after) = after {
                    vector = rounded(&vector, after);
                }
                for (index, value) in strangers {
                    vector[index] = float(value);
                }
                vector
            })
        },
    )
}
