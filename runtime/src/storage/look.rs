//! A data directory that is looked at: nobody else has it meanwhile, and it stays as it is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use uuid::Uuid;

use super::crypt::{Encryption, Provider, Unlocked};
use super::dir::{self, ARENA, CHECKPOINT, WAL};
use super::disk::Disk;
use super::manifest::{self, Manifest};
use super::{StorageError, wal};
use crate::platform::{Entropy, Fs, LockGuard};

/// A data directory under its lock.
#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) fs: Arc<dyn Fs>,
    pub(crate) dir: PathBuf,
    /// What MANIFEST says, or the log if that is damaged; none if nothing says it.
    pub(crate) uuid: Option<Uuid>,
    /// Whether it is encrypted, as MANIFEST says; not if that is damaged.
    pub(crate) encryption: Option<Encryption>,
    _lock: LockGuard,
}

impl Look {
    /// Locks a directory that is there. Its file `LOCK` is made if it has none; nothing else is changed. Blocks.
    ///
    /// # Errors
    /// [`StorageError::DirectoryInUse`]; [`StorageError::ForeignDirectory`] and [`StorageError::NoDataDirectory`] for
    /// one that has neither MANIFEST nor data; and IO.
    pub(crate) fn at(fs: Arc<dyn Fs>, dir: &Path) -> Result<Look, StorageError> {
        let disk = Disk::new(fs.clone());
        let none = || StorageError::NoDataDirectory { dir: dir.to_owned() };
        let entries = disk.list(dir)?.ok_or_else(none)?;
        if !entries.iter().any(|path| dir::is_named(path, manifest::NAME)) && dir::data_of(&disk, dir)?.is_none() {
            let foreign = entries.into_iter().find(|path| !dir::is_ours(path));
            return Err(
                foreign.map_or_else(none, |entry| StorageError::ForeignDirectory { dir: dir.to_owned(), entry })
            );
        }
        let lock = dir::lock_there(&disk, dir)?;
        let manifest = Manifest::load(&disk, &dir.join(manifest::NAME)).ok();
        let uuid = manifest.as_ref().map(|manifest| manifest.uuid).or_else(|| wal::identity(&fs, dir));
        let encryption = manifest.and_then(|manifest| manifest.encryption);
        Ok(Look { fs, dir: dir.to_owned(), uuid, encryption, _lock: lock })
    }

    /// The keys with which the directory is encrypted; none if nobody gives them.
    ///
    /// # Errors
    /// [`StorageError::Encrypted`] when somebody does, and not these.
    pub(crate) fn unlock(&self, entropy: &Arc<dyn Entropy>, keys: Option<&Provider>) -> Result<Unlocked, StorageError> {
        let manifest = format!("`{}`", self.dir.join(manifest::NAME).display());
        match (keys, self.uuid) {
            (Some(keys), Some(uuid)) => keys.unlock(entropy, uuid.into_bytes(), self.encryption.as_ref(), manifest),
            _ => Ok(Unlocked::default()),
        }
    }

    /// As [`unlock`](Self::unlock), and without keys an encrypted directory is refused.
    ///
    /// # Errors
    /// As an engine that opens it.
    pub(crate) fn unlock_all(
        &self,
        entropy: &Arc<dyn Entropy>,
        keys: Option<&Provider>,
    ) -> Result<Unlocked, StorageError> {
        match (keys, &self.encryption) {
            (None, Some(_)) => Err(dir::no_keys(&self.dir)),
            _ => self.unlock(entropy, keys),
        }
    }

    /// The file of the default checkpoint store, if there is one.
    ///
    /// # Errors
    /// IO.
    pub(crate) fn checkpoint(&self) -> Result<Option<PathBuf>, StorageError> {
        let disk = Disk::new(self.fs.clone());
        let entries = disk.list(&self.dir)?.unwrap_or_default();
        Ok(entries.into_iter().find(|path| dir::is_named(path, CHECKPOINT)))
    }

    /// How many bytes there are in all files.
    ///
    /// # Errors
    /// IO.
    pub(crate) fn bytes(&self) -> Result<u64, StorageError> {
        let disk = Disk::new(self.fs.clone());
        let mut bytes = 0;
        for entries in [disk.list(&self.dir)?, disk.list(&self.dir.join(WAL))?, disk.list(&self.dir.join(ARENA))?] {
            for path in entries.unwrap_or_default() {
                if [WAL, ARENA].iter().any(|directory| dir::is_named(&path, directory)) {
                    continue;
                }
                // What cannot be opened is told by whoever reads it.
                bytes += disk.open(&path).and_then(|file| file.len()).unwrap_or(0);
            }
        }
        Ok(bytes)
    }
}
