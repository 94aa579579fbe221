//! Finds out whether a vector is few significant bits times one scale: docs/format.md section 2.5.

use crate::Float;
use crate::modes::grid::{self, Residual, ResidualTable};
use crate::modes::rounding::Rounding;
use crate::round;
use crate::search::grid_residuals;
use crate::simd::multiversioned;

/// Elements that a candidate is tried on before the whole vector is.
const PROBES: usize = 8;

/// Elements, or candidates, that are worked on at once.
const LANES: usize = 8;

/// Elements that are looked at for zeros before all are.
const UNSCALED_SAMPLE: usize = 16;

/// So many candidates may pass the probes and fail on the whole vector; more are no chance but a vector made for it.
const MAX_ALIGNMENTS: usize = 16;

/// Half a unit in the last place of a float32 in [1, 2).
const HALF_UNIT: f64 = 1.0 / (1 << 24) as f64;

const MANTISSA: u32 = 0x7f_ffff;
const MAGNITUDE: u32 = 0x7fff_ffff;

/// What a search found: what each element's `K` is stands in `GridSearch`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    pub precision: u32,
    pub residual: Residual,
    /// An element of exponent `e` in `GridSearch::exponents` is `K x scale x 2^(e - 127)`; none where `K` is its own significand.
    pub scale: Option<f64>,
    pub rounding: Rounding,
}

pub struct Residuals(pub ResidualTable);

impl Default for Residuals {
    fn default() -> Self {
        Self([0; _])
    }
}

/// Searches vectors one after another, and keeps its buffers.
#[derive(Default)]
pub struct GridSearch {
    /// The exponent that goes with each `K`, 0 for zeros.
    pub exponents: Vec<u8>,
    /// Sign, `K` without its highest bit, and residual: what is stored of each element.
    pub low: Vec<u32>,
    /// The residuals of each `K`, where they belong to it.
    pub table: Residuals,
    pub ks: Vec<u32>,
    /// Of rounded grids, the elements before they were rounded.
    pub before: Vec<Float>,
}

impl GridSearch {
    /// Cuts the zeros off significands of so many bits.
    pub fn unscaled(&mut self, vector: &[Float], precision: u32) -> Found {
        let zeros = 24 - precision;
        self.exponents.resize(vector.len(), 0);
        self.low.resize(vector.len(), 0);
        cut(vector, zeros, &mut self.exponents, &mut self.low);
        Found { precision, residual: Residual::None, scale: None, rounding: Rounding::None }
    }

    /// Finds significands of `precision` bits, 2 to 23 of them, that were scaled and rounded to float32, perhaps twice.
    pub fn scaled(&mut self, vector: &[Float], precision: u32) -> Option<Found> {
        let probes = probes(vector)?;
        let tolerance = (f64::from(precision) - 21.0).exp2();
        let ratio_to_reference = probes[1] / probes[0];
        let mut alignments = 0;
        let (lowest, end) = (1_u32 << (precision - 1), 1_u32 << precision);
        self.exponents.resize(vector.len(), 0);
        self.ks.resize(vector.len(), 0);
        for first in (lowest..end).step_by(LANES) {
            if !any_fits(first, ratio_to_reference, lowest, tolerance) {
                continue;
            }
            for candidate in first..(first + LANES as u32).min(end) {
                let ratio = f64::from(candidate) / probes[0];
                if probes[1..].iter().any(|probe| misfit(probe * ratio, lowest) > tolerance) {
                    continue;
                }
                alignments += 1;
                if alignments > MAX_ALIGNMENTS {
                    return None;
                }
                let alignment = align(vector, ratio, precision, &mut self.ks, &mut self.exponents);
                if alignment.misfit <= tolerance
                    && let Some(found) = self.settle(vector, precision, &alignment)
                {
                    return Some(found);
                }
            }
        }
        None
    }

    /// Chooses the scale and fills `low`.
    fn settle(&mut self, vector: &[Float], precision: u32, alignment: &Alignment) -> Option<Found> {
        self.low.resize(vector.len(), 0);
        if alignment.lower <= alignment.upper {
            join(vector, &self.ks, precision, &mut self.low);
            let middle = 0.5 * (alignment.lower + alignment.upper);
            let short = grid::shortened(middle);
            let scale = if (alignment.lower..=alignment.upper).contains(&short) { short } else { middle };
            return Some(Found { precision, residual: Residual::None, scale: Some(scale), rounding: Rounding::None });
        }
        // Where a product is halfway between two float32s the range is a point, and may be missed.
        let single = f64::from((0.5 * (alignment.lower + alignment.upper)) as f32);
        if alignment.lower <= alignment.upper * (1.0 + 1e-9)
            && grid_residuals::is_exact(vector, &self.ks, &self.exponents, single)
        {
            join(vector, &self.ks, precision, &mut self.low);
            return Some(Found { precision, residual: Residual::None, scale: Some(single), rounding: Rounding::None });
        }
        let scale = alignment.least_squares;
        let fits = join_residuals(vector, &self.ks, &self.exponents, precision, scale, &mut self.low);
        let belongs_to_k = fits && grid_residuals::move_to_table(vector, precision, &mut self.low, &mut self.table.0);
        let residual = if belongs_to_k { Residual::OfK } else { Residual::OfElement };
        fits.then_some(Found { precision, residual, scale: Some(scale), rounding: Rounding::None })
    }
}

/// How many significant bits the elements have, where their significands end in two zeros at least.
pub fn unscaled_precision(vector: &[Float]) -> Option<u32> {
    let zeros = |vector: &[Float]| used_mantissa_bits(vector).trailing_zeros().min(23);
    let sample = &vector[..UNSCALED_SAMPLE.min(vector.len())];
    (zeros(sample) >= 2).then(|| zeros(vector)).filter(|zeros| *zeros >= 2).map(|zeros| 24 - zeros)
}

multiversioned! { @wide
/// Every mantissa bit that any element has.
fn used_mantissa_bits(vector: &[Float]) -> u32 {
    vector.iter().fold(0, |used, float| used | u32::from_ne_bytes(*float)) & MANTISSA
}
}

multiversioned! { @wide
fn cut(vector: &[Float], zeros: u32, exponents: &mut [u8], low: &mut [u32]) {
    for ((float, exponent), low) in vector.iter().zip(exponents).zip(low) {
        let bits = u32::from_ne_bytes(*float);
        // Exponent 0 is zero's alone; a subnormal is as good as patched whatever else it is said to have.
        let is_subnormal = (1..=MANTISSA).contains(&(bits & MAGNITUDE));
        *exponent = if is_subnormal { 1 } else { (bits >> 23) as u8 };
        *low = bits >> 31 << (23 - zeros) | (bits & MANTISSA) >> zeros;
    }
}
}

/// The significands, in [1, 2), of normal elements from all over the vector.
fn probes(vector: &[Float]) -> Option<[f64; PROBES]> {
    let eighth = vector.len() / PROBES;
    let mut probes = [0.0; PROBES];
    for (index, probe) in probes.iter_mut().enumerate() {
        let part = &vector[index * eighth..(index + 1) * eighth];
        *probe = part.iter().map(|float| u32::from_ne_bytes(*float)).find(|bits| is_normal(*bits)).map(significand)?;
    }
    Some(probes)
}

fn is_normal(bits: u32) -> bool {
    (1..=254).contains(&((bits >> 23) as u8))
}

#[inline(always)]
fn significand(bits: u32) -> f64 {
    f64::from_bits(0x3ff0_0000_0000_0000 | u64::from(bits & MANTISSA) << 29)
}

/// By which power of two a `K` comes to lie at or above `lowest`, half a unit of rounding taken into account, and below twice that.
#[inline(always)]
fn normaliser(k: f64, lowest: f64) -> f64 {
    if k < lowest - 0.25 {
        2.0
    } else if k >= 2.0 * lowest - 0.5 {
        0.5
    } else {
        1.0
    }
}

/// How far a `K` is from an integer.
#[inline(always)]
fn misfit(k: f64, lowest: u32) -> f64 {
    let k = k * normaliser(k, f64::from(lowest));
    (k - round::nearest(k)).abs()
}

multiversioned! { @wide
/// Whether any of eight candidates for the reference's `K` puts an element of `ratio` times its significand near an integer.
fn any_fits(first: u32, ratio: f64, lowest: u32, tolerance: f64) -> bool {
    let mut fits = [false; LANES];
    for (lane, fits) in fits.iter_mut().enumerate() {
        *fits = misfit(f64::from((first + lane as u32) as i32) * ratio, lowest) <= tolerance;
    }
    fits.iter().fold(false, |any, fits| any | fits)
}
}

/// How a vector lies on a grid.
struct Alignment {
    /// The furthest that any `K` is from an integer.
    misfit: f64,
    /// The scales with which every element is rounded to itself: none where `lower` is above `upper`.
    lower: f64,
    upper: f64,
    least_squares: f64,
}

multiversioned! { @wide
/// Rounds `ratio` times each significand to its `K`.
fn align(vector: &[Float], ratio: f64, precision: u32, ks: &mut [u32], exponents: &mut [u8]) -> Alignment {
    let lowest = f64::from(1_i32 << (precision - 1));
    let mut worst = [0.0_f64; LANES];
    let mut lower = [0.0_f64; LANES];
    let mut upper = [f64::INFINITY; LANES];
    let mut products = [0.0_f64; LANES];
    let mut squares = [0.0_f64; LANES];
    let mut add = |elements: &[Float; LANES], ks: &mut [u32; LANES], exponents: &mut [u8; LANES]| {
        for lane in 0..LANES {
            let magnitude = u32::from_ne_bytes(elements[lane]) & MAGNITUDE;
            let exponent = magnitude >> 23;
            let m = significand(magnitude);
            let k = m * ratio;
            let f = normaliser(k, lowest);
            let k = k * f;
            let rounded = round::nearest(k);
            let is_zero = magnitude == 0;
            // Neither infinities nor subnormals lie on a grid, and exponent 0 is zero's.
            let is_odd = exponent == 0xff || exponent < 2;
            let off = if is_zero { 0.0 } else if is_odd { 1.0 } else { (k - rounded).abs() };
            worst[lane] = if off > worst[lane] { off } else { worst[lane] };
            let unit = f / rounded;
            let below = if magnitude & MANTISSA == 0 { 0.5 * HALF_UNIT } else { HALF_UNIT };
            let least = if is_zero { 0.0 } else { (m - below) * unit };
            let most = if is_zero { f64::INFINITY } else { (m + HALF_UNIT) * unit };
            lower[lane] = if least > lower[lane] { least } else { lower[lane] };
            upper[lane] = if most < upper[lane] { most } else { upper[lane] };
            let weight = if is_zero { 0.0 } else { rounded };
            products[lane] += m * f * weight;
            squares[lane] += weight * weight;
            ks[lane] = round::to_i32(k) as u32;
            let shift = u32::from(f == 0.5).wrapping_sub(u32::from(f == 2.0));
            exponents[lane] = if is_zero { 0 } else { exponent.wrapping_add(shift) as u8 };
        }
    };
    let (chunks, rest) = vector.as_chunks();
    let (k_chunks, k_rest) = ks.as_chunks_mut();
    let (exponent_chunks, exponent_rest) = exponents.as_chunks_mut();
    for ((elements, ks), exponents) in chunks.iter().zip(k_chunks).zip(exponent_chunks) {
        add(elements, ks, exponents);
    }
    if !rest.is_empty() {
        let (mut elements, mut last_ks, mut last_exponents) = ([Float::default(); LANES], [0; LANES], [0; LANES]);
        elements[..rest.len()].copy_from_slice(rest);
        add(&elements, &mut last_ks, &mut last_exponents);
        k_rest.copy_from_slice(&last_ks[..rest.len()]);
        exponent_rest.copy_from_slice(&last_exponents[..rest.len()]);
    }
    Alignment {
        misfit: worst.into_iter().fold(0.0, f64::max),
        lower: lower.into_iter().fold(0.0, f64::max),
        upper: upper.into_iter().fold(f64::INFINITY, f64::min),
        least_squares: products.iter().sum::<f64>() / squares.iter().sum::<f64>(),
    }
}
}

multiversioned! { @wide
fn join(vector: &[Float], ks: &[u32], precision: u32, low: &mut [u32]) {
    let below_highest = (1 << (precision - 1)) - 1;
    for ((float, k), low) in vector.iter().zip(ks).zip(low) {
        *low = u32::from_ne_bytes(*float) >> 31 << (precision - 1) | *k & below_highest;
    }
}
}

multiversioned! { @wide
/// The same with what is left over; false where that is more than the residual holds.
fn join_residuals(vector: &[Float], ks: &[u32], exponents: &[u8], precision: u32, scale: f64, low: &mut [u32]) -> bool {
    let below_highest = (1 << (precision - 1)) - 1;
    let mut fits = true;
    for (((float, k), exponent), low) in vector.iter().zip(ks).zip(exponents).zip(low) {
        let bits = u32::from_ne_bytes(*float);
        let on_grid = ((f64::from(*k as i32) * scale) as f32).to_bits().wrapping_add(u32::from(*exponent) << 23).wrapping_sub(127 << 23);
        let residual = (bits & MAGNITUDE).wrapping_sub(on_grid).wrapping_add(2);
        fits &= residual < 4 || bits & MAGNITUDE == 0;
        *low = bits >> 31 << (precision + 1) | (*k & below_highest) << 2 | residual & 3;
    }
    fits
}
}
