//! Finds out whether a vector was printed with a few decimals: docs/format.md section 2.6.

use crate::Float;
use crate::modes::counts::{MAX_Q, NEGATIVE_ZERO_Q};
use crate::modes::unit::Unit;
use crate::round;
use crate::simd::multiversioned;

/// Fewer digits are left to the grid, more are no gain.
const DIGITS: std::ops::RangeInclusive<u8> = 3..=10;

/// So many elements are tried before all are.
const SAMPLE: usize = 16;

const NEGATIVE_ZERO: u32 = 1 << 31;

/// The fewest digits that give every element, bit for bit; `q` gets the elements as multiples of the last digit's unit.
pub fn find(vector: &[Float], q: &mut Vec<i32>) -> Option<Unit> {
    DIGITS.map(Unit::Digits).find(|unit| fits(vector, *unit, q))
}

/// Whether multiples of `unit` give every element, bit for bit; leaves them in `q`.
pub fn fits(vector: &[Float], unit: Unit, q: &mut Vec<i32>) -> bool {
    let step = unit.step();
    let inverse = (1.0 / step).round();
    q.resize(vector.len(), 0);
    let sample = SAMPLE.min(vector.len());
    multiples(&vector[..sample], inverse, step, &mut q[..sample]) && multiples(vector, inverse, step, q)
}

multiversioned! { @wide
/// Whether multiples of `step`, whose `inverse` is near enough, give every element; leaves them in `q`.
pub fn multiples(vector: &[Float], inverse: f64, step: f64, q: &mut [i32]) -> bool {
    let mut fits = true;
    for (float, q) in vector.iter().zip(q) {
        let bits = u32::from_ne_bytes(*float);
        let exact = f64::from(f32::from_bits(bits)) * inverse;
        let rounded = round::nearest(exact);
        let is_negative_zero = bits == NEGATIVE_ZERO;
        fits &= is_negative_zero || rounded.abs() <= f64::from(MAX_Q) && ((rounded * step) as f32).to_bits() == bits;
        *q = if is_negative_zero { NEGATIVE_ZERO_Q } else { round::to_i32(exact) };
    }
    fits
}
}
