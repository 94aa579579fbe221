//! Mode `20`: few significant bits times one scale. Docs/format.md section 2.5.

use crate::Float;
use crate::bits::coded_streams::{self, Scratch, StreamLengths, Symbols};
use crate::bits::huffman::{EXPONENTS, STREAMS};
use crate::bits::planes;
use crate::bits::stored::{self, Planes, for_planes};
use crate::buffer::Buffer;
use crate::modes::exponent_plan::{Plan, TABLES, ZERO_SYMBOL};
use crate::modes::rounding::Rounding;
use crate::round;
use crate::simd::{self, multiversioned};

/// The most significant bits of `K`.
pub const MAX_PRECISION: u32 = 24;

/// How many bits a residual takes, where there is one: -2 to 1 units in the last place.
pub const RESIDUAL_BITS: u32 = 2;

const IS_SCALED: u8 = 1 << 4;
const IS_ROUNDED: u8 = 1 << 5;

/// In place of the number of residual bits: residuals belong to `K`, and stand in a table.
const HAS_TABLE: u8 = 1;

/// The most significant bits of a `K` with a residual of its own.
pub const MAX_TABLE_PRECISION: u32 = 12;

/// For each `K`, from the smallest up, the bits of a residual.
pub type ResidualTable = [u8; 1 << (MAX_TABLE_PRECISION - 1)];

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
    pub residual: Residual,
    pub scale: Scale,
    /// Done last.
    pub rounding: Rounding,
}

/// What is left over where elements were scaled twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Residual {
    None,
    /// The same for all elements of one `K`.
    OfK,
    /// `RESIDUAL_BITS` of each element.
    OfElement,
}

impl Residual {
    /// Stored bits of each element.
    pub fn bits(self) -> u32 {
        if self == Self::OfElement { RESIDUAL_BITS } else { 0 }
    }
}

/// The bytes of a table.
pub fn table_size(precision: u32) -> usize {
    ((1_usize << (precision - 1)) * RESIDUAL_BITS as usize).div_ceil(8)
}

/// Table, residual and kind of scale; precision; patch count.
const FIELDS: usize = 3;

/// Appends the payload. `planned` are the exponents that `plan` was made for, `actual` those of the elements themselves;
/// `low` holds sign, `K` without its highest bit and residual. `symbols` is overwritten.
#[allow(clippy::too_many_arguments, reason = "what was found out about a vector, in buffers that are kept")]
pub fn encode(
    grid: &Grid,
    plan: &Plan,
    planned: &[u8],
    vector: &[Float],
    low: &[u32],
    table: &ResidualTable,
    symbols: &mut Symbols,
    out: &mut Buffer,
) {
    let is_scaled = if matches!(grid.scale, Scale::Factor(_)) { IS_SCALED } else { 0 };
    let is_rounded = if grid.rounding == Rounding::None { 0 } else { IS_ROUNDED };
    let residual = match grid.residual {
        Residual::None => 0,
        Residual::OfK => HAS_TABLE,
        Residual::OfElement => RESIDUAL_BITS as u8,
    };
    let actual = |index: usize| (u32::from_ne_bytes(vector[index]) >> 23) as u8;
    plan.symbols(planned, &mut symbols.bytes);
    let streams = coded_streams::encode_streams(&EXPONENTS, plan.table, &symbols.bytes, &mut symbols.writer);
    out.append(&[plan.table as u8 | residual << 2 | is_scaled | is_rounded, grid.precision as u8, plan.patches as u8]);
    out.append(&streams.lengths);
    match grid.scale {
        Scale::Factor(factor) => out.append(&factor.to_le_bytes()),
        Scale::One => out.append(&[plan.base]),
    }
    if is_rounded != 0 {
        out.append(&[grid.rounding.byte()]);
    }
    if grid.residual == Residual::OfK {
        let residuals = &table[..1 << (grid.precision - 1)];
        out.grow(table_size(grid.precision)).iter_mut().zip(residuals.chunks(4)).for_each(|(byte, residuals)| {
            *byte = residuals.iter().rev().fold(0, |byte, residual| byte << RESIDUAL_BITS | residual);
        });
    }
    out.append(plan.patches(planned, actual).as_flattened());
    streams.append_to(out);
    stored::write(grid.precision + grid.residual.bits(), low, &mut symbols.bytes, out);
}

/// What stands before the patches of a payload.
struct Head<'a> {
    table: usize,
    precision: u32,
    residual: Residual,
    patches: u8,
    lengths: StreamLengths,
    is_scaled: bool,
    factor: f64,
    rounding: Rounding,
    /// The table of residuals, where there is one.
    residuals: &'a [u8],
}

impl<'a> Head<'a> {
    /// A head that can be one, and what follows it.
    fn read(payload: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (&[kind, precision, patches], rest) = payload.split_first_chunk::<FIELDS>()?;
        let (lengths, rest) = rest.split_first_chunk()?;
        let (table, precision, is_scaled) = (usize::from(kind & 3), u32::from(precision), kind & IS_SCALED != 0);
        let residual = match kind >> 2 & 3 {
            0 => Residual::None,
            HAS_TABLE => Residual::OfK,
            2 => Residual::OfElement,
            _ => return None,
        };
        let most = if residual == Residual::OfK { MAX_TABLE_PRECISION } else { MAX_PRECISION };
        let is_sound = kind & !(0xf | IS_SCALED | IS_ROUNDED) == 0 && table < TABLES && (1..=most).contains(&precision);
        if !is_sound {
            return None;
        }
        let (factor, rest) = if is_scaled {
            let (factor, rest) = rest.split_first_chunk()?;
            (f64::from_le_bytes(*factor), rest)
        } else {
            let (base, rest) = rest.split_first()?;
            (unscaled(*base, precision), rest)
        };
        if !(factor > 0.0 && factor.is_finite()) {
            return None;
        }
        let (rounding, rest) = if kind & IS_ROUNDED != 0 {
            let (rounding, rest) = rest.split_first()?;
            (Rounding::from_byte(*rounding).filter(|rounding| *rounding != Rounding::None)?, rest)
        } else {
            (Rounding::None, rest)
        };
        let (residuals, rest) = rest.split_at_checked(if residual == Residual::OfK { table_size(precision) } else { 0 })?;
        let lengths = *lengths;
        Some((Self { table, precision, residual, patches, lengths, is_scaled, factor, rounding, residuals }, rest))
    }
}

/// What a payload holds of each element without its exponent.
pub struct Stored<'a> {
    pub precision: u32,
    pub residual: Residual,
    pub is_scaled: bool,
    /// That of symbol 0.
    pub factor: f64,
    /// The bytes of the table of residuals, where there is one.
    pub residuals: &'a [u8],
    planes: Planes<'a>,
}

/// What a payload's elements were rounded to last.
pub fn rounding(payload: &[u8]) -> Option<Rounding> {
    Head::read(payload).map(|(head, _)| head.rounding)
}

/// Finds it in a sound payload of so many elements. `scratch` is overwritten.
pub fn stored<'a>(payload: &'a [u8], dimensions: usize, scratch: &'a mut Vec<u8>) -> Option<Stored<'a>> {
    let (Head { precision, residual, is_scaled, factor, residuals, .. }, rest) = Head::read(payload)?;
    let bits = precision + residual.bits();
    let (_, planes) = rest.split_at(rest.len().checked_sub(stored::size(bits, dimensions))?);
    let planes = Planes::of(bits, planes, dimensions, scratch);
    Some(Stored { precision, residual, is_scaled, factor, residuals, planes })
}

impl Stored<'_> {
    /// `K` and the stored residual of an element.
    pub fn k_and_residual(&self, index: usize) -> (u32, u32) {
        let stored = self.planes.bits_at(index);
        let bits = self.residual.bits();
        (k_of(stored >> bits, self.precision) as u32, stored & ((1 << bits) - 1))
    }

    /// What the residual adds to an element's bits, modulo 2^32.
    pub fn added(&self, k: u32, residual: u32) -> u32 {
        match self.residual {
            Residual::None => 0,
            Residual::OfElement => residual.wrapping_sub(2),
            Residual::OfK => u32::from(residual_of(self.residuals, k as usize - (1 << (self.precision - 1)))).wrapping_sub(2),
        }
    }
}

/// The residual of a `K`, counted from the smallest up.
fn residual_of(residuals: &[u8], index: usize) -> u8 {
    residuals[index / 4] >> (2 * (index % 4)) & 3
}

/// Decodes `payload` into `vector`, which is left as it was where nothing is returned.
pub fn decode(payload: &[u8], vector: &mut [Float], scratch: &mut Scratch) -> Option<()> {
    let rounding = decode_unrounded(payload, vector, scratch)?;
    rounding.apply(vector);
    Some(())
}

/// The same but for the rounding, which is returned.
pub fn decode_unrounded(payload: &[u8], vector: &mut [Float], scratch: &mut Scratch) -> Option<Rounding> {
    let dimensions = vector.len();
    let (head, rest) = Head::read(payload)?;
    let Head { table, precision, residual, patches, lengths, factor, rounding, residuals, .. } = head;
    let has_table = residual == Residual::OfK;
    let bits = precision + residual.bits();
    let size = stored::size(bits, dimensions);
    let symbols = &mut scratch.symbols;
    let (patches, planes) =
        coded_streams::decode_streams(rest, EXPONENTS.lookup(table), &lengths, patches, size, vector, symbols)?;
    let planes = Planes::of(bits, planes, dimensions, &mut scratch.fields);

    if has_table {
        fill_products(factor, precision, residuals, &mut scratch.products);
    }
    let multiplier = Multiplier::of(factor, precision);
    let quarter = dimensions.div_ceil(STREAMS);
    for (stream, part) in vector.chunks_mut(quarter).enumerate() {
        let symbols = &scratch.symbols.stream(stream)[..part.len()];
        let planes = planes.part(stream * quarter..stream * quarter + part.len());
        match multiplier {
            _ if has_table => for_planes!(planes, merge_products, (symbols, &planes, precision, &scratch.products, part)),
            Multiplier::Halves(high, low) if residual == Residual::None => {
                for_planes!(planes, merge_fused, (symbols, &planes, precision, high, low, part));
            }
            _ if residual == Residual::None => for_planes!(planes, merge, (symbols, &planes, precision, factor, part)),
            _ => for_planes!(planes, merge_residuals, (symbols, &planes, precision, factor, part)),
        }
    }
    for patch in patches {
        planes::set_exponent(&mut vector[coded_streams::index_of(patch)], patch[2]);
    }
    Some(rounding)
}

/// The bits of `RN32(K x factor)` and the residual of `K`, for each `K` from the smallest up.
pub fn fill_products(factor: f64, precision: u32, residuals: &[u8], products: &mut Vec<u32>) {
    let lowest = 1 << (precision - 1);
    products.resize(size_of::<ResidualTable>(), 0);
    for (index, product) in products[..lowest as usize].iter_mut().enumerate() {
        let residual = residual_of(residuals, index);
        let scaled = (f64::from(lowest + index as i32) * factor) as f32;
        *product = scaled.to_bits().wrapping_add(u32::from(residual)).wrapping_sub(2);
    }
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

multiversioned! { @wide
fn merge_products<const WORDS: bool, const BYTES: bool, const FIELDS: bool>(
    symbols: &[u8], planes: &Planes, precision: u32, products: &[u32], vector: &mut [Float],
) {
    let count = vector.len();
    let (planes, symbols) = (&planes.first::<WORDS, BYTES, FIELDS>(count), &symbols[..count]);
    // Of a size that needs no check of each index.
    let products: &[u32; size_of::<ResidualTable>()] = products.first_chunk().expect("room for every `K`");
    let below_highest = (1 << (precision - 1)) - 1;
    for index in 0..count {
        let low = stored::value_at::<WORDS, BYTES, FIELDS>(planes, index);
        let product = products[(low & below_highest) as usize & (products.len() - 1)];
        vector[index] = element(f32::from_bits(product), low, precision, symbols[index], 0);
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
