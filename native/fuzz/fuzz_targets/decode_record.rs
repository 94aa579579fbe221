#![no_main]

#[path = "../../core/tests/common/mod.rs"]
mod common;
#[path = "../checks/decode_record.rs"]
mod decode_record;

libfuzzer_sys::fuzz_target!(|given: decode_record::Given| decode_record::check(given));
