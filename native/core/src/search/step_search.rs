//! Finds out whether a vector's elements are multiples of one step, of any size: docs/format.md section 2.6, mode `32`.

use crate::Float;
use crate::modes::counts::{MAX_Q, NEGATIVE_ZERO_Q};
use crate::modes::rounding::Rounding;
use crate::modes::unit::Unit;
use crate::round;
use crate::search::{bounded, decimal};
use crate::simd::multiversioned;

/// So many elements, the smallest ones of as many parts, tell the step.
const PARTS: usize = 12;

/// So many elements are tried before all are.
const SAMPLE: usize = 16;

/// Of the smallest element there are tried so many counts at most.
const MAX_COUNT: u32 = 1024;

/// No count has more.
const MAX_BITS: u32 = 28;

/// Counts that are tried at once.
const LANES: usize = 8;

/// So many steps may fit the smallest elements and not all; more are no chance but a vector made for it.
const MAX_ALIGNMENTS: usize = 16;

/// Times that all elements are gone through to make the step certain for larger ones.
const ROUNDS: usize = 3;

/// How far a count may be from an integer to be taken for it.
const MAX_OFFSET: f64 = 0.25;

const MAGNITUDE: u32 = 0x7fff_ffff;
const NEGATIVE_ZERO: u32 = 1 << 31;
const INFINITY: u32 = 0xff << 23;

/// Searches vectors one after another, and keeps its buffers.
#[derive(Default)]
pub struct StepSearch {
    smallest: Vec<u32>,
}

/// The steps that are possible.
#[derive(Clone, Copy)]
pub struct Range {
    pub least: f64,
    pub most: f64,
}

impl Range {
    pub fn middle(self) -> f64 {
        0.5 * (self.least + self.most)
    }

    /// Takes in an element that was `value`, give or take `half_unit`. False where it is no multiple of any of them; nothing is learnt where it could
    /// be several.
    pub fn narrow(&mut self, value: f64, half_unit: f64) -> bool {
        let (fewest, most) = ((value - half_unit) / self.most, (value + half_unit) / self.least);
        if most - fewest > 2.0 * MAX_OFFSET {
            return true;
        }
        let count = round::nearest(value / self.middle());
        // Rounding of these very numbers is no reason to refuse.
        if count < fewest - 1e-6 || count > most + 1e-6 {
            return false;
        }
        if count > 0.0 {
            self.least = self.least.max((value - half_unit) / count);
            self.most = self.most.min((value + half_unit) / count);
        }
        self.least <= self.most * (1.0 + 1e-12)
    }
}

impl StepSearch {
    /// The largest step that all elements are multiples of, once they are rounded, of less than 2^`bits` each; `q` gets how many each is.
    pub fn find(&mut self, vector: &[Float], rounding: Rounding, bits: u32, q: &mut Vec<i32>) -> Option<Unit> {
        // So many times the smallest is the largest element at most.
        let largest = f64::from(f32::from_bits(bounded::largest_magnitude(vector)));
        smallest_of(vector, &mut self.smallest);
        let values: Vec<f64> = self.smallest.iter().map(|bits| f64::from(f32::from_bits(*bits))).collect();
        let (first, second) = (*values.first()?, *values.get(1).or(values.first())?);
        let (half_unit, second_half_unit) = (rounding.half_unit(first), rounding.half_unit(second));
        let ratio = second / first;
        let tolerance = (half_unit + second_half_unit / ratio) / first * ratio * 1.01;
        let mut alignments = 0;
        let most = (first / largest * round::power_of_two(bits.min(MAX_BITS) as i32)).min(f64::from(MAX_COUNT));
        // A step that rounding blurs is none.
        let most = most.min(first / (8.0 * half_unit.max(second_half_unit))) as u32 + 1;
        let mut from = 1;
        while let Some(start) = next_fit(from..most, ratio, tolerance) {
            from = start + LANES as u32;
            for count in (start..start + LANES as u32).map(f64::from) {
                let mut range = Range { least: (first - half_unit) / count, most: (first + half_unit) / count };
                if !values[1..].iter().all(|value| range.narrow(*value, rounding.half_unit(*value))) {
                    continue;
                }
                alignments += 1;
                if alignments > MAX_ALIGNMENTS {
                    return None;
                }
                if let Some(unit) = settle(vector, rounding, range, q) {
                    return (bits_of(q) <= bits).then_some(unit);
                }
            }
        }
        None
    }
}

/// How many bits the largest count has.
pub fn bits_of(q: &[i32]) -> u32 {
    let largest = q.iter().map(|q| if *q == NEGATIVE_ZERO_Q { 0 } else { q.unsigned_abs() }).max();
    u32::BITS - largest.unwrap_or(0).leading_zeros()
}

/// The smallest magnitude, other than zero, of each of as many parts of the vector: each once, in order.
fn smallest_of(vector: &[Float], smallest: &mut Vec<u32>) {
    smallest.clear();
    smallest.extend(
        vector.chunks(vector.len().div_ceil(PARTS)).map(smallest_magnitude).filter(|magnitude| (1..INFINITY).contains(magnitude)),
    );
    smallest.sort_unstable();
    smallest.dedup();
}

multiversioned! { @wide
fn smallest_magnitude(vector: &[Float]) -> u32 {
    // Zero comes after all others.
    let before = |float: &Float| (u32::from_ne_bytes(*float) & MAGNITUDE).wrapping_sub(1);
    vector.iter().fold(u32::MAX, |smallest, float| smallest.min(before(float))).wrapping_add(1)
}
}

multiversioned! { @wide
/// The first of `counts` that may, with the few behind it, come near an integer times `ratio`; none where no other does.
fn next_fit(counts: std::ops::Range<u32>, ratio: f64, tolerance: f64) -> Option<u32> {
    counts.step_by(LANES).find(|start| {
        let mut fits = [false; LANES];
        for (lane, fits) in fits.iter_mut().enumerate() {
            let count = f64::from((start + lane as u32) as i32);
            let other = count * ratio;
            *fits = (other - round::nearest(other)).abs() <= tolerance * count + 1e-9;
        }
        fits.iter().fold(false, |any, fits| any | fits)
    })
}
}

/// Makes the step certain, and counts.
fn settle(vector: &[Float], rounding: Rounding, mut range: Range, q: &mut Vec<i32>) -> Option<Unit> {
    let single = f64::from(range.middle() as f32);
    let digits = Unit::digits(range.least..=range.most).filter(|_| rounding == Rounding::None);
    let shortest = digits.into_iter().chain([Unit::Step { step: single, rounding }]).find(|unit| fits(vector, *unit, q));
    if shortest.is_some() {
        return shortest;
    }
    for _ in 0..ROUNDS {
        let before = range.most - range.least;
        for float in vector {
            let value = f64::from(f32::from_bits(u32::from_ne_bytes(*float) & MAGNITUDE));
            if !range.narrow(value, rounding.half_unit(value)) {
                return None;
            }
        }
        if range.most - range.least >= 0.5 * before {
            break;
        }
    }
    let middle = range.middle();
    let single = f64::from(middle as f32);
    [single, middle].map(|step| Unit::Step { step, rounding }).into_iter().find(|unit| fits(vector, *unit, q))
}

/// Whether multiples of `unit`, rounded, give every element, bit for bit; leaves them in `q`.
fn fits(vector: &[Float], unit: Unit, q: &mut Vec<i32>) -> bool {
    let (step, rounding) = (unit.step(), unit.rounding());
    q.resize(vector.len(), 0);
    let sample = SAMPLE.min(vector.len());
    multiples(&vector[..sample], step, rounding, &mut q[..sample]) && multiples(vector, step, rounding, q)
}

fn multiples(vector: &[Float], step: f64, rounding: Rounding, q: &mut [i32]) -> bool {
    if rounding == Rounding::None {
        return decimal::multiples(vector, 1.0 / step, step, q);
    }
    for (float, q) in vector.iter().zip(q) {
        let bits = u32::from_ne_bytes(*float);
        let count = round::nearest(f64::from(f32::from_bits(bits)) / step);
        if count.is_nan() || count.abs() > f64::from(MAX_Q) {
            return false;
        }
        *q = if bits == NEGATIVE_ZERO { NEGATIVE_ZERO_Q } else { count as i32 };
        if bits != NEGATIVE_ZERO && rounding.of(((count * step) as f32).to_bits()) != bits {
            return false;
        }
    }
    true
}
