//! What a record costs against what its symbols must cost, and what was lost.

use crate::{MODE_AT, Vector};
use std::collections::HashMap;
use vecstash_core::Float;

/// How far decoded vectors are from what they were.
#[derive(Default)]
pub struct Errors {
    /// Elements whose bits differ.
    pub different: usize,
    pub largest: f64,
    /// The largest 1 - cos of any vector with itself, decoded.
    pub cosine_distance: f64,
}

impl Errors {
    pub fn of<'a>(vectors: &[Vector], decoded: impl Iterator<Item = &'a [Float]>) -> Self {
        let mut errors = Self::default();
        for (vector, decoded) in vectors.iter().zip(decoded) {
            let (mut product, mut before, mut after) = (0.0, 0.0, 0.0);
            for (float, other) in vector.iter().zip(decoded) {
                let [a, b] = [float, other].map(|float| f64::from(f32::from_ne_bytes(*float)));
                errors.different += usize::from(float != other);
                errors.largest = errors.largest.max((a - b).abs());
                product += a * b;
                before += a * a;
                after += b * b;
            }
            errors.cosine_distance = errors.cosine_distance.max(1.0 - product / (before * after).sqrt());
        }
        errors
    }
}

/// The mean size, in bytes, of what an ideal coder without a header would make of the same symbols, all of the file's taken
/// together: sign and significand as they are and exponents at their entropy, or steps at theirs. None for other modes.
pub fn order_0_bytes(records: &[&[u8]], vectors: &[Vector]) -> Option<f64> {
    let mut bits = 0.0;
    let mut symbols: HashMap<i64, u64> = HashMap::new();
    for (record, vector) in records.iter().zip(vectors) {
        let payload = payload_of(record);
        let floats = vector.iter().map(|float| f32::from_ne_bytes(*float));
        let exponents = floats.clone().map(|float| i64::from(float.to_bits() >> 23 & 0xff));
        let stored = match record[MODE_AT] {
            0x10 => 24,
            0x20 => u32::from(payload[1]) + if payload[0] >> 2 & 3 == 2 { 2 } else { 0 },
            0x30..=0x32 => u32::from(payload[0] >> 3),
            _ => return None,
        };
        bits += f64::from(stored) * vector.len() as f64;
        let mut count = |symbol| *symbols.entry(symbol).or_default() += 1;
        match record[MODE_AT] {
            0x30..=0x32 => {
                let step = step_of(record[MODE_AT], payload) * f64::from(1_u32 << stored);
                floats.for_each(|float| count((f64::from(float) / step).floor() as i64));
            }
            _ => {
                // As distances from the largest, so that vectors of different lengths share their symbols.
                let largest = exponents.clone().max()?;
                exponents.for_each(|exponent| count(largest - exponent));
            }
        }
    }
    let total: u64 = symbols.values().sum();
    let entropy: f64 = symbols.values().map(|count| *count as f64 * (total as f64 / *count as f64).log2()).sum();
    Some((bits + entropy) / 8.0 / records.len() as f64)
}

/// Docs/format.md section 2.6.
fn step_of(mode: u8, payload: &[u8]) -> f64 {
    if mode == 0x31 {
        return 10_f64.powi(-i32::from(payload[5]));
    }
    if mode == 0x32 {
        return f64::from_le_bytes(payload[5..13].try_into().expect("eight bytes"));
    }
    let bound = f32::from_le_bytes(payload[5..9].try_into().expect("four bytes"));
    let parts = match u32::from(payload[9]) {
        parts @ 0..16 => parts,
        parts => (16 + parts % 16) << (parts / 16 - 1),
    };
    2.0 * f64::from(bound) * (65536.0 - f64::from(parts)) / 65536.0
}

/// Docs/format.md section 1.
fn payload_of(record: &[u8]) -> &[u8] {
    let checksum_at = MODE_AT
        + 1
        + match record[MODE_AT + 1] {
            0xcc => 2,
            0xcd => 3,
            0xce => 5,
            _ => 1,
        };
    let length_at = checksum_at + 9;
    &record[length_at
        + match record[length_at] {
            0xc4 => 2,
            0xc5 => 3,
            _ => 5,
        }..]
}
