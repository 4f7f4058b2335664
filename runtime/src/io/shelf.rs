//! Where a step's bytes go: into the arena, or in a replay into memory.
//!
//! What must always hold: a replay writes nothing, and what it is given back of
//! its own bytes is what it put.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::codec::{ArtifactId, Blob, BlobAt, Digest, Payload};
use crate::storage::StorageError;
use crate::storage::arena::{Arena, MAX_BLOB};

/// Where a step's bytes go.
#[derive(Debug, Clone)]
pub(crate) enum Shelf {
    /// Onto the disk.
    Arena(Arena),
    /// Nowhere: they live as long as the replay and its blobs.
    Memory(Arc<Memory>),
}

impl Shelf {
    pub(super) async fn put(&self, bytes: Vec<u8>) -> Result<Blob, StorageError> {
        match self {
            Shelf::Arena(arena) => arena.put(Box::new(bytes), 0).await,
            Shelf::Memory(memory) => memory.put(bytes),
        }
    }

    pub(super) async fn put_content(&self, bytes: Vec<u8>) -> Result<(Digest, Blob), StorageError> {
        match self {
            Shelf::Arena(arena) => arena.put_content(Box::new(bytes)).await,
            Shelf::Memory(memory) => memory.put_content(bytes),
        }
    }

    pub(super) fn content(&self, artifact: &ArtifactId) -> Result<Blob, StorageError> {
        match self {
            Shelf::Arena(arena) => arena.get_content(artifact.0),
            Shelf::Memory(memory) => memory.content(artifact),
        }
    }

    /// The arena, for who writes into it alone.
    pub(super) fn arena(&self) -> Option<Arena> {
        match self {
            Shelf::Arena(arena) => Some(arena.clone()),
            Shelf::Memory(_) => None,
        }
    }
}

/// The bytes that a replay has put, and the artifacts that its records know.
#[derive(Default)]
pub(crate) struct Memory {
    recorded: BTreeMap<[u8; 32], Payload>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    put: u64,
    contents: BTreeMap<[u8; 32], Blob>,
}

/// The ids of blobs in memory begin here: no arena gives such a one.
const FIRST_ID: u64 = 1 << 62;

impl Memory {
    /// With the artifacts that are recorded.
    pub(crate) fn new(recorded: impl IntoIterator<Item = (ArtifactId, Payload)>) -> Memory {
        let recorded = recorded.into_iter().map(|(artifact, bytes)| (*artifact.as_bytes(), bytes));
        Memory { recorded: recorded.collect(), kept: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, bytes: Vec<u8>) -> Result<Blob, StorageError> {
        let len = bytes.len() as u64;
        if len > MAX_BLOB {
            return Err(StorageError::BlobTooLarge { bytes: len, limit: MAX_BLOB });
        }
        let id = {
            let mut kept = self.kept();
            kept.put += 1;
            FIRST_ID + kept.put
        };
        let crc = crc32fast::hash(&bytes);
        let at = BlobAt { id, segment: 0, offset: 0, len, crc, schema: 0, encrypted: false };
        Ok(Blob::new(at, crc, Arc::new(bytes)))
    }

    fn put_content(&self, bytes: Vec<u8>) -> Result<(Digest, Blob), StorageError> {
        let artifact = ArtifactId::of(&bytes);
        let blob = self.put(bytes)?;
        let blob = self.kept().contents.entry(*artifact.as_bytes()).or_insert(blob).clone();
        Ok((artifact.0, blob))
    }

    fn content(&self, artifact: &ArtifactId) -> Result<Blob, StorageError> {
        let kept = self.kept().contents.get(artifact.as_bytes()).cloned();
        if let Some(blob) = kept {
            return Ok(blob);
        }
        let missing = || StorageError::MissingContent { digest: artifact.to_string() };
        let recorded = self.recorded.get(artifact.as_bytes()).ok_or_else(missing)?;
        let bytes = recorded.bytes().map_err(|_| missing())?;
        self.put_content(bytes.to_vec()).map(|(_, blob)| blob)
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("put", &self.kept().put).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_into_memory_is_there_under_its_name_and_nothing_else_is() {
        let recorded = ArtifactId::of(b"old");
        let memory = Memory::new([(recorded, Payload::from_bytes(b"old"))]);
        let blob = memory.put(b"abc".to_vec()).unwrap();
        assert_eq!((&*blob, blob.at().crc), (&b"abc"[..], 0x3524_41c2));
        let (digest, _) = memory.put_content(b"new".to_vec()).unwrap();
        assert_eq!(&*memory.content(&ArtifactId(digest)).unwrap(), b"new");
        assert_eq!(&*memory.content(&recorded).unwrap(), b"old");
        let missing = memory.content(&ArtifactId::of(b"abc")).unwrap_err();
        assert!(matches!(missing, StorageError::MissingContent { .. }), "{missing}");
    }
}
