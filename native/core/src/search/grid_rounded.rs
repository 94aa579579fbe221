//! Finds out whether a vector is a grid that was rounded afterwards, to decimals, digits or float16: docs/format.md sections 2.5 and 2.9.

use crate::Float;
use crate::modes::grid::{MAX_TABLE_PRECISION, Residual};
use crate::modes::rounding::Rounding;
use crate::round;
use crate::search::grid_residuals::ZERO;
use crate::search::grid_search::{Found, GridSearch};
use crate::search::step_search::Range;
use std::cmp::Ordering;

/// Elements that a candidate is tried on before the whole vector is, and how many there must be.
const MAX_PROBES: usize = 48;
const MIN_PROBES: usize = 12;

/// How much of the distance between two `K` rounding may blur for an element to be a probe.
const MAX_BLUR: f64 = 0.13;

/// So many candidates may pass the probes and fail on the whole vector.
const MAX_ALIGNMENTS: usize = 4;

/// Scales that are tried, each in the middle of those that may still fit.
const MAX_BISECTIONS: usize = 24;

/// What two scalings may leave over, of a significand in [1, 2): two units in the last place.
const RESIDUALS: f64 = 2.0 / (1 << 23) as f64;

const MAGNITUDE: u32 = 0x7fff_ffff;
const MANTISSA: u32 = 0x7f_ffff;

/// A significand in [1, 2), and how far it may be from what it was.
#[derive(Clone, Copy)]
struct Probe {
    significand: f64,
    half_unit: f64,
}

impl Probe {
    /// None where it is no normal number.
    fn of(bits: u32, rounding: Rounding) -> Option<Self> {
        let magnitude = bits & MAGNITUDE;
        let exponent = (magnitude >> 23) as i32;
        if !(1..=254).contains(&exponent) {
            return None;
        }
        let half_unit = rounding.half_unit(f64::from(f32::from_bits(magnitude))) * round::power_of_two(127 - exponent);
        Some(Self { significand: f64::from(f32::from_bits(magnitude & MANTISSA | 127 << 23)), half_unit })
    }

    /// By which power of two its `K` comes to lie at or above `lowest`, and below twice that or on it.
    fn normaliser(self, scale: f64, lowest: f64) -> f64 {
        let k = self.significand / scale;
        if k < lowest {
            2.0
        } else if k >= 2.0 * lowest {
            0.5
        } else {
            1.0
        }
    }

    /// Takes it in; false where it is on no grid of such a scale.
    fn narrow(self, range: &mut Range, lowest: f64) -> bool {
        let f = self.normaliser(range.middle(), lowest);
        range.narrow(self.significand * f, (self.half_unit + RESIDUALS) * f)
    }
}

impl GridSearch {
    /// Finds significands of `precision` bits that were scaled and then rounded. `before` gets the elements as they were before that.
    pub fn rounded(&mut self, vector: &[Float], precision: u32, rounding: Rounding) -> Option<Found> {
        let lowest = f64::from(1_u32 << (precision - 1));
        let probes = probes(vector, 2.0 * lowest, rounding)?;
        let blur = |probe: &Probe| probe.half_unit / probe.significand;
        let reference = *probes.iter().min_by(|a, b| blur(a).total_cmp(&blur(b)))?;
        let mut alignments = 0;
        for k in (1_u32 << (precision - 1)..1 << precision).map(f64::from) {
            let half_unit = reference.half_unit + RESIDUALS;
            let mut range =
                Range { least: (reference.significand - half_unit) / k, most: (reference.significand + half_unit) / k };
            if !probes.iter().all(|probe| probe.narrow(&mut range, lowest)) {
                continue;
            }
            if let Some(found) = self.settle_rounded(vector, precision, rounding, range) {
                return Some(found);
            }
            alignments += 1;
            if alignments == MAX_ALIGNMENTS {
                return None;
            }
        }
        None
    }

    /// Chooses the scale and the residuals, and fills `low` and `before`.
    fn settle_rounded(&mut self, vector: &[Float], precision: u32, rounding: Rounding, range: Range) -> Option<Found> {
        self.assign(vector, f64::from(1_u32 << (precision - 1)), range.middle())?;
        self.table.0.fill(ZERO);
        let found = |residual, scale| Some(Found { precision, residual, scale: Some(scale), rounding });
        let mut range = range;
        let power = round::power_of_two((range.most.to_bits() >> 52) as i32 - 1023);
        let mut shortest = [power, f64::from(range.middle() as f32)].into_iter();
        // Larger scales make larger elements: each that is wrong tells on which side the right ones are.
        for _ in 0..MAX_BISECTIONS {
            let scale = shortest.next().unwrap_or(range.middle());
            if !(range.least..=range.most).contains(&scale) {
                continue;
            }
            match self.round(vector, precision, scale, rounding) {
                Ordering::Equal => return found(Residual::None, scale),
                Ordering::Less => range.least = scale,
                Ordering::Greater => range.most = scale,
            }
        }
        if precision > MAX_TABLE_PRECISION {
            return None;
        }
        let scales = [self.least_squares(vector, rounding), range.middle()];
        let scale = scales.into_iter().find(|scale| self.find_residuals(vector, precision, *scale, rounding))?;
        (self.round(vector, precision, scale, rounding) == Ordering::Equal).then(|| found(Residual::OfK, scale))?
    }

    /// The `K` of each element with this scale, and the exponent that goes with it.
    fn assign(&mut self, vector: &[Float], lowest: f64, scale: f64) -> Option<()> {
        self.ks.clear();
        self.exponents.clear();
        for float in vector {
            let magnitude = u32::from_ne_bytes(*float) & MAGNITUDE;
            let exponent = (magnitude >> 23) as i32;
            // Exponents 1 and 254 may become others, which are not normal.
            if magnitude != 0 && !(3..=252).contains(&exponent) {
                return None;
            }
            let k = f64::from(f32::from_bits(magnitude & MANTISSA | 127 << 23)) / scale;
            let (f, shift) = if k < lowest {
                (2.0, -1)
            } else if k >= 2.0 * lowest {
                (0.5, 1)
            } else {
                (1.0, 0)
            };
            let k = round::nearest(k * f);
            let (k, shift) = if k >= 2.0 * lowest { (lowest, shift + 1) } else { (k, shift) };
            self.ks.push(if magnitude == 0 { lowest as u32 } else { k as u32 });
            self.exponents.push(if magnitude == 0 { 0 } else { (exponent + shift) as u8 });
        }
        Some(())
    }

    /// The scale that fits best, with equal errors for all elements, or with float16 and digits for all significands.
    fn least_squares(&self, vector: &[Float], rounding: Rounding) -> f64 {
        let (mut products, mut squares) = (0.0, 0.0);
        for ((float, k), exponent) in vector.iter().zip(&self.ks).zip(&self.exponents).filter(|(_, exponent)| **exponent != 0) {
            let unit = round::power_of_two(i32::from(*exponent) - 127);
            let value = f64::from(f32::from_bits(u32::from_ne_bytes(*float) & MAGNITUDE));
            let k = f64::from(*k);
            let (k, value) = if matches!(rounding, Rounding::Decimals(_)) { (k * unit, value) } else { (k, value / unit) };
            products += k * value;
            squares += k * k;
        }
        products / squares
    }

    /// A residual for each `K` with which all of its elements come out right; false where there is none.
    fn find_residuals(&mut self, vector: &[Float], precision: u32, scale: f64, rounding: Rounding) -> bool {
        const ALL: u8 = 0xf;
        let lowest = 1 << (precision - 1);
        let table = &mut self.table.0[..lowest];
        // First the set of residuals that are possible, a bit each.
        table.fill(ALL);
        for ((float, k), exponent) in vector.iter().zip(&self.ks).zip(&self.exponents).filter(|(_, exponent)| **exponent != 0) {
            let magnitude = u32::from_ne_bytes(*float) & MAGNITUDE;
            let possible = &mut table[*k as usize - lowest];
            let set = (0..4_u32).filter(|residual| {
                *possible >> residual & 1 != 0 && rounding.of(unrounded(*k, *exponent, scale, *residual as u8)) == magnitude
            });
            *possible = set.fold(0, |set, residual| set | 1 << residual);
            if *possible == 0 {
                return false;
            }
        }
        for possible in table {
            *possible = if *possible >> ZERO & 1 != 0 { ZERO } else { possible.trailing_zeros() as u8 };
        }
        true
    }

    /// Fills `low` and `before`; unless all elements come out as they are, how the first that does not compares with what it is.
    fn round(&mut self, vector: &[Float], precision: u32, scale: f64, rounding: Rounding) -> Ordering {
        let lowest = 1 << (precision - 1);
        self.low.clear();
        self.before.clear();
        for ((float, k), exponent) in vector.iter().zip(&self.ks).zip(&self.exponents) {
            let bits = u32::from_ne_bytes(*float);
            let residual = self.table.0.get(*k as usize - lowest).copied().unwrap_or(ZERO);
            let before = if *exponent == 0 { 0 } else { unrounded(*k, *exponent, scale, residual) };
            let order = rounding.of(before).cmp(&(bits & MAGNITUDE));
            if order != Ordering::Equal {
                return order;
            }
            self.low.push(bits >> 31 << (precision - 1) | *k & (lowest as u32 - 1));
            self.before.push((before | bits & !MAGNITUDE).to_ne_bytes());
        }
        Ordering::Equal
    }
}

/// What an element's magnitude was.
fn unrounded(k: u32, exponent: u8, scale: f64, residual: u8) -> u32 {
    let product = ((f64::from(k) * scale) as f32).to_bits();
    let bits = product.wrapping_add(u32::from(exponent) << 23).wrapping_sub(127 << 23);
    bits.wrapping_add(u32::from(residual)).wrapping_sub(u32::from(ZERO))
}

/// Elements whose `K`, less than `end`, rounding leaves no doubt about; none where they are too few.
fn probes(vector: &[Float], end: f64, rounding: Rounding) -> Option<Vec<Probe>> {
    let all = vector.iter().filter_map(|float| Probe::of(u32::from_ne_bytes(*float), rounding));
    let probes: Vec<Probe> = all.filter(|probe| (probe.half_unit + RESIDUALS) * end <= MAX_BLUR).take(MAX_PROBES).collect();
    (probes.len() >= MIN_PROBES).then_some(probes)
}
