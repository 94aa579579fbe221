//! Vectors of every kind that a codec may meet.
#![allow(dead_code, reason = "not every test file needs all of them")]

pub mod buckets;
pub mod forge;
pub mod judge;
pub mod kinds;
pub mod parts;
pub mod profiles;
pub mod reference;

use proptest::prelude::*;
use vecstash_core::{Buffer, Compression, Float, Form, Item, Precision, Status, VectorDecoder, VectorEncoder};

pub const COMPRESSIONS: [Compression; 4] = [Compression::None, Compression::Auto, Compression::Lz4, Compression::Zstd];

/// The mode is the third byte of a record.
pub const MODE_AT: usize = 2;
pub const RAW: u8 = 0x00;
pub const PLANES: u8 = 0x08;
pub const EXPONENT: u8 = 0x10;
pub const GRID: u8 = 0x20;
pub const PROFILED_GRID: u8 = 0x28;
pub const STEPS: u8 = 0x30;
pub const DECIMAL: u8 = 0x31;
pub const MULTIPLES: u8 = 0x32;
pub const PROFILED_STEPS: u8 = 0x38;
pub const PROFILED_DECIMAL: u8 = 0x39;
pub const PROFILED_MULTIPLES: u8 = 0x3a;
pub const FLOAT16: u8 = 0x40;
pub const INT8: u8 = 0x41;

/// The modes whose payloads begin with the number of a profile.
pub const PROFILED: [u8; 4] = [PROFILED_GRID, PROFILED_STEPS, PROFILED_DECIMAL, PROFILED_MULTIPLES];

/// The modes with coded symbols.
pub const CODED: [u8; 9] =
    [EXPONENT, GRID, STEPS, DECIMAL, MULTIPLES, PROFILED_GRID, PROFILED_STEPS, PROFILED_DECIMAL, PROFILED_MULTIPLES];

pub const KEY: &[u8] = b"vecstash:v1:docs:0123456789abcdef:0123456789abcdefghijkl";

/// So many cases of a property, or fewer where `PROPTEST_CASES` says so: under valgrind each takes long.
pub fn cases(most: u32) -> ProptestConfig {
    let fewer = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(most);
    ProptestConfig::with_cases(most.min(fewer))
}

/// A vector of a model's making, near enough: normal, scaled to length one, the same for the same seed.
pub fn gaussian(dimensions: usize, seed: u64) -> Vec<Float> {
    let mut uniform = uniform(seed);
    let values: Vec<f64> =
        (0..dimensions).map(|_| (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos()).collect();
    let length = values.iter().map(|value| value * value).sum::<f64>().sqrt();
    values.iter().map(|value| float((value / length) as f32)).collect()
}

/// The same, with only the upper half of each float32 used.
pub fn brain_floats(dimensions: usize, seed: u64) -> Vec<Float> {
    gaussian(dimensions, seed).into_iter().map(|float| (u32::from_ne_bytes(float) & 0xffff_0000).to_ne_bytes()).collect()
}

/// Any bits at all, the same for the same seed.
pub fn random_bits(dimensions: usize, seed: u64) -> Vec<Float> {
    let mut uniform = uniform(seed);
    (0..dimensions).map(|_| ((uniform() * f64::from(u32::MAX)) as u32).to_ne_bytes()).collect()
}

/// A xorshift generator of numbers above 0 and below 1.
fn uniform(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((state >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }
}

pub fn float(value: f32) -> Float {
    value.to_bits().to_ne_bytes()
}

/// The float32s that arithmetic would not bring back.
pub const ODD_BITS: [u32; 12] = [
    0x0000_0000, // 0
    0x8000_0000, // -0
    0x7f80_0000, // infinity
    0xff80_0000, // -infinity
    0x7fc0_0000, // NaN
    0x7f80_0001, // a signalling NaN
    0xffc1_2345, // a NaN with a payload
    0x0000_0001, // the smallest subnormal
    0x807f_ffff, // the largest negative subnormal
    0x0080_0000, // the smallest normal
    0x7f7f_ffff, // the largest
    0x3f80_0000, // 1
];

pub fn any_vector() -> impl Strategy<Value = Vec<Float>> {
    let dimensions = prop_oneof![1_usize..=40, 1_usize..=2000];
    (dimensions, any::<u64>(), 0..7).prop_flat_map(|(dimensions, seed, kind)| {
        let odd = prop::sample::select(&ODD_BITS[..]);
        let few_odd = prop::collection::vec((0..dimensions, odd), 0..dimensions.min(300));
        few_odd.prop_map(move |odd| {
            let mut vector = match kind {
                0 => random_bits(dimensions, seed),
                1 => brain_floats(dimensions, seed),
                2 => vec![(seed as u32).to_ne_bytes(); dimensions],
                3 => ODD_BITS.iter().cycle().take(dimensions).map(|bits| bits.to_ne_bytes()).collect(),
                _ => gaussian(dimensions, seed),
            };
            if kind > 3 {
                // Elements a long way off the others are what patches are for.
                for (index, bits) in odd.iter().take(if kind == 6 { 300 } else { 3 }) {
                    vector[*index] = bits.to_ne_bytes();
                }
            }
            vector
        })
    })
}

pub fn encode(key: &[u8], vector: &[Float], compression: Compression) -> Vec<u8> {
    encode_as(key, vector, Form::new(Precision::Exact, compression))
}

pub fn encode_as(key: &[u8], vector: &[Float], mut form: Form) -> Vec<u8> {
    let mut record = Buffer::default();
    VectorEncoder::default().encode(key, vector, None, &mut form, &mut record).expect("the dimensions are in range");
    record.to_vec()
}

/// A vector under `KEY` whose tokens are not known.
pub fn item(vector: &[Float]) -> Item<'_> {
    Item { key: KEY, vector, tokens: None }
}

pub fn decode(key: &[u8], record: &[u8], dimensions: usize) -> Result<Vec<Float>, Status> {
    decode_as(key, record, Precision::Exact, dimensions)
}

pub fn decode_as(key: &[u8], record: &[u8], precision: Precision, dimensions: usize) -> Result<Vec<Float>, Status> {
    let mut vector = vec![UNTOUCHED; dimensions];
    let result = VectorDecoder::default().decode(key, record, precision, &mut vector);
    if result.is_err() {
        assert!(vector.iter().all(|float| *float == UNTOUCHED), "a refused record leaves the vector as it was");
    }
    result.map(|()| vector)
}

const UNTOUCHED: Float = [0xa5; 4];
