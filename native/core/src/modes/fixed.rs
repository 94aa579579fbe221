//! Modes `40` and `41`: as many bits for each element. Docs/format.md section 2.7.

use crate::Float;
use crate::bits::coded_streams::{MAX_PATCHES, are_sound, index_of};
use crate::bits::histogram::Histogram;
use crate::buffer::Buffer;
use crate::round;
use crate::simd::multiversioned;

/// An element that does not fit: its index (u16) and its bits.
const PATCH_BYTES: usize = 6;

/// How many binades above the median an element may lie before it counts as an outlier.
const OUTLIER_BINADES: u8 = 5;

/// One in so many elements may be an outlier.
const OUTLIER_SHARE: usize = 64;

const NOT_FINITE: u8 = 0xff;

/// float32 bits from which on rounding gives infinity: 65520.
const BEYOND_FLOAT16: u32 = 0x477f_f000;

/// Appends a payload of mode `40`; none where too many elements do not fit.
pub fn encode_float16(vector: &[Float], out: &mut Buffer) -> Option<()> {
    write_patches(vector, BEYOND_FLOAT16, out)?;
    to_halves(vector, out.grow(2 * vector.len()).as_chunks_mut().0);
    Some(())
}

/// Appends a payload of mode `41`; none where too many elements do not fit.
pub fn encode_int8(vector: &[Float], exponents: &[u8], out: &mut Buffer) -> Option<()> {
    let outliers_from = u32::from(outliers_from(exponents)) << 23;
    let largest = f32::from_bits(largest_below(vector, outliers_from));
    let scale = largest / 127.0;
    // The inverse of a subnormal may be infinite, and means nothing worth having; a scale may also have become zero. 127 times that of
    // the largest float32 is infinite.
    if largest != 0.0 && !(scale.is_normal() && (127.0 * scale).is_finite()) {
        return None;
    }
    out.append(&scale.to_le_bytes());
    write_patches(vector, outliers_from, out)?;
    let inverse = if scale == 0.0 { 0.0 } else { 1.0 / f64::from(scale) };
    to_bytes(vector, inverse, out.grow(vector.len()));
    Some(())
}

/// The exponent from which on an element would coarsen all others; only exponents are looked at, so that every engine decides alike.
fn outliers_from(exponents: &[u8]) -> u8 {
    let Histogram { counts, .. } = Histogram::of(exponents);
    let mut seen = 0;
    let median = counts.iter().position(|count| {
        seen += *count as usize;
        2 * seen >= exponents.len()
    });
    let from = (median.unwrap_or(0) as u8).saturating_add(OUTLIER_BINADES);
    let outliers: usize = counts[usize::from(from)..].iter().map(|count| *count as usize).sum();
    if outliers > MAX_PATCHES.min(exponents.len() / OUTLIER_SHARE) { NOT_FINITE } else { from }
}

// Bits of positive floats are ordered as the floats are.
const MAGNITUDE: u32 = 0x7fff_ffff;

multiversioned! { @wide
fn largest_below(vector: &[Float], limit: u32) -> u32 {
    // Lane by lane: of one maximum the compiler makes one element after another.
    const LANES: usize = 16;
    let mut largest = [0; LANES];
    for row in vector.chunks(LANES) {
        for (largest, float) in largest.iter_mut().zip(row) {
            let magnitude = u32::from_ne_bytes(*float) & MAGNITUDE;
            *largest = (*largest).max(if magnitude < limit { magnitude } else { 0 });
        }
    }
    largest.into_iter().fold(0, u32::max)
}
}

multiversioned! { @wide
fn count_from(vector: &[Float], limit: u32) -> usize {
    vector.iter().map(|float| u32::from(u32::from_ne_bytes(*float) & MAGNITUDE >= limit)).sum::<u32>() as usize
}
}

/// Appends the count and the patches: of the elements whose magnitude is `limit` or more.
fn write_patches(vector: &[Float], limit: u32, out: &mut Buffer) -> Option<()> {
    let count = count_from(vector, limit);
    out.append(&[u8::try_from(count).ok()?]);
    if count > 0 {
        for (index, float) in vector.iter().enumerate() {
            let bits = u32::from_ne_bytes(*float);
            if bits & MAGNITUDE >= limit {
                out.append(&(index as u16).to_le_bytes());
                out.append(&bits.to_le_bytes());
            }
        }
    }
    Some(())
}

pub fn decode_float16(payload: &[u8], vector: &mut [Float]) -> Option<()> {
    let (patches, rest) = read_patches(payload, vector.len())?;
    if rest.len() != 2 * vector.len() {
        return None;
    }
    from_halves(rest.as_chunks().0, vector);
    apply(patches, vector);
    Some(())
}

pub fn decode_int8(payload: &[u8], vector: &mut [Float]) -> Option<()> {
    let (scale, rest) = payload.split_first_chunk()?;
    let scale = f32::from_le_bytes(*scale);
    let (patches, rest) = read_patches(rest, vector.len())?;
    if rest.len() != vector.len() || !scale.is_finite() {
        return None;
    }
    from_bytes(rest, scale, vector);
    apply(patches, vector);
    Some(())
}

type Patch = [u8; PATCH_BYTES];

fn read_patches(payload: &[u8], dimensions: usize) -> Option<(&[Patch], &[u8])> {
    let (count, rest) = payload.split_first()?;
    let (patches, rest) = rest.split_at_checked(PATCH_BYTES * usize::from(*count))?;
    let patches = patches.as_chunks().0;
    are_sound(patches, dimensions).then_some((patches, rest))
}

fn apply(patches: &[Patch], vector: &mut [Float]) {
    for patch in patches {
        let [_, _, bits @ ..] = *patch;
        vector[index_of(patch)] = u32::from_le_bytes(bits).to_ne_bytes();
    }
}

multiversioned! { @wide
fn from_bytes(bytes: &[u8], scale: f32, vector: &mut [Float]) {
    for (float, byte) in vector.iter_mut().zip(bytes) {
        *float = (f32::from(*byte as i8) * scale).to_ne_bytes();
    }
}
}

multiversioned! { @wide
fn to_bytes(vector: &[Float], inverse: f64, bytes: &mut [u8]) {
    for (float, byte) in vector.iter().zip(bytes) {
        let value = f64::from(f32::from_ne_bytes(*float)) * inverse;
        // The largest may come out a little above 127; what is patched may be anything, also no number.
        *byte = round::to_i32(value.clamp(-127.0, 127.0)) as u8;
    }
}
}

multiversioned! { @wide
/// Every binary16 is a float32: an exponent moved, a subnormal scaled, infinities and NaNs kept.
fn from_halves(halves: &[[u8; 2]], vector: &mut [Float]) {
    for (float, half) in vector.iter_mut().zip(halves) {
        let half = u32::from(u16::from_le_bytes(*half));
        let magnitude = (half & 0x7fff) << 13;
        // 2^112 brings the exponent's bias from 15 to 127, subnormals included; above the largest half it stops at 143.
        let scaled = (f32::from_bits(magnitude) * f32::from_bits(0x7780_0000)).to_bits();
        let special = 0x7f80_0000 | magnitude | if magnitude & 0x007f_e000 != 0 { 0x0040_0000 } else { 0 };
        let bits = if magnitude >= 0x0f80_0000 { special } else { scaled };
        *float = (bits | (half & 0x8000) << 16).to_ne_bytes();
    }
}
}

multiversioned! { @wide
/// To the nearest binary16, ties to even. What becomes infinite is patched.
fn to_halves(vector: &[Float], halves: &mut [[u8; 2]]) {
    for (float, half) in vector.iter().zip(halves) {
        let bits = u32::from_ne_bytes(*float);
        let magnitude = bits & 0x7fff_ffff;
        // Normal: add half a unit less one, and one where the unit is odd; the carry moves on by itself.
        let normal = magnitude.wrapping_add(0xc800_0fff).wrapping_add(magnitude >> 13 & 1) >> 13;
        // Subnormal: the float32 adder rounds, at the unit that 0.5 has.
        let subnormal = (f32::from_bits(magnitude) + 0.5).to_bits().wrapping_sub(0x3f00_0000);
        let magnitude = if magnitude < 0x3880_0000 { subnormal } else { normal };
        *half = ((magnitude & 0x7fff | bits >> 16 & 0x8000) as u16).to_le_bytes();
    }
}
}
