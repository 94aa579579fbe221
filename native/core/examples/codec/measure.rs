//! Timing whatever turns vectors into bytes and back.

use crate::Vector;
use crate::figures::Errors;
use std::hint::black_box;
use std::time::{Duration, Instant};
use vecstash_core::{Buffer, Float};

const RUNS: usize = 201;
/// What is slow is run less often, but often enough.
const MAX_DURATION: Duration = Duration::from_secs(1);
const MIN_RUNS: usize = 21;

/// Something that turns vectors into bytes and back. What it makes are its own bytes, so it may expect them to be sound.
pub trait Coder {
    /// Appends to `out`.
    fn encode(&mut self, vector: &Vector, next: Option<&Vector>, out: &mut Buffer);
    fn decode(&mut self, coded: &[u8], vector: &mut [Float]);
}

/// What a coder made of a file's vectors, and how fast.
pub struct Measured {
    bytes: Buffer,
    ends: Vec<usize>,
    pub errors: Errors,
    /// GB/s of float32s.
    pub copy: f64,
    pub encode: f64,
    pub decode: f64,
}

impl Measured {
    pub fn of(coder: &mut dyn Coder, vectors: &[Vector]) -> Self {
        let dimensions = vectors[0].len();
        let gigabytes = (vectors.len() * dimensions * size_of::<Float>()) as f64 / 1e9;
        let mut out = vec![Float::default(); vectors.len() * dimensions];
        let copy = fastest(|| {
            for (row, vector) in out.chunks_exact_mut(dimensions).zip(vectors) {
                row.copy_from_slice(black_box(vector));
            }
        });
        let mut bytes = Buffer::default();
        let mut ends = Vec::new();
        let encode = fastest(|| {
            bytes.clear();
            ends.clear();
            for (index, vector) in vectors.iter().enumerate() {
                coder.encode(vector, vectors.get(index + 1), &mut bytes);
                ends.push(bytes.len());
            }
        });
        let decode = fastest(|| {
            let mut start = 0;
            for (row, end) in out.chunks_exact_mut(dimensions).zip(&ends) {
                coder.decode(&bytes[start..*end], row);
                start = *end;
            }
        });
        let errors = Errors::of(vectors, out.chunks_exact(dimensions));
        let [copy, encode, decode] = [copy, encode, decode].map(|seconds| gigabytes / seconds);
        Self { bytes, ends, errors, copy, encode, decode }
    }

    /// What was made of each vector.
    pub fn coded(&self) -> Vec<&[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.bytes[start..*end]).collect()
    }

    /// The mean of what a vector takes.
    pub fn bytes(&self) -> f64 {
        self.bytes.len() as f64 / self.ends.len() as f64
    }
}

/// The fifth percentile in seconds: what the work takes when nothing else is in the way.
fn fastest(mut run: impl FnMut()) -> f64 {
    let began = Instant::now();
    let mut seconds = Vec::new();
    while seconds.len() < RUNS && (seconds.len() < MIN_RUNS || began.elapsed() < MAX_DURATION) {
        let start = Instant::now();
        run();
        seconds.push(start.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 20]
}
