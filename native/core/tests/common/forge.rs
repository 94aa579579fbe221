//! Records that nobody wrote, with sound checksums.

use super::buckets::Buckets;
use super::parts::{Bytes, Code, stored_size};
use super::profiles::{number_of, the_profile};
use super::reference::layout;
use super::*;
use std::collections::BTreeSet;
use twox_hash::XxHash3_64;

/// A record under `KEY` with a valid checksum around any payload.
pub fn record_of(mode: u8, dimensions: usize, payload: &[u8]) -> Vec<u8> {
    record_with(mode, dimensions, None, payload)
}

/// The same with tokens, whatever the mode.
pub fn record_with(mode: u8, dimensions: usize, tokens: Option<u32>, payload: &[u8]) -> Vec<u8> {
    let numbers = [Some(dimensions as u32), tokens];
    let mut header = vec![0x94 + numbers.iter().flatten().count() as u8, 1, mode];
    numbers.iter().flatten().for_each(|number| header.extend(spelled(*number)));
    sealed_up(&header, payload)
}

/// A number as msgpack has it, in the fewest bytes.
pub fn spelled(number: u32) -> Vec<u8> {
    match number {
        0..=0x7f => vec![number as u8],
        0x80..=0xff => vec![0xcc, number as u8],
        0x100..=0xffff => [&[0xcd][..], &(number as u16).to_be_bytes()].concat(),
        _ => [&[0xce][..], &number.to_be_bytes()].concat(),
    }
}

/// A record under `KEY` with any header, a valid checksum and any payload.
pub fn sealed_up(header: &[u8], payload: &[u8]) -> Vec<u8> {
    let seed = XxHash3_64::oneshot(&[KEY, header].concat());
    let checksum = XxHash3_64::oneshot_with_seed(seed, payload).to_be_bytes();
    let length = (payload.len() as u32).to_be_bytes();
    let length = match payload.len() {
        0..=0xff => vec![0xc4, length[3]],
        0x100..=0xffff => vec![0xc5, length[2], length[3]],
        _ => [&[0xc6][..], &length].concat(),
    };
    [header, &[0xcf], &checksum, &length, payload].concat()
}

/// The payload of a sound record.
pub fn payload_of(record: &[u8]) -> &[u8] {
    layout(record).expect("it is sound").payload
}

/// What a payload with coded symbols is made of. Any of it is sound, but for the unit, and `table` and `bits` out of range.
#[derive(Clone, Copy, Debug)]
pub struct Coded {
    pub mode: u8,
    pub table: u8,
    /// Of `K` in a grid, of what steps store.
    pub bits: u8,
    /// Of grids: none, one for each `K`, one for each element.
    pub residuals: u8,
    pub is_scaled: bool,
    /// Whether the lengths of the streams stand apart, as they do anyhow where they must.
    pub are_apart: bool,
    /// Scale, base, bound and `c`, digits or step: as many bytes of it as that takes.
    pub unit: [u8; 8],
    /// Of multiples; of grids where it is one.
    pub rounding: u8,
    pub patches: usize,
    pub seed: u64,
}

impl Coded {
    /// The payload for so many elements: random symbols, whatever they cost, random patches and random stored bits.
    pub fn payload(&self, dimensions: usize) -> Vec<u8> {
        let mut uniform = uniform(self.seed);
        let mut below = |count: usize| (uniform() * count as f64) as usize;
        let [unit, ..] = self.unit;
        let residual = if self.residuals == 2 { 2 } else { 0 };
        let is_rounded = [MULTIPLES, PROFILED_MULTIPLES].contains(&self.mode) || self.mode == GRID && self.rounding != 0;
        let kind = self.table | self.residuals << 2 | u8::from(self.is_scaled) << 4 | u8::from(is_rounded) << 5;
        let (header, unit, symbols, stored) = match self.mode {
            EXPONENT => (vec![self.table, unit], vec![], 16, 3 * dimensions),
            GRID => {
                let bits = u32::from(self.bits + residual);
                let unit = &self.unit[..if self.is_scaled { 8 } else { 1 }];
                (vec![kind, self.bits], unit.to_vec(), 16, stored_size(bits, dimensions))
            }
            PROFILED_GRID => {
                let kind = self.precision() | self.residuals << 6 | u8::from(self.is_scaled) << 5;
                let factor = &self.unit[..if self.is_scaled { 8 } else { 1 }];
                let unit = [&[kind][..], factor, &[self.rounding], &[0; 4]].concat();
                (vec![self.table | self.bits << 3], unit, 32, stored_size(u32::from(self.bits), dimensions))
            }
            mode => {
                let unit = &self.unit[..[5, 1, 8][usize::from(mode % 8)]];
                (vec![self.table | self.bits << 3], unit.to_vec(), 32, stored_size(u32::from(self.bits), dimensions))
            }
        };

        let code = Code::of(symbols, usize::from(self.table));
        let quarter = dimensions.div_ceil(4);
        let streams: Vec<Vec<u8>> = (0..4)
            .map(|k| {
                let count = dimensions.saturating_sub(k * quarter).min(quarter);
                let mut noise: Vec<u8> = (0..count * 11 / 8 + 2).map(|_| below(256) as u8).collect();
                noise.truncate(code.bytes_of(&noise, count).expect("the codes are complete"));
                noise
            })
            .collect();
        let indices: BTreeSet<usize> = (0..self.patches).map(|_| below(dimensions)).collect();

        let mut payload = header;
        let unit_end = payload.len() + 4 + unit.len();
        payload.push(indices.len() as u8);
        let of_all = streams.concat().len() / 4;
        let longer = streams[..3].iter().map(|stream| stream.len() as isize - of_all as isize);
        let are_apart = self.are_apart || longer.clone().any(|longer| longer.abs() > 127);
        if are_apart {
            payload.extend([0x80, 0, 0]);
        } else {
            payload.extend(longer.map(|longer| longer as u8));
        }
        payload.extend(unit);
        if is_rounded {
            payload.push(self.rounding);
        }
        let table_of = match self.mode {
            GRID => self.bits,
            PROFILED_GRID => self.precision(),
            _ => 0,
        };
        if self.residuals == 1 && table_of > 0 {
            payload.extend((0..(1_usize << (table_of - 1)).div_ceil(4)).map(|_| below(256) as u8));
        }
        for index in indices {
            payload.extend((index as u16).to_le_bytes());
            // Negative zero is one of them.
            payload.push(if below(4) == 0 { 0x80 } else { below(256) as u8 });
        }
        if are_apart {
            payload.extend(streams[..3].iter().flat_map(|stream| (stream.len() as u16).to_le_bytes()));
        }
        payload.extend(streams.concat());
        payload.extend((0..stored).map(|_| below(256) as u8));
        if self.mode == PROFILED_GRID
            && let Some(buckets) = Buckets::read(&mut Bytes(&payload), dimensions, false)
        {
            let section = buckets.section(&mut below);
            payload[unit_end - 4..unit_end].copy_from_slice(&(section.len() as u32).to_le_bytes());
            payload.extend(section);
        }
        if PROFILED.contains(&self.mode) {
            payload.splice(..0, number_of(&the_profile(dimensions)).to_le_bytes());
        }
        payload
    }

    /// Significant bits of a grid with a profile, whose `bits` are those below its symbols.
    fn precision(&self) -> u8 {
        (self.seed % if self.residuals == 1 { 12 } else { 24 }) as u8 + 1
    }
}

/// One of each kind, and the limits.
pub const ROUNDINGS: &[u8] = &[0, 1, 9, 12, 0x11, 0x17, 0x19, 0x20];

/// A scale, a bound and `c`, digits or a base: mostly of the usual size.
fn any_unit(mode: u8) -> BoxedStrategy<[u8; 8]> {
    let usual = match mode {
        GRID | MULTIPLES | PROFILED_GRID | PROFILED_MULTIPLES => {
            (-30.0..30.0).prop_map(|exponent: f64| f64::from(exponent.exp2() as f32).to_le_bytes()).boxed()
        }
        STEPS | PROFILED_STEPS => (-30.0..3.0_f32, 0..=0xcf_u32)
            .prop_map(|(exponent, c)| (u64::from(exponent.exp2().to_bits()) | u64::from(c) << 32).to_le_bytes())
            .boxed(),
        _ => (1..=12_u64).prop_map(u64::to_le_bytes).boxed(),
    };
    let long = (-40.0..40.0).prop_map(|exponent: f64| exponent.exp2().to_le_bytes());
    prop_oneof![4 => usual, 2 => long, 1 => any::<[u8; 8]>()].boxed()
}

prop_compose! {
    /// Sound, but for its unit perhaps.
    pub fn any_coded()(mode in prop::sample::select(CODED.to_vec()))(
        mode in Just(mode),
        table in 0..if mode <= GRID { 4_u8 } else { 7 },
        bits in if mode == GRID { 1..=24_u8 } else { 0..=24 },
        residuals in 0..3_u8,
        is_scaled in any::<bool>(),
        are_apart in any::<bool>(),
        unit in any_unit(mode),
        rounding in prop_oneof![prop::sample::select(ROUNDINGS), any::<u8>()],
        patches in prop::sample::select(vec![0_usize, 1, 5, 255]),
        seed in any::<u64>(),
    ) -> Coded {
        let bits = if mode == GRID && residuals == 1 { bits.min(12) } else { bits };
        Coded { mode, table, bits, residuals, is_scaled, are_apart, unit, rounding, patches, seed }
    }
}
