//! `cargo run --release --example codec -- [--json] [file.npy]`: what the codec makes of vectors, and how fast, for each precision.
//! How many take which mode, bytes a record, the order-0 bound, errors, and GB/s of float32s beside a copy; and the same of what is
//! done without this codec.
//!
//! Of a file's vectors it prints as well what a profile of the first 32 makes of the others, and what those take without.
//!
//! Without a file the vectors are made: as models make them, and as they come out of float16, bfloat16 and six decimals. With `--json`
//! each line is an object.

mod baselines;
mod figures;
mod made;
mod measure;
mod npy;
mod row;

use figures::order_0_bytes;
use measure::{Coder, Measured};
use row::Row;
use vecstash_core::{Buffer, Compression, Float, Form, Item, Precision, Profiles, VectorDecoder, VectorEncoder, train_profile};

const MADE_BYTES: usize = 3_000_000;
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
            print(of_records(name, &vectors, precision, Compression::Auto));
        }
        if let Some((profiles, others)) = trained(&vectors) {
            for (name, precision) in
                precisions().filter(|(_, precision)| !matches!(precision, Precision::Float16 | Precision::Int8))
            {
                print(of_records(format!("{name}, others"), others, precision, Compression::Auto));
                print(of_profiled(format!("{name}, others, profile"), others, precision, &profiles));
            }
        }
        for (name, coder) in baselines::all() {
            print(of_baseline(name.to_owned(), &vectors, coder));
        }
        return;
    }
    for (name, make, dimensions) in made::KINDS {
        let vectors = made::vectors(MADE_BYTES / (4 * dimensions), dimensions, make);
        print(of_records(format!("{name}, {dimensions}-d, exact"), &vectors, Precision::Exact, Compression::Auto));
    }
    let vectors = made::vectors(MADE_BYTES / (4 * 768), 768, made::as_is);
    for (name, precision) in precisions().skip(1) {
        print(of_records(format!("float32, 768-d, {name}"), &vectors, precision, Compression::Auto));
    }
    for (name, compression) in [("lz4", Compression::Lz4), ("zstd", Compression::Zstd), ("none", Compression::None)] {
        print(of_records(format!("float32, 768-d, exact, {name}"), &vectors, Precision::Exact, compression));
    }
    for (name, coder) in baselines::all() {
        print(of_baseline(format!("float32, 768-d, {name}"), &vectors, coder));
    }
}

fn precisions() -> impl Iterator<Item = (String, Precision)> {
    let bounds = [1e-7_f32, 1e-6, 1e-5, 1.25e-4, 5e-4, 2e-3];
    let fixed = [("exact", Precision::Exact), ("float16", Precision::Float16), ("int8", Precision::Int8)];
    let fixed = fixed.into_iter().map(|(name, precision)| (name.to_owned(), precision));
    fixed.chain(bounds.map(|bound| (format!("maxError {bound:e}"), Precision::MaxError(bound))))
}

/// So many vectors make a profile.
const TRAINED: usize = 32;

/// The profile of the first vectors, and the others. Nothing where there are none, or where no profile can be made.
fn trained(vectors: &[Vector]) -> Option<(Profiles, &[Vector])> {
    let (first, others) = vectors.split_at_checked(TRAINED).filter(|(_, others)| !others.is_empty())?;
    let mut profiles = Profiles::default();
    profiles.load(&train_profile(first.iter().map(Vec::as_slice))?)?;
    Some((profiles, others))
}

/// Whole records, checksum and all.
struct Records {
    encoder: VectorEncoder,
    decoder: VectorDecoder,
    form: Form,
    /// One to write with, or none.
    profiles: Profiles,
}

impl Coder for Records {
    fn encode(&mut self, vector: &Vector, next: Option<&Vector>, out: &mut Buffer) {
        let (profile, next) = (self.profiles.iter().next(), next.map(Vec::as_slice));
        self.encoder
            .encode_with(profile, Item { key: &KEY, vector, tokens: None }, next, &mut self.form, out)
            .expect("the dimensions are in range");
    }

    fn decode(&mut self, coded: &[u8], vector: &mut [Float]) {
        self.decoder.decode_with(&KEY, coded, self.form.precision, &self.profiles, vector).expect("the record is sound");
    }
}

fn of_records(name: String, vectors: &[Vector], precision: Precision, compression: Compression) -> Row {
    of_form(name, vectors, Form::new(precision, compression), Profiles::default())
}

fn of_profiled(name: String, vectors: &[Vector], precision: Precision, profiles: &Profiles) -> Row {
    of_form(name, vectors, Form::new(precision, Compression::Auto), profiles.clone())
}

fn of_form(name: String, vectors: &[Vector], form: Form, profiles: Profiles) -> Row {
    let precision = form.precision;
    let mut coder = Records { encoder: VectorEncoder::default(), decoder: VectorDecoder::default(), form, profiles };
    let measured = Measured::of(&mut coder, vectors);
    if precision == Precision::Exact {
        assert_eq!(measured.errors.different, 0, "an exact record gave back something else");
    }
    let records = measured.coded();
    let (modes, order_0) = (modes(&records), order_0_bytes(&records, vectors));
    Row { name, modes, ratio: ratio(&measured, vectors), order_0, measured }
}

fn of_baseline(name: String, vectors: &[Vector], mut coder: Box<dyn Coder>) -> Row {
    let measured = Measured::of(&mut *coder, vectors);
    Row { name, modes: String::new(), ratio: ratio(&measured, vectors), order_0: None, measured }
}

fn ratio(measured: &Measured, vectors: &[Vector]) -> f64 {
    size_of_val(&vectors[0][..]) as f64 / measured.bytes()
}

/// How many records take which mode, the most frequent first.
fn modes(records: &[&[u8]]) -> String {
    let mut counts: Vec<(usize, u8)> =
        (0..=u8::MAX).map(|mode| (records.iter().filter(|record| record[MODE_AT] == mode).count(), mode)).collect();
    counts.retain(|(count, _)| *count > 0);
    counts.sort_by(|a, b| b.cmp(a));
    counts.iter().map(|(count, mode)| format!("{mode:02x}: {count}")).collect::<Vec<_>>().join(", ")
}
