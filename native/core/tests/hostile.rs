//! Payloads that no writer made, under sound checksums, are decoded to what the format says of them, or refused: never a panic, and what is
//! refused leaves the vector as it was.

mod common;

use common::forge::{any_coded, payload_of};
use common::judge::judge;
use common::kinds::{Kind, Near, Rounded, Scaling, near_profile, rounded, structured};
use common::profiles::{encode_with, the_profile};
use common::reference::is_rounding;
use common::*;
use proptest::prelude::*;
use vecstash_core::{Compression, Form, Precision};

const MODES: [u8; 11] = [
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

fn is_scale(bytes: [u8; 8]) -> bool {
    let scale = f64::from_le_bytes(bytes);
    scale > 0.0 && scale.is_finite()
}

fn any_dimensions() -> impl Strategy<Value = usize> {
    prop_oneof![1_usize..=40, 1_usize..=600]
}

proptest! {
    #![proptest_config(cases(6000))]

    /// Everything the format allows, also what no writer would choose.
    #[test]
    fn sound_payloads_are_decoded_as_the_format_says(coded in any_coded(), dimensions in any_dimensions()) {
        let is_sound = judge(coded.mode, dimensions, &coded.payload(dimensions));
        let unit_is_sound = match coded.mode {
            GRID => (!coded.is_scaled || is_scale(coded.unit)) && is_rounding(coded.rounding),
            MULTIPLES => is_scale(coded.unit) && is_rounding(coded.rounding),
            // At the largest bounds the step may be infinite.
            STEPS => match u32::from_le_bytes(*coded.unit.first_chunk().unwrap()) {
                0x7f00_0000..0x7f80_0000 => is_sound,
                bits => (1..0x7f80_0000).contains(&bits) && coded.unit[4] <= 0xcf,
            },
            DECIMAL => (1..=12).contains(&coded.unit[0]),
            // The means may be out of range, or a bucket.
            PROFILED_GRID | PROFILED_STEPS | PROFILED_DECIMAL | PROFILED_MULTIPLES => is_sound,
            _ => true,
        };
        prop_assert_eq!(is_sound, unit_is_sound);
    }

    #[test]
    fn damaged_payloads_are_judged_alike(coded in any_coded(), dimensions in any_dimensions(), changes in any_changes()) {
        judge(coded.mode, dimensions, &changes.of(coded.payload(dimensions)));
    }

    /// The same from what was written.
    #[test]
    fn damaged_records_are_judged_alike(mode in prop::sample::select(&MODES[..]), seed in 0..20_u64, dimensions in any_dimensions(),
        changes in any_changes()) {
        let record = written(mode, dimensions, seed);
        // Very short vectors are raw.
        prop_assume!(record[MODE_AT] == mode || dimensions < 16);
        judge(mode, dimensions, &changes.of(payload_of(&record).to_vec()));
    }

    #[test]
    fn fixed_payloads_are_decoded_as_the_format_says(mode in prop::sample::select(vec![FLOAT16, INT8]), dimensions in any_dimensions(),
        indices in prop::collection::btree_set(0..600_u16, 0..4), scale in any::<[u8; 4]>(), noise in prop::collection::vec(any::<u8>(), 1200)) {
        let scale = if mode == INT8 { &scale[..] } else { &[] };
        let patches = indices.iter().flat_map(|index| [&index.to_le_bytes()[..], &noise[usize::from(*index)..][..4]].concat());
        let elements = &noise[..if mode == INT8 { dimensions } else { 2 * dimensions }];
        let payload: Vec<u8> = scale.iter().copied().chain([indices.len() as u8]).chain(patches).chain(elements.iter().copied()).collect();
        let is_sound = judge(mode, dimensions, &payload);
        let is_finite = mode == FLOAT16 || f32::from_le_bytes(*payload.first_chunk().unwrap()).is_finite();
        prop_assert_eq!(is_sound, is_finite && indices.last().is_none_or(|last| usize::from(*last) < dimensions));
    }

    #[test]
    fn noise_is_judged_alike(mode in prop::sample::select(&MODES[..]), dimensions in 1_usize..=127,
        payload in prop::collection::vec(any::<u8>(), 0..600)) {
        judge(mode, dimensions, &payload);
    }
}

/// A record of this mode; of another where it is too short for it.
fn written(mode: u8, dimensions: usize, seed: u64) -> Vec<u8> {
    let vector = match (mode, seed % 3) {
        (GRID, 2) if seed.is_multiple_of(2) => {
            rounded(&structured(Kind::BrainFloat, Scaling::UnitTwice, dimensions, seed), Rounded::Decimals(9))
        }
        (GRID, 0) if seed.is_multiple_of(2) => structured(Kind::BrainFloat, Scaling::Twice, dimensions, seed),
        (GRID, 0) => structured(Kind::Float16, Scaling::Twice, dimensions, seed),
        (GRID, 1) => structured(Kind::BrainFloat, Scaling::None, dimensions, seed),
        (GRID, _) => structured(Kind::Float16, Scaling::Double, dimensions, seed),
        (DECIMAL, _) => structured(Kind::Decimals(3 + seed as i32 % 5), Scaling::None, dimensions, seed),
        (MULTIPLES, 0) => structured(Kind::Byte, Scaling::Single, dimensions, seed),
        (MULTIPLES, _) => structured(Kind::Integers(1 << (seed % 12)), Scaling::By127, dimensions, seed),
        _ => gaussian(dimensions, seed),
    };
    let precision = match mode {
        STEPS => Precision::MaxError(10f32.powi(-2 - seed as i32 % 6)),
        FLOAT16 => Precision::Float16,
        INT8 => Precision::Int8,
        _ => Precision::Exact,
    };
    if PROFILED.contains(&mode) {
        return profiled(mode, dimensions, seed);
    }
    encode_as(KEY, &vector, Form::new(precision, Compression::Auto))
}

/// The same with a profile.
fn profiled(mode: u8, dimensions: usize, seed: u64) -> Vec<u8> {
    let (kind, precision) = match (mode, seed % 3) {
        (PROFILED_STEPS, _) => (Near::Anywhere, Precision::MaxError(10f32.powi(-2 - seed as i32 % 5))),
        (PROFILED_MULTIPLES, _) => (Near::Steps(0.001_234_5), Precision::Exact),
        (PROFILED_DECIMAL, _) => (Near::Of(Kind::Decimals(4 + seed as i32 % 3), Scaling::None), Precision::Exact),
        (_, 0) => (Near::Anywhere, Precision::Exact),
        (_, 1) => (Near::Of(Kind::Float16, Scaling::Double), Precision::Exact),
        _ => (Near::Of(Kind::BrainFloat, Scaling::None), Precision::Exact),
    };
    encode_with(&the_profile(dimensions), &near_profile(dimensions, seed, kind), Form::new(precision, Compression::Auto))
}

/// A few bytes set, and perhaps some cut or added.
#[derive(Clone, Debug)]
struct Changes {
    set: Vec<(prop::sample::Index, u8)>,
    length: prop::sample::Index,
    cut: u8,
}

fn any_changes() -> impl Strategy<Value = Changes> {
    let set = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    (set, any::<prop::sample::Index>(), 0..6_u8).prop_map(|(set, length, cut)| Changes { set, length, cut })
}

impl Changes {
    fn of(&self, mut payload: Vec<u8>) -> Vec<u8> {
        for (index, byte) in &self.set {
            // Most of what a decoder decides on lies at the start.
            let reach = if byte % 2 == 0 { payload.len().min(24) } else { payload.len() };
            payload[index.index(reach)] = *byte;
        }
        match self.cut {
            0 => payload.truncate(self.length.index(payload.len())),
            1 => payload.extend(vec![0; self.length.index(40)]),
            _ => {}
        }
        payload
    }
}
