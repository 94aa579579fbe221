//! What has to be true of every record, whoever made it.

use super::profiles::{decode_with, number_of, set_of, the_profile};
use super::{FLOAT16, INT8, KEY, MODE_AT, PROFILED, PROFILED_STEPS, STEPS, forge, reference};
use std::cell::RefCell;
use vecstash_core::{Float, Precision, Profiles, Status, VectorDecoder};

/// A reader that accepts the mode, however coarse.
pub fn lenient(mode: u8) -> Precision {
    if [STEPS, PROFILED_STEPS].contains(&mode) { Precision::MaxError(f32::MAX) } else { Precision::Int8 }
}

/// Decodes a payload that nobody vouches for, with a decoder that is new and with one that has seen much. Both must agree, and with the
/// format, too. Whether the payload is sound.
pub fn judge(mode: u8, dimensions: usize, payload: &[u8]) -> bool {
    let record = forge::record_of(mode, dimensions, payload);
    let result = decode_both_ways(&record, lenient(mode), dimensions);
    let number = payload.first_chunk().map(|number| u32::from_le_bytes(*number)).filter(|_| PROFILED.contains(&mode));
    let is_of_another = number.is_some_and(|number| number != number_of(&the_profile(dimensions)));
    // Only the bound is looked at before.
    let is_broken = mode == PROFILED_STEPS && reference::bound(&payload[4.min(payload.len())..]).is_none();
    let refusal = if is_of_another && !is_broken { Status::Profile } else { Status::Payload };
    let expected = reference::decode(mode, payload, dimensions).ok_or(refusal);
    assert_eq!(result, expected, "not what the format says");
    result.is_ok()
}

pub fn decode_both_ways(record: &[u8], precision: Precision, dimensions: usize) -> Result<Vec<Float>, Status> {
    thread_local!(static SEASONED: RefCell<VectorDecoder> = RefCell::default());
    let profiles = if dimensions > 0 { set_of(&[the_profile(dimensions)]) } else { Profiles::default() };
    let result = decode_with(&profiles, record, precision, dimensions);
    let mut again = vec![[1; 4]; dimensions];
    let seasoned = SEASONED.with_borrow_mut(|decoder| decoder.decode_with(KEY, record, precision, &profiles, &mut again));
    assert_eq!(seasoned.map(|()| again), result, "decoded twice");
    result
}

/// A record of `vector` holds all of it that was asked for, and is no longer than need be.
pub fn assert_holds(record: &[u8], vector: &[Float], precision: Precision) {
    let back = decode_both_ways(record, precision, vector.len()).expect("it was just written");
    let payload = forge::payload_of(record);
    assert!(payload.len() <= size_of_val(vector));
    match (record[MODE_AT], precision) {
        (STEPS | PROFILED_STEPS, Precision::MaxError(bound)) => assert_within(vector, &back, |_| f64::from(bound)),
        // Half a unit in the last of 11 bits, or of the subnormals.
        (FLOAT16, Precision::Float16) => assert_within(vector, &back, |value| value.abs().max(2f64.powi(-14)) * 2f64.powi(-11)),
        (INT8, Precision::Int8) => assert_bytes(payload, vector, &back),
        _ => assert_eq!(back, vector),
    }
}

/// No finite element is further than that from what it was, and all others are as they were.
fn assert_within(vector: &[Float], back: &[Float], most: impl Fn(f64) -> f64) {
    for (index, (was, is)) in vector.iter().zip(back).enumerate() {
        let [from, to] = [was, is].map(|float| f64::from(f32::from_ne_bytes(*float)));
        let error = (from - to).abs();
        assert!(was == is || error <= most(from), "element {index}: {from:e} became {to:e}");
    }
}

/// Half a scale to the next multiple, and from there to a float32. Patches are as they were.
fn assert_bytes(payload: &[u8], vector: &[Float], back: &[Float]) {
    let scale = f64::from(f32::from_le_bytes(*payload.first_chunk().expect("a scale")));
    let largest = back.iter().map(|float| f64::from(f32::from_ne_bytes(*float)).abs()).filter(|value| value.is_finite());
    let rounding = largest.fold(0.0, f64::max).min(127.0 * scale) * 2f64.powi(-24);
    assert_within(vector, back, |_| 0.5 * scale + rounding);
}
