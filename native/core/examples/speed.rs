//! `cargo run --release --example speed [dimensions] [compression]`: what encoding and decoding cost beside a copy, in GB/s of float32s.

use std::hint::black_box;
use std::time::Instant;
use vecstash_core::{Compression, Float, VectorDecoder, VectorEncoder};

const VECTORS: usize = 1000;
const RUNS: usize = 101;

fn main() {
    let dimensions = std::env::args().nth(1).and_then(|argument| argument.parse().ok()).unwrap_or(768);
    let vectors: Vec<Vec<Float>> = (0..VECTORS).map(|seed| gaussian_unit_vector(dimensions, seed as u64)).collect();
    let key = [b'k'; 80];
    let bytes = VECTORS * dimensions * size_of::<Float>();
    let report =
        |name: &str, seconds: f64| println!("{name:<24}{:7.2} GB/s {:8.1} us/1000", bytes as f64 / seconds / 1e9, seconds * 1e6);

    let mut out = vec![Float::default(); VECTORS * dimensions];
    report(
        "copy",
        median(|| {
            for (row, vector) in out.chunks_exact_mut(dimensions).zip(&vectors) {
                row.copy_from_slice(black_box(vector));
            }
        }),
    );

    let mut encoder = VectorEncoder::default();
    let mut decoder = VectorDecoder::default();
    let only = std::env::args().nth(2);
    for compression in [Compression::None, Compression::Auto, Compression::Lz4, Compression::Zstd] {
        if only.as_ref().is_some_and(|only| *only != format!("{compression:?}")) {
            continue;
        }
        let mut records = Vec::new();
        let mut ends = Vec::new();
        let mut encode = || {
            records.clear();
            ends.clear();
            for vector in &vectors {
                encoder.encode(&key, vector, compression, &mut records).expect("the dimensions are in range");
                ends.push(records.len());
            }
        };
        report(&format!("encode {compression:?}"), median(&mut encode));
        let decode = || {
            let mut start = 0;
            for (row, end) in out.chunks_exact_mut(dimensions).zip(&ends) {
                decoder.decode(&key, &records[start..*end], row).expect("the record is sound");
                start = *end;
            }
        };
        report(&format!("decode {compression:?}"), median(decode));
        assert!(out.chunks_exact(dimensions).zip(&vectors).all(|(row, vector)| row == vector));
        println!("{:<24}{:7.1} bytes a record", "", records.len() as f64 / VECTORS as f64);
    }
}

fn median(mut run: impl FnMut()) -> f64 {
    let mut seconds: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds[RUNS / 2]
}

/// Box-Muller over a xorshift generator, scaled to length one as models do.
fn gaussian_unit_vector(dimensions: usize, seed: u64) -> Vec<Float> {
    let mut state = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut uniform = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((state >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    };
    let values: Vec<f64> =
        (0..dimensions).map(|_| (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos()).collect();
    let length = values.iter().map(|value| value * value).sum::<f64>().sqrt();
    values.iter().map(|value| ((value / length) as f32).to_ne_bytes()).collect()
}
