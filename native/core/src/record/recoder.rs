//! Payloads made again with a profile: docs/format.md section 2.10.

use crate::bits::coded_streams::Scratch;
use crate::buffer::Buffer;
use crate::modes::buckets::{BucketsEncoder, Element, Factor, Lattice};
use crate::modes::counts::{BLOCK, Counts, Head, NEGATIVE_ZERO_Q};
use crate::modes::grid::{self, Residual, Stored};
use crate::modes::profile::Profile;
use crate::modes::rounding::Rounding;
use crate::modes::steps::StepsEncoder;
use crate::modes::unit::Unit;
use crate::record::header::Draft;
use crate::record::precision::Precision;
use crate::record::vector_decoder::PayloadDecoder;
use crate::search::bounded;
use crate::simd::multiversioned;
use crate::{Float, modes, round};

const EXPONENT_AT: u32 = f32::MANTISSA_DIGITS - 1;
const SIGN: u32 = 0x8000_0000;

/// What a bucket is wide, in binades below the mean distance of the elements from their dimensions' means: then few buckets touch zero.
const BINADES_BELOW: i32 = 2;

/// Binades of a bucket's width within which nothing overflows or becomes subnormal.
const WIDTHS: std::ops::Range<i32> = -100..100;

/// Makes payloads again; keeps its buffers from one vector to the next.
#[derive(Default)]
pub struct Recoder {
    scratch: Scratch,
    steps: StepsEncoder,
    buckets: BucketsEncoder,
    q: Vec<i32>,
    payload: Buffer,
    unrounded: Vec<Float>,
}

impl Recoder {
    /// Makes the payload of a draft, which holds `vector` in `mode`, again with a profile, and returns the mode it has now. Nothing where
    /// that is not smaller. `precision` is what the draft was made for; `decoder` checks that nothing else is lost.
    pub fn smaller(
        &mut self,
        profile: &Profile,
        mode: u8,
        vector: &[Float],
        precision: Precision,
        draft: &mut Draft,
        decoder: &mut PayloadDecoder,
    ) -> Option<u8> {
        let mut payload = std::mem::take(&mut self.payload);
        payload.clear();
        let profiled = self.recode(mode, draft.payload(), vector, profile, &mut payload);
        self.payload = payload;
        let profiled = profiled.filter(|_| self.payload.len() < draft.payload().len())?;
        let decoded = decoder.decoded_profiled(profiled, &self.payload, profile)?;
        let holds = match precision {
            Precision::MaxError(bound) if mode == modes::STEPS => bounded::holds(bound, vector, decoded),
            _ => decoded == vector,
        };
        if !holds {
            return None;
        }
        draft.restart().append(&self.payload);
        Some(profiled)
    }

    /// Appends what `payload`, which holds `vector` in `mode`, becomes with a profile of its dimensions, and returns the mode. Nothing
    /// where the mode has no form with a profile, or where the vector does not fit it.
    fn recode(&mut self, mode: u8, payload: &[u8], vector: &[Float], profile: &Profile, out: &mut Buffer) -> Option<u8> {
        if profile.dimensions() != vector.len() {
            return None;
        }
        out.append(&profile.number().to_le_bytes());
        match mode {
            modes::STEPS | modes::DECIMAL | modes::MULTIPLES => self.steps(mode, payload, vector, profile, out)?,
            modes::EXPONENT => {
                let base = exponent_below(vector, profile, 1.0)? + 127;
                let (residual, rounding, factor) = (Residual::None, Rounding::None, Factor::One(base as u8));
                let lattice = Lattice { precision: f32::MANTISSA_DIGITS, residual, factor, rounding };
                let elements = vector.iter().map(|float| own_significand(u32::from_ne_bytes(*float), base));
                self.buckets.encode(&lattice, &[], elements, &profile.centres(lattice.bucket())?, &mut self.steps, out)?;
            }
            modes::GRID => self.grid(payload, vector, profile, out)?,
            _ => return None,
        }
        modes::with_profile(mode)
    }

    fn steps(&mut self, mode: u8, payload: &[u8], vector: &[Float], profile: &Profile, out: &mut Buffer) -> Option<()> {
        let (head, rest) = Head::read(payload)?;
        let (unit, rest) = Unit::read(mode, rest)?;
        let centres = profile.centres(unit.step())?;
        let counts = Counts::read(&head, rest, vector, &mut self.scratch)?;
        self.q.resize(vector.len(), 0);
        for block in counts.blocks() {
            let mut of_means = [0; BLOCK];
            let (of_means, q) = (&mut of_means[..block.len()], &mut self.q[block.clone()]);
            counts.fill(block.clone(), q);
            centres.fill(block, of_means);
            for (q, centre) in q.iter_mut().zip(of_means) {
                *q = if *q == NEGATIVE_ZERO_Q { *q } else { *q - *centre };
            }
        }
        self.steps.encode(unit, &self.q, out)
    }

    fn grid(&mut self, payload: &[u8], vector: &[Float], profile: &Profile, out: &mut Buffer) -> Option<()> {
        let rounding = grid::rounding(payload)?;
        self.unrounded.clear();
        self.unrounded.extend_from_slice(vector);
        if rounding != Rounding::None {
            grid::decode_unrounded(payload, &mut self.unrounded, &mut self.scratch)?;
        }
        let vector = &self.unrounded[..];
        let stored = grid::stored(payload, vector.len(), &mut self.scratch.fields)?;
        let Stored { precision, residual, factor, is_scaled, residuals, .. } = stored;
        let highest = precision as i32 - 1;
        let widest = factor * round::power_of_two(highest);
        let binades = exponent_below(vector, profile, widest)?;
        let factor = if is_scaled {
            Factor::Scaled(factor * round::power_of_two(binades))
        } else {
            Factor::One(u8::try_from(exponent_of(widest) + binades + 127).ok()?)
        };
        let lattice = Lattice { precision, residual, factor, rounding };
        let factor = lattice.factor();
        let elements = vector.iter().enumerate().map(|(index, float)| {
            let (k, residual) = stored.k_and_residual(index);
            let bits = u32::from_ne_bytes(*float);
            let product = (f64::from(k) * factor) as f32;
            multiple(bits, k, residual, product.to_bits().wrapping_add(stored.added(k, residual)))
        });
        self.buckets.encode(&lattice, residuals, elements, &profile.centres(lattice.bucket())?, &mut self.steps, out)
    }
}

/// A float32 as a significand of 24 bits; none where it has not as many.
fn own_significand(bits: u32, base: i32) -> Option<Element> {
    let (magnitude, is_negative) = (bits & !SIGN, bits & SIGN != 0);
    let (exponent, mantissa) = (magnitude >> EXPONENT_AT, magnitude & ((1 << EXPONENT_AT) - 1));
    match exponent {
        0 if mantissa == 0 => Some(Element { is_negative, k: 0, residual: 0, doublings: 0 }),
        0 | 0xff => None,
        _ => {
            let k = mantissa | 1 << EXPONENT_AT;
            Some(Element { is_negative, k, residual: 0, doublings: exponent as i32 - base })
        }
    }
}

/// A float32 as `k`, whose product is the float32 `product`, doubled; none where it is something else.
fn multiple(bits: u32, k: u32, residual: u32, product: u32) -> Option<Element> {
    let (magnitude, is_negative) = (bits & !SIGN, bits & SIGN != 0);
    if magnitude == 0 {
        return Some(Element { is_negative, k: 0, residual: 0, doublings: 0 });
    }
    let above = magnitude as i32 - product as i32;
    let is_doubled = above & ((1 << EXPONENT_AT) - 1) == 0;
    is_doubled.then_some(Element { is_negative, k, residual, doublings: above >> EXPONENT_AT })
}

/// How many binades above `unit` a bucket should be wide. Nothing where there is no telling, or where it is out of range.
fn exponent_below(vector: &[Float], profile: &Profile, unit: f64) -> Option<i32> {
    let mean = distances(vector, profile.means()) / vector.len() as f64;
    let width = exponent_of(mean / unit) - BINADES_BELOW;
    let is_in_range = WIDTHS.contains(&width) && WIDTHS.contains(&(exponent_of(unit) + width));
    is_in_range.then_some(width)
}

/// The binade of a number above 0; out of every range for all others.
fn exponent_of(number: f64) -> i32 {
    (number.to_bits() >> (f64::MANTISSA_DIGITS - 1)) as i32 - 1023
}

const LANES: usize = 8;

multiversioned! {
/// The sum of what the elements are off the means, in an order of additions that every build keeps.
fn distances(vector: &[Float], means: &[f32]) -> f64 {
    let mut sums = [0.0; LANES];
    for (floats, means) in vector.chunks(LANES).zip(means.chunks(LANES)) {
        for ((sum, float), mean) in sums.iter_mut().zip(floats).zip(means) {
            *sum += (f64::from(f32::from_ne_bytes(*float)) - f64::from(*mean)).abs();
        }
    }
    sums.iter().sum()
}
}
