//! Blobs of an arena that nobody has open, read without a view and without a change.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::header::{self, HEADER};
use super::segment;
use crate::codec::{Blob, BlobAt, BlobError, BlobSource};
use crate::platform::Fs;
use crate::storage::StorageError;
use crate::storage::crypt::Cipher;
use crate::storage::disk::Disk;

/// The arena of a data directory, to be looked at.
#[derive(Debug)]
pub(crate) struct ArenaLook {
    disk: Disk,
    dir: PathBuf,
    /// Where blobs lie now; a record may say where one lay before.
    known: HashMap<u64, BlobAt>,
    cipher: Cipher,
}

impl ArenaLook {
    /// The arena of the data directory `dir`, whose lock the caller holds. `known` is what the rows of the checkpoint say.
    pub(crate) fn new(fs: Arc<dyn Fs>, dir: &Path, known: Vec<BlobAt>, cipher: Cipher) -> ArenaLook {
        let known = known.into_iter().map(|at| (at.id, at)).collect();
        ArenaLook { disk: Disk::new(fs), dir: dir.to_owned(), known, cipher }
    }

    /// The blob's bytes, checked. Blocks.
    fn read(&self, at: &BlobAt) -> Result<Vec<u8>, StorageError> {
        let path = segment::path(&self.dir, at.segment);
        let file = self.disk.open(&path)?;
        header::check_place(at, &path, file.len()?)?;
        let mut bytes = vec![0; (HEADER + at.len) as usize];
        let read = file.read_at(&mut bytes, at.offset)?;
        header::check(&bytes[..read.min(HEADER as usize)], at, &path)?;
        let content = bytes.split_off(HEADER as usize);
        header::check_content(&content, at, &path)?;
        match at.encrypted {
            true => self.cipher.decrypt(&header::of(at), &content).map_err(|source| header::locked(at, &path, source)),
            false => Ok(content),
        }
    }
}

impl BlobSource for ArenaLook {
    fn open(&self, at: &BlobAt) -> Result<Blob, BlobError> {
        let named = at;
        let at = self.known.get(&at.id).unwrap_or(at);
        if at.content() != named.content() {
            // The id was used again, or somebody has changed the row.
            return Err(Arc::new(StorageError::MissingBlob { id: at.id }));
        }
        let bytes = self.read(at).map_err(|error| -> BlobError { Arc::new(error) })?;
        Ok(Blob::new(*at, crc32fast::hash(&bytes), Arc::new(bytes)))
    }
}
