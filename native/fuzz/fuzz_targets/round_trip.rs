#![no_main]

#[path = "../../core/tests/common/mod.rs"]
mod common;
#[path = "../checks/round_trip.rs"]
mod round_trip;

libfuzzer_sys::fuzz_target!(|given: round_trip::Given| round_trip::check(given));
