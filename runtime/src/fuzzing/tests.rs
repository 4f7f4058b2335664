//! What fuzzing has found is kept, and a few seeds beside it.

use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use super::*;

#[expect(clippy::disallowed_methods, reason = "the kept cases are files of the repository")]
fn kept(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/regressions").join(target);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "nothing is kept in {}", dir.display());
    paths.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

/// Bytes that are the same for every seed (xorshift).
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..len).map(|_| next()).collect()
}

fn run(target: &str, with: fn(&[u8]), seeds: u64, len: usize) {
    for (path, bytes) in kept(target) {
        assert!(catch_unwind(|| with(&bytes)).is_ok(), "{}", path.display());
    }
    for seed in 0..seeds {
        assert!(catch_unwind(|| with(&noise(seed, len))).is_ok(), "seed {seed}");
    }
}

#[test]
fn records_that_were_found_and_some_seeds() {
    run("record", record, 2_000, 60);
}

#[test]
fn spoiled_directories_that_were_found_and_some_seeds() {
    run("recovery", recovery, 100, 40);
}

#[test]
fn programs_for_the_arena_that_were_found_and_some_seeds() {
    run("arena", arena, 100, 200);
}
