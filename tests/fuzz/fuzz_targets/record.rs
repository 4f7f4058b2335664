//! See `runtime/src/fuzzing/record.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| factum::fuzzing::record(bytes));
