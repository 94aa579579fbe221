//! The inputs that the fuzzers keep (native/fuzz/seeds), without a fuzzer: what it once reached is looked at by each `cargo test`.

mod common;
#[path = "../../fuzz/checks/decode_record.rs"]
mod decode_record;
#[path = "../../fuzz/checks/decode_value.rs"]
mod decode_value;
#[path = "../../fuzz/checks/decode_vector.rs"]
mod decode_vector;
#[path = "../../fuzz/checks/round_trip.rs"]
mod round_trip;

use arbitrary::{Arbitrary, Unstructured};
use std::fs;

/// As libFuzzer hands them out: bytes that make no input are passed over.
fn seeds(target: &str, mut check: impl FnMut(Unstructured) -> arbitrary::Result<()>) {
    let folder = format!("{}/../fuzz/seeds/{target}", env!("CARGO_MANIFEST_DIR"));
    let files = fs::read_dir(&folder).expect("the seeds are kept").map(|file| file.expect("it can be read").path());
    let mut count = 0;
    for path in files {
        // Told where the test fails.
        println!("{}", path.display());
        let bytes = fs::read(&path).expect("it can be read");
        count += usize::from(check(Unstructured::new(&bytes)).is_ok());
    }
    assert!(count > 10, "{count} seeds in {folder}");
}

#[test]
fn decode_record() {
    seeds("decode_record", |bytes| decode_record::Given::arbitrary_take_rest(bytes).map(decode_record::check));
}

#[test]
fn decode_value() {
    seeds("decode_value", |bytes| decode_value::Given::arbitrary_take_rest(bytes).map(decode_value::check));
}

#[test]
fn decode_vector() {
    seeds("decode_vector", |bytes| decode_vector::Given::arbitrary_take_rest(bytes).map(decode_vector::check));
}

#[test]
fn round_trip() {
    seeds("round_trip", |bytes| round_trip::Given::arbitrary_take_rest(bytes).map(round_trip::check));
}
