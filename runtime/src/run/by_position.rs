//! Maps of positions.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use crate::id::Position;

/// A map from positions.
pub(crate) type ByPosition<V> = HashMap<Position, V, BuildHasherDefault<PositionHasher>>;
/// A set of positions.
pub(crate) type Positions = HashSet<Position, BuildHasherDefault<PositionHasher>>;

/// Hashes a position's few bytes, eight at a time. Positions are made by a program's code: nobody chooses them so that
/// their hashes collide. Multiplying and folding is after wyhash (Wang Yi).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PositionHasher(u64);

impl PositionHasher {
    fn add(&mut self, word: u64) {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        let product = u128::from(self.0 ^ word ^ ODD) * u128::from(0xa076_1d64_78bd_642f_u64);
        self.0 = (product >> 64) as u64 ^ product as u64;
    }
}

impl Hasher for PositionHasher {
    fn write(&mut self, bytes: &[u8]) {
        let mut words = bytes.chunks_exact(8);
        for word in &mut words {
            self.add(u64::from_le_bytes(word.try_into().unwrap_or_default()));
        }
        let rest = words.remainder().iter().fold(bytes.len() as u64, |word, byte| word << 8 | u64::from(*byte));
        self.add(rest);
    }

    fn write_usize(&mut self, length: usize) {
        // The bytes that follow tell it.
        let _ = length;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::BuildHasher;

    use super::*;

    #[test]
    fn positions_spread_over_the_buckets() {
        let hash = |at: &Position| BuildHasherDefault::<PositionHasher>::default().hash_one(at);
        let root = Position::root(0);
        let flat = (0..20_000).map(|n| root.child(n));
        let nested = (0..200).flat_map(|n| (0..100).map(move |m| (n, m)));
        let nested = nested.map(|(n, m)| root.child(n).branch(m).child(300));
        let all: Vec<u64> = flat.chain(nested).map(|at| hash(&at)).collect();
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
        // As a table uses them: by the lowest bits, and by the highest seven.
        for bits in [all.iter().map(|h| h & 0xfff).collect::<Vec<_>>(), all.iter().map(|h| h >> 57).collect()] {
            let mut counts = std::collections::HashMap::new();
            bits.iter().for_each(|bits| *counts.entry(*bits).or_insert(0u32) += 1);
            let mean = all.len() as u32 / counts.len() as u32;
            assert!(counts.values().all(|count| *count < 4 * mean + 10), "{:?}", counts.values().max());
        }
    }
}
