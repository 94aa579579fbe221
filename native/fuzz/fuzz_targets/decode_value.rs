#![no_main]

#[path = "../../core/tests/common/mod.rs"]
mod common;
#[path = "../checks/decode_value.rs"]
mod decode_value;

libfuzzer_sys::fuzz_target!(|given: decode_value::Given| decode_value::check(given));
