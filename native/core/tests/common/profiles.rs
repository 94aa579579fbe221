//! Profiles to test with, made and read in the plainest way: docs/format.md section 2.10.

use super::parts::Bytes;
use super::*;
use twox_hash::XxHash3_64;
use vecstash_core::{Profile, Profiles};

/// A profile of these means, of which the upper halves are taken.
pub fn profile_of(means: &[f32]) -> Vec<u8> {
    let mut bytes = vec![b'V', b'S', b'P', 1];
    bytes.extend((means.len() as u16).to_le_bytes());
    bytes.extend(means.iter().flat_map(|mean| ((mean.to_bits() >> 16) as u16).to_le_bytes()));
    let mut crc = u32::MAX;
    for byte in &bytes {
        for bit in 0..8 {
            let is_one = (crc ^ u32::from(*byte) >> bit) & 1 == 1;
            crc = crc >> 1 ^ if is_one { 0xedb8_8320 } else { 0 };
        }
    }
    bytes.extend((!crc).to_le_bytes());
    bytes
}

/// The one profile of the tests that has so many dimensions: means as far off as a unit vector's elements, one of them a long way.
pub fn the_profile(dimensions: usize) -> Vec<u8> {
    let mut means: Vec<f32> = gaussian(dimensions, 99).into_iter().map(f32::from_ne_bytes).collect();
    if let Some(mean) = means.get_mut(11) {
        *mean = 0.7;
    }
    profile_of(&means)
}

pub fn number_of(profile: &[u8]) -> u32 {
    XxHash3_64::oneshot(profile) as u32
}

/// The means of `the_profile`.
pub fn means(dimensions: usize) -> Vec<f64> {
    let profile = the_profile(dimensions);
    let upper = profile[6..profile.len() - 4].chunks(2);
    upper.map(|upper| f64::from(f32::from_bits(u32::from(u16::from_le_bytes([upper[0], upper[1]])) << 16))).collect()
}

/// The number of `the_profile`, taken off a payload; none where another stands there.
pub fn named(bytes: &mut Bytes, dimensions: usize) -> Option<()> {
    (u32::from_le_bytes(bytes.array()?) == number_of(&the_profile(dimensions))).then_some(())
}

/// The means in units; none where one of them is out of range.
pub fn centres(means: &[f64], unit: f64) -> Option<Vec<i64>> {
    let products: Vec<f64> = means.iter().map(|mean| mean * (1.0 / unit)).collect();
    let are_in_range = products.iter().all(|product| product.abs() <= 268_435_455.0);
    are_in_range.then(|| products.iter().map(|product| product.round_ties_even() as i64).collect())
}

/// A set of these alone.
pub fn set_of(profiles: &[Vec<u8>]) -> Profiles {
    let mut set = Profiles::default();
    profiles.iter().for_each(|profile| _ = set.load(profile).expect("it is sound"));
    set
}

pub fn encode_with(profile: &[u8], vector: &[Float], mut form: Form) -> Vec<u8> {
    let mut record = Buffer::default();
    let profile = Profile::parse(profile).expect("it is sound");
    let result = VectorEncoder::default().encode_with(Some(&profile), item(vector), None, &mut form, &mut record);
    result.expect("the dimensions are in range");
    record.to_vec()
}

pub fn decode_with(profiles: &Profiles, record: &[u8], precision: Precision, dimensions: usize) -> Result<Vec<Float>, Status> {
    let mut vector = vec![UNTOUCHED; dimensions];
    let result = VectorDecoder::default().decode_with(KEY, record, precision, profiles, &mut vector);
    if result.is_err() {
        assert!(vector.iter().all(|float| *float == UNTOUCHED), "a refused record leaves the vector as it was");
    }
    result.map(|()| vector)
}
