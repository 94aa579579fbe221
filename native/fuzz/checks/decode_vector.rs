//! Payloads of every mode under sound checksums, any bytes or sound ones with changes: decoded to what the format says, or refused with
//! the vector left as it was; a reader of any precision accepts what it should.

use crate::common::forge::{Coded, record_of, record_with};
use crate::common::judge::{decode_both_ways, judge, lenient};
use crate::common::*;
use arbitrary::Arbitrary;
use vecstash_core::{Precision, Status};

const MODES: [u8; 13] = [
    RAW,
    PLANES,
    EXPONENT,
    GRID,
    STEPS,
    DECIMAL,
    MULTIPLES,
    FLOAT16,
    INT8,
    PROFILED_GRID,
    PROFILED_STEPS,
    PROFILED_DECIMAL,
    PROFILED_MULTIPLES,
];

#[derive(Arbitrary, Debug)]
pub struct Given {
    mode: u8,
    dimensions: u16,
    source: Source,
    changes: Vec<(u16, u8)>,
    asked: Asked,
}

#[derive(Arbitrary, Debug)]
enum Source {
    Bytes(Vec<u8>),
    Coded {
        table: u8,
        bits: u8,
        residuals: u8,
        is_scaled: bool,
        are_apart: bool,
        unit: [u8; 8],
        rounding: u8,
        patches: u8,
        seed: u16,
    },
}

#[derive(Arbitrary, Debug)]
enum Asked {
    Exact,
    Float16,
    Int8,
    MaxError(f32),
}

pub fn check(forged: Given) {
    let mode = MODES[usize::from(forged.mode) % MODES.len()];
    let dimensions = usize::from(forged.dimensions) % 1100 + 1;
    let mut payload = match forged.source {
        Source::Coded { table, bits, residuals, is_scaled, are_apart, unit, rounding, patches, seed }
            if (EXPONENT..FLOAT16).contains(&mode) =>
        {
            let table = table % if mode <= GRID { 4 } else { 7 };
            let bits = if mode == GRID { bits % 24 + 1 } else { bits % 25 };
            let residuals = residuals % 3;
            let bits = if mode == GRID && residuals == 1 { bits.min(12) } else { bits };
            let patches = usize::from(patches);
            Coded { mode, table, bits, residuals, is_scaled, are_apart, unit, rounding, patches, seed: u64::from(seed) }
                .payload(dimensions)
        }
        Source::Coded { seed, .. } => random_bits(dimensions, u64::from(seed)).concat(),
        Source::Bytes(bytes) => bytes,
    };
    for (at, byte) in forged.changes.iter().take(8) {
        if let Some(changed) = payload.get_mut(usize::from(*at)) {
            *changed = *byte;
        }
    }

    let record = record_of(mode, dimensions, &payload);
    let is_sound = match mode {
        RAW | PLANES => decode_both_ways(&record, Precision::Exact, dimensions).is_ok(),
        _ => judge(mode, dimensions, &payload),
    };
    // The same with tokens.
    let with = record_with(mode, dimensions, Some(u32::from(forged.dimensions)), &payload);
    assert_eq!(decode_both_ways(&with, lenient(mode), dimensions), decode_both_ways(&record, lenient(mode), dimensions));
    let precision = match forged.asked {
        Asked::Exact => Precision::Exact,
        Asked::Float16 => Precision::Float16,
        Asked::Int8 => Precision::Int8,
        Asked::MaxError(bound) => Precision::MaxError(bound),
    };
    match decode_both_ways(&record, precision, dimensions) {
        Err(Status::Precision) => assert!([STEPS, FLOAT16, INT8, PROFILED_STEPS].contains(&mode)),
        Err(Status::Profile) => assert!(PROFILED.contains(&mode) && !is_sound),
        Ok(vector) => assert_eq!(decode_both_ways(&record, lenient(mode), dimensions), Ok(vector)),
        Err(status) => assert_eq!((status, is_sound), (Status::Payload, false)),
    }
}
