//! Rounding a vector to steps so that no element ends further than a bound from what it was: docs/format.md section 2.6.

use crate::Float;
use crate::modes::counts::MAX_Q;
use crate::modes::unit::{Shrink, Unit};
use crate::round;
use crate::simd::multiversioned;

const MAGNITUDE: u32 = 0x7fff_ffff;

/// The most that a step gives up for the rounding to float32, in 65536ths.
const MAX_SHRINK: f64 = 32768.0;

/// Counts the elements in steps; none where float32s so large are too coarse for the bound, or not finite.
pub fn quantise(vector: &[Float], bound: f32, q: &mut Vec<i32>) -> Option<Unit> {
    let largest = f32::from_bits(largest_magnitude(vector));
    if !largest.is_finite() {
        return None;
    }
    // Half of what lies between neighbouring float32s there: what rounding may add.
    let half_unit = f64::from(largest.next_up() - largest) / 2.0;
    let shrink = (65536.0 * half_unit / f64::from(bound)).ceil() + 1.0;
    if shrink > MAX_SHRINK {
        return None;
    }
    let unit = Unit::Bound { bound, shrink: Shrink::at_least(shrink as u32) };
    let inverse = 1.0 / unit.step();
    if f64::from(largest) * inverse > f64::from(MAX_Q) {
        return None;
    }
    q.resize(vector.len(), 0);
    count_steps(vector, inverse, q);
    Some(unit)
}

multiversioned! { @wide
/// The bits of the largest |x|.
pub fn largest_magnitude(vector: &[Float]) -> u32 {
    // Bits of positive floats are ordered as the floats are.
    vector.iter().fold(0, |largest, float| largest.max(u32::from_ne_bytes(*float) & MAGNITUDE))
}
}

multiversioned! { @wide
fn count_steps(vector: &[Float], inverse: f64, q: &mut [i32]) {
    for (float, q) in vector.iter().zip(q) {
        *q = round::to_i32(f64::from(f32::from_ne_bytes(*float)) * inverse);
    }
}
}

multiversioned! { @wide
/// Whether every element of `decoded` is within `bound` of `vector`.
pub fn holds(bound: f32, vector: &[Float], decoded: &[Float]) -> bool {
    let mut holds = vector.len() == decoded.len();
    for (float, decoded) in vector.iter().zip(decoded) {
        let error = f64::from(f32::from_ne_bytes(*float)) - f64::from(f32::from_ne_bytes(*decoded));
        holds &= error.abs() <= f64::from(bound);
    }
    holds
}
}
