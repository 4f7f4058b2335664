//! See `runtime/src/fuzzing/arena.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| factum::fuzzing::arena(bytes));
