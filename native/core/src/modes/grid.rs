//! Mode `20`: few significant bits times one scale. Docs/format.md section 2.5.

use super::coded::{self, Scratch, Symbols};
use crate::Float;
use crate::buffer::Buffer;
use crate::exponents::{Plan, TABLES, ZERO_SYMBOL};
use crate::huffman::{EXPONENTS, STREAMS};
use crate::planes;
use crate::round;
use crate::simd::{self, multiversioned};
use crate::stored::{self, Planes, for_planes};

/// The most significant bits of `K`.
pub const MAX_PRECISION: u32 = 24;

/// How many bits a residual takes, where there is one: -2 to 1 units in the last place.
pub const RESIDUAL_BITS: u32 = 2;

const IS_SCALED: u8 = 1 << 4;

/// What the elements of a vector are multiples of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// The float64 that `K` of an element with symbol 0 is multiplied by.
    Factor(f64),
    /// A power of two: `K` is the element's own significand.
    One,
}

/// The grid of one vector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    /// Significant bits of `K`, 1 to 24.
    pub precision: u32,
    /// 0 or `RESIDUAL_BITS`.
    pub residual: u32,
    pub scale: Scale,
}

/// Table, residual and kind of scale; precision; patch count.
const FIELDS: usize = 3;

/// Appends the payload. `planned` are the exponents that `plan` was made for, `actual` those of the elements themselves;
/// `low` holds sign, `K` without its highest bit and residual. `symbols` is overwritten.
pub fn encode(grid: &Grid, plan: &Plan, planned: &[u8], vector: &[Float], low: &[u32], symbols: &mut Symbols, out: &mut Buffer) {
    let is_scaled = if matches!(grid.scale, Scale::Factor(_)) { IS_SCALED } else { 0 };
    let actual = |index: usize| (u32::from_ne_bytes(vector[index]) >> 23) as u8;
    plan.symbols(planned, &mut symbols.bytes);
    let streams = coded::encode_streams(&EXPONENTS, plan.table, &symbols.bytes, &mut symbols.writer);
    out.append(&[plan.table as u8 | (grid.residual as u8) << 2 | is_scaled, grid.precision as u8, plan.patches as u8]);
    out.append(&streams.lengths);
    match grid.scale {
        Scale::Factor(factor) => out.append(&factor.to_le_bytes()),
        Scale::One => out.append(&[plan.base]),
    }
    out.append(plan.patches(planned, actual).as_flattened());
    streams.append_to(out);
    stored::write(grid.precision + grid.residual, low, &mut symbols.bytes, out);
}

/// Decodes `payload` into `vector`, which is left as it was where nothing is returned.
pub fn decode(payload: &[u8], vector: &mut [Float], scratch: &mut Scratch) -> Option<()> {
    let dimensions = vector.len();
    let (&[kind, precision, patches], rest) = payload.split_first_chunk::<FIELDS>()?;
    let (lengths, rest) = rest.split_first_chunk()?;
    let (table, residual) = (usize::from(kind & 3), u32::from(kind >> 2 & 3));
    let precision = u32::from(precision);
    let is_sound = kind & !(0xf | IS_SCALED) == 0
        && table < TABLES
        && [0, RESIDUAL_BITS].contains(&residual)
        && (1..=MAX_PRECISION).contains(&precision);
    if !is_sound {
        return None;
    }
    let (factor, rest) = if kind & IS_SCALED != 0 {
        let (factor, rest) = rest.split_first_chunk()?;
        (f64::from_le_bytes(*factor), rest)
    } else {
        let (base, rest) = rest.split_first()?;
        (unscaled(*base, precision), rest)
    };
    if !(factor > 0.0 && factor.is_finite()) {
        return None;
    }

    let bits = precision + residual;
    let size = stored::size(bits, dimensions);
    let symbols = &mut scratch.symbols;
    let (patches, planes) = coded::decode_streams(rest, EXPONENTS.lookup(table), lengths, patches, size, vector, symbols)?;
    let planes = Planes::of(bits, planes, dimensions, &mut scratch.fields);

    let multiplier = Multiplier::of(factor, precision);
    let quarter = dimensions.div_ceil(STREAMS);
    for (stream, part) in vector.chunks_mut(quarter).enumerate() {
        let symbols = &scratch.symbols.stream(stream)[..part.len()];
        let planes = planes.part(stream * quarter..stream * quarter + part.len());
        match multiplier {
            Multiplier::Halves(high, low) if residual == 0 => {
                for_planes!(planes, merge_fused, (symbols, &planes, precision, high, low, part));
            }
            _ if residual == 0 => for_planes!(planes, merge, (symbols, &planes, precision, factor, part)),
            _ => for_planes!(planes, merge_residuals, (symbols, &planes, precision, factor, part)),
        }
    }
    for patch in patches {
        planes::set_exponent(&mut vector[coded::index_of(patch)], patch[2]);
    }
    Some(())
}

/// The factor of an unscaled grid whose symbol 0 is the exponent `base`.
fn unscaled(base: u8, precision: u32) -> f64 {
    round::power_of_two(i32::from(base) - 127 - (precision as i32 - 1))
}

/// Ways to come to `RN32(K x factor)`.
#[derive(Clone, Copy)]
enum Multiplier {
    /// In float64.
    Double,
    /// `K x high + (K x low)` with the one rounding of a fused multiplication: exact, since the product of `low` is. Twice as fast.
    Halves(f32, f32),
}

/// What a factor has at most that can be multiplied in halves, for `K` of 11 bits: 24 in the upper half, 13 in the lower.
const SHORT_FACTOR_BITS: u32 = 37;
const SHORT_PRECISION: u32 = 11;

/// The bits of a float64 that a short factor does not have.
const NOT_SHORT: u64 = (1 << (f64::MANTISSA_DIGITS - SHORT_FACTOR_BITS)) - 1;

/// A factor near `factor` that multiplies faster.
pub fn shortened(factor: f64) -> f64 {
    f64::from_bits((factor.to_bits() + (NOT_SHORT >> 1) + 1) & !NOT_SHORT)
}

impl Multiplier {
    fn of(factor: f64, precision: u32) -> Self {
        let is_short = factor.to_bits() & NOT_SHORT == 0 && precision <= SHORT_PRECISION;
        // So far from the ends of the range nothing underflows.
        let is_moderate = (1e-20..1e20).contains(&factor);
        if !(is_short && is_moderate && simd::has_fused_multiply()) {
            return Self::Double;
        }
        let high = factor as f32;
        Self::Halves(high, (factor - f64::from(high)) as f32)
    }
}

multiversioned! { @wide
fn merge<const WORDS: bool, const BYTES: bool, const FIELDS: bool>(
    symbols: &[u8], planes: &Planes, precision: u32, factor: f64, vector: &mut [Float],
) {
    let count = vector.len();
    let (planes, symbols) = (&planes.first::<WORDS, BYTES, FIELDS>(count), &symbols[..count]);
    for index in 0..count {
        let low = stored::value_at::<WORDS, BYTES, FIELDS>(planes, index);
        let product = (f64::from(k_of(low, precision)) * factor) as f32;
        vector[index] = element(product, low, precision, symbols[index], 0);
    }
}
}

multiversioned! { @wide
fn merge_fused<const WORDS: bool, const BYTES: bool, const FIELDS: bool>(
    symbols: &[u8], planes: &Planes, precision: u32, high: f32, low: f32, vector: &mut [Float],
) {
    let count = vector.len();
    let (planes, symbols) = (&planes.first::<WORDS, BYTES, FIELDS>(count), &symbols[..count]);
    for index in 0..count {
        let stored = stored::value_at::<WORDS, BYTES, FIELDS>(planes, index);
        let k = k_of(stored, precision) as f32;
        vector[index] = element(k.mul_add(high, k * low), stored, precision, symbols[index], 0);
    }
}
}

multiversioned! { @wide
fn merge_residuals<const WORDS: bool, const BYTES: bool, const FIELDS: bool>(
    symbols: &[u8], planes: &Planes, precision: u32, factor: f64, vector: &mut [Float],
) {
    let count = vector.len();
    let (planes, symbols) = (&planes.first::<WORDS, BYTES, FIELDS>(count), &symbols[..count]);
    for index in 0..count {
        let stored = stored::value_at::<WORDS, BYTES, FIELDS>(planes, index);
        let low = stored >> RESIDUAL_BITS;
        let product = (f64::from(k_of(low, precision)) * factor) as f32;
        vector[index] = element(product, low, precision, symbols[index], (stored & 3).wrapping_sub(2));
    }
}
}

/// `K`, from all of its bits but the highest in `low`.
#[inline(always)]
fn k_of(low: u32, precision: u32) -> i32 {
    let highest = 1 << (precision - 1);
    (low & (highest - 1) | highest) as i32
}

/// An element from `RN32(K x factor)`, its sign (above `K` in `low`), its symbol and its residual.
#[inline(always)]
fn element(product: f32, low: u32, precision: u32, symbol: u8, residual: u32) -> Float {
    let magnitude = product.to_bits().wrapping_sub(u32::from(symbol) << 23).wrapping_add(residual);
    let magnitude = if usize::from(symbol) == ZERO_SYMBOL { 0 } else { magnitude & 0x7fff_ffff };
    (magnitude | low >> (precision - 1) << 31).to_ne_bytes()
}
