//! Vectors made as models and their clients make them.

use crate::Vector;

/// Gives an element, and the whole vector that it is of, the form in which it reaches a cache.
type Make = fn(f64, &[f64]) -> f32;

pub const KINDS: [(&str, Make, usize); 6] = [
    ("float32", as_is, 768),
    ("scaled float16", scaled_half, 1536),
    ("scaled float16", scaled_half, 3072),
    ("float16", |value, _| half(value), 768),
    ("bfloat16", |value, _| significant(value, 8), 768),
    ("six decimals", |value, _| ((value * 1e6).round_ties_even() / 1e6) as f32, 768),
];

pub fn vectors(count: usize, dimensions: usize, make: Make) -> Vec<Vector> {
    (0..count).map(|seed| unit_vector(dimensions, seed as u64, make)).collect()
}

pub fn as_is(value: f64, _: &[f64]) -> f32 {
    value as f32
}

/// A float16, scaled to length one as OpenAI's are.
fn scaled_half(value: f64, vector: &[f64]) -> f32 {
    let length = vector.iter().map(|value| f64::from(half(*value)).powi(2)).sum::<f64>().sqrt();
    (f64::from(half(value)) / length) as f32
}

/// `value` as a float16.
fn half(value: f64) -> f32 {
    const SMALLEST_NORMAL: f64 = 1.0 / (1 << 14) as f64;
    const UNIT_BELOW: f64 = 1.0 / (1 << 24) as f64;
    if value.abs() < SMALLEST_NORMAL {
        ((value / UNIT_BELOW).round_ties_even() * UNIT_BELOW) as f32
    } else {
        significant(value, 11)
    }
}

/// `value` with so many significant bits.
fn significant(value: f64, bits: u32) -> f32 {
    let drop = f32::MANTISSA_DIGITS - bits;
    let float = (value as f32).to_bits();
    f32::from_bits((float + (1 << (drop - 1)) - 1 + (float >> drop & 1)) >> drop << drop)
}

/// Box-Muller over a xorshift generator: about length one, no two alike.
fn unit_vector(dimensions: usize, seed: u64, make: Make) -> Vector {
    let mut state = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut uniform = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((state >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    };
    let values: Vec<f64> =
        (0..dimensions).map(|_| (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos()).collect();
    let length = values.iter().map(|value| value * value).sum::<f64>().sqrt() * (1.0 + seed as f64 / 1e4);
    let values: Vec<f64> = values.iter().map(|value| value / length).collect();
    values.iter().map(|value| make(*value, &values).to_ne_bytes()).collect()
}
