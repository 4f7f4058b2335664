//! See `runtime/src/fuzzing/recovery.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| factum::fuzzing::recovery(bytes));
