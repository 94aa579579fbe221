#![no_main]

#[path = "../../core/tests/common/mod.rs"]
mod common;
#[path = "../checks/decode_vector.rs"]
mod decode_vector;

libfuzzer_sys::fuzz_target!(|given: decode_vector::Given| decode_vector::check(given));
