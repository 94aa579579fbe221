//! `cargo run --release --example codec -- [--json] [file.npy]`: what the codec makes of vectors, and how fast, for each precision.
//! How many take which mode, bytes a record, the order-0 bound, errors, and GB/s of float32s beside a copy.
//!
//! Without a file the vectors are made: as models make them, and as they come out of float16, bfloat16 and six decimals. With `--json`
//! each line is an object.

mod figures;
mod made;
mod npy;

use figures::{Errors, order_0_bytes};
use std::hint::black_box;
use std::time::Instant;
use vecstash_core::{Compression, Float, Form, Precision, VectorDecoder, VectorEncoder};

const MADE_BYTES: usize = 3_000_000;
const RUNS: usize = 201;
const KEY: [u8; 80] = [b'k'; 80];

/// The mode is the third byte of a record.
const MODE_AT: usize = 2;

pub type Vector = Vec<Float>;

fn main() {
    let (flags, files): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let is_json = flags.contains(&"--json".to_owned());
    let print = |row: Row| println!("{}", if is_json { row.json() } else { row.line() });
    if !is_json {
        println!("{}", Row::head());
    }
    if let [path] = &files[..] {
        let vectors = npy::read(path);
        for (name, precision) in precisions() {
            print(measure(name, &vectors, precision, Compression::Auto));
        }
        return;
    }
    for (name, make, dimensions) in made::KINDS {
        let vectors = made::vectors(MADE_BYTES / (4 * dimensions), dimensions, make);
        print(measure(format!("{name}, {dimensions}-d, exact"), &vectors, Precision::Exact, Compression::Auto));
    }
    let vectors = made::vectors(MADE_BYTES / (4 * 768), 768, made::as_is);
    for (name, precision) in precisions().skip(1) {
        print(measure(format!("float32, 768-d, {name}"), &vectors, precision, Compression::Auto));
    }
    for (name, compression) in [("lz4", Compression::Lz4), ("zstd", Compression::Zstd), ("none", Compression::None)] {
        print(measure(format!("float32, 768-d, exact, {name}"), &vectors, Precision::Exact, compression));
    }
}

/// What was measured of one kind of record.
struct Row {
    name: String,
    modes: String,
    bytes: f64,
    ratio: f64,
    order_0: Option<f64>,
    errors: Errors,
    /// GB/s of float32s.
    copy: f64,
    encode: f64,
    decode: f64,
}

impl Row {
    fn head() -> String {
        format!(
            "{:<34}{:<22}{:>9}{:>8}{:>9}{:>10}{:>10}{:>8}{:>8}{:>8}",
            "", "modes", "bytes", "ratio", "order-0", "max error", "1 - cos", "copy", "encode", "decode"
        )
    }

    fn line(&self) -> String {
        let Self { name, modes, bytes, ratio, order_0, errors, copy, encode, decode } = self;
        let order_0 = order_0.map_or(String::new(), |bound| format!("{bound:.1}"));
        let Errors { largest, cosine_distance, .. } = errors;
        format!(
            "{name:<34}{modes:<22}{bytes:>9.1}{ratio:>8.3}{order_0:>9}{largest:>10.1e}{cosine_distance:>10.1e}{copy:>8.1}{encode:>8.2}{decode:>8.2}"
        )
    }

    /// Names and modes have nothing that JSON escapes.
    fn json(&self) -> String {
        let Self { name, modes, bytes, ratio, order_0, errors, copy, encode, decode } = self;
        let order_0 = order_0.map_or("null".to_owned(), |bound| format!("{bound:.1}"));
        let Errors { largest, cosine_distance, .. } = errors;
        format!(
            r#"{{"name":"{name}","modes":"{modes}","bytes":{bytes:.1},"ratio":{ratio:.4},"order0Bytes":{order_0},"maxError":{largest:e},"cosineDistance":{cosine_distance:e},"copyGBps":{copy:.2},"encodeGBps":{encode:.3},"decodeGBps":{decode:.3}}}"#
        )
    }
}

fn precisions() -> impl Iterator<Item = (String, Precision)> {
    let bounds = [1e-7_f32, 1e-6, 1e-5, 1.25e-4, 5e-4, 2e-3];
    let fixed = [("exact", Precision::Exact), ("float16", Precision::Float16), ("int8", Precision::Int8)];
    let fixed = fixed.into_iter().map(|(name, precision)| (name.to_owned(), precision));
    fixed.chain(bounds.map(|bound| (format!("maxError {bound:e}"), Precision::MaxError(bound))))
}

fn measure(name: String, vectors: &[Vector], precision: Precision, compression: Compression) -> Row {
    let dimensions = vectors[0].len();
    let gigabytes = (vectors.len() * dimensions * size_of::<Float>()) as f64 / 1e9;
    let mut out = vec![Float::default(); vectors.len() * dimensions];
    let copy = fastest(|| {
        for (row, vector) in out.chunks_exact_mut(dimensions).zip(vectors) {
            row.copy_from_slice(black_box(vector));
        }
    });
    let mut encoder = VectorEncoder::default();
    let mut decoder = VectorDecoder::default();
    let mut form = Form::new(precision, compression);
    let mut bytes = Vec::new();
    let mut ends = Vec::new();
    let encode = fastest(|| {
        bytes.clear();
        ends.clear();
        for vector in vectors {
            encoder.encode(&KEY, vector, &mut form, &mut bytes).expect("the dimensions are in range");
            ends.push(bytes.len());
        }
    });
    let decode = fastest(|| {
        let mut start = 0;
        for (row, end) in out.chunks_exact_mut(dimensions).zip(&ends) {
            decoder.decode(&KEY, &bytes[start..*end], precision, row).expect("the record is sound");
            start = *end;
        }
    });
    let starts = std::iter::once(0).chain(ends.iter().copied());
    let records: Vec<&[u8]> = starts.zip(&ends).map(|(start, end)| &bytes[start..*end]).collect();
    let errors = Errors::of(vectors, out.chunks_exact(dimensions));
    if precision == Precision::Exact {
        assert_eq!(errors.different, 0, "an exact record gave back something else");
    }
    let mean = bytes.len() as f64 / vectors.len() as f64;
    let [copy, encode, decode] = [copy, encode, decode].map(|seconds| gigabytes / seconds);
    Row {
        name,
        modes: modes(&records),
        bytes: mean,
        ratio: 4.0 * dimensions as f64 / mean,
        order_0: order_0_bytes(&records, vectors),
        errors,
        copy,
        encode,
        decode,
    }
}

/// How many records take which mode, the most frequent first.
fn modes(records: &[&[u8]]) -> String {
    let mut counts: Vec<(usize, u8)> =
        (0..=u8::MAX).map(|mode| (records.iter().filter(|record| record[MODE_AT] == mode).count(), mode)).collect();
    counts.retain(|(count, _)| *count > 0);
    counts.sort_by(|a, b| b.cmp(a));
    counts.iter().map(|(count, mode)| format!("{mode:02x}: {count}")).collect::<Vec<_>>().join(", ")
}

/// The fifth percentile in seconds: what the work takes when nothing else is in the way.
fn fastest(mut run: impl FnMut()) -> f64 {
    let mut seconds: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds[RUNS / 20]
}
