//! A data directory that is ours alone: its lock, its MANIFEST, its backups.
//!
//! What must always hold: nothing is read before the lock is held; MANIFEST is
//! the first file that a new directory gets, and the last one that a backup
//! gets, so that half a backup is never taken for a whole one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use uuid::Uuid;

use super::crypt::{Cipher, CryptError, Provider, Unlocked};
use super::disk::{Disk, Failure};
use super::error::StorageError;
use super::manifest::{self, Manifest};
use crate::id::Lsn;
use crate::platform::{Entropy, LockGuard, Platform};

const LOCK: &str = "LOCK";
/// The log's directory.
pub(super) const WAL: &str = "wal";
/// The blobs' directory.
pub(super) const ARENA: &str = "arena";
/// The checkpoint store's file.
pub(crate) const CHECKPOINT: &str = "checkpoint.redb";

/// An open data directory. Its lock is held until this is dropped, or the log that it was given to lets go.
#[derive(Debug)]
pub(crate) struct DataDir {
    pub(super) disk: Disk,
    pub(super) dir: PathBuf,
    /// Shared with everything that writes below the directory.
    pub(super) lock: Arc<LockGuard>,
    pub(super) manifest: Manifest,
    pub(super) created: bool,
    /// What encrypts; nothing, unless somebody has [given keys](DataDir::encrypt).
    pub(super) cipher: Cipher,
}

/// The directory is encrypted, and no keys were given.
pub(super) fn no_keys(dir: &Path) -> StorageError {
    let place = format!("the data directory `{}`", dir.display());
    StorageError::Encrypted { place, source: CryptError::NoKeys }
}

impl DataDir {
    /// Locks the directory, which is made if it is absent or empty, and reads its MANIFEST. Blocks.
    ///
    /// # Errors
    /// When it is in use, of another program, of a newer format or damaged, and IO.
    pub(crate) fn open(platform: &Platform, dir: &Path) -> Result<DataDir, StorageError> {
        DataDir::find(platform, dir).map_err(|error| error.of_opening(dir))
    }

    fn find(platform: &Platform, dir: &Path) -> Result<DataDir, StorageError> {
        let disk = Disk::new(platform.fs.clone());
        let lock = lock(&disk, dir)?;
        let entries = disk.list(dir)?.unwrap_or_default();
        let (manifest, created) = if entries.iter().any(|path| is_named(path, manifest::NAME)) {
            (Manifest::load(&disk, &dir.join(manifest::NAME))?, false)
        } else {
            if let Some(file) = data_of(&disk, dir)? {
                return Err(StorageError::MissingManifest { dir: dir.to_owned(), file });
            }
            if let Some(entry) = entries.iter().find(|path| !is_ours(path)) {
                return Err(StorageError::ForeignDirectory { dir: dir.to_owned(), entry: entry.clone() });
            }
            (make(&disk, dir, &*platform.entropy)?, true)
        };
        Ok(DataDir { disk, dir: dir.to_owned(), lock: Arc::new(lock), manifest, created, cipher: Cipher::default() })
    }

    /// The directory's lock, for whoever writes there: it is held until the last of them has ended.
    pub(crate) fn lock(&self) -> Arc<LockGuard> {
        self.lock.clone()
    }

    /// The identity of the directory.
    pub(crate) fn uuid(&self) -> Uuid {
        self.manifest.uuid
    }

    /// Whether it was made just now.
    pub(crate) fn created(&self) -> bool {
        self.created
    }

    /// Whether it is a backup that was not restored yet. The original may still be running.
    pub(crate) fn is_backup(&self) -> bool {
        self.manifest.backup
    }

    pub(crate) fn path(&self) -> &Path {
        &self.dir
    }

    /// The keys with which the directory is encrypted, or is to be from now on. Nothing is changed.
    ///
    /// # Errors
    /// [`StorageError::Encrypted`] when it is and nobody gives keys, or not these.
    pub(crate) fn unlock(&self, entropy: &Arc<dyn Entropy>, keys: Option<&Provider>) -> Result<Unlocked, StorageError> {
        let manifest = format!("`{}`", self.dir.join(manifest::NAME).display());
        match (keys, &self.manifest.encryption) {
            (Some(keys), listed) => keys.unlock(entropy, self.uuid().into_bytes(), listed.as_ref(), manifest),
            (None, None) => Ok(Unlocked::default()),
            (None, Some(_)) => Err(no_keys(&self.dir)),
        }
    }

    /// What is written from now on is encrypted. MANIFEST says so when the log is opened, before anything is.
    pub(crate) fn encrypt(&mut self, cipher: Cipher) {
        self.cipher = cipher;
    }

    /// What encrypts.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn cipher(&self) -> Cipher {
        self.cipher.clone()
    }

    /// Whether a log without segments, which a backup's is, goes on where the checkpoint ends.
    ///
    /// # Errors
    /// [`StorageError::CheckpointBehind`]: what the log said is in no checkpoint.
    pub(crate) fn fits(&self, applied: Lsn) -> Result<(), StorageError> {
        match (self.manifest.newest_segment, self.manifest.closed) {
            (Lsn(0), Some(last)) if applied < last => {
                let oldest = Lsn(last.0 + 1);
                Err(StorageError::CheckpointBehind { applied, oldest, file: self.dir.join(manifest::NAME) })
            }
            _ => Ok(()),
        }
    }

    /// Makes a backup the directory that goes on; durable when it returns.
    ///
    /// # Errors
    /// IO. It is a backup still, then, or none any more.
    pub(crate) fn restore(&mut self) -> Result<(), StorageError> {
        let manifest = Manifest { backup: false, ..self.manifest.clone() };
        manifest.store(&self.disk, &self.dir)?;
        self.manifest = manifest;
        Ok(())
    }

    /// Begins a backup in a directory that is absent or empty: to be filled, then [finished](NewBackup::finish).
    ///
    /// # Errors
    /// [`StorageError::DirectoryNotEmpty`], [`StorageError::DirectoryInUse`], and IO.
    pub(crate) fn make_backup(platform: &Platform, dir: &Path) -> Result<NewBackup, StorageError> {
        let disk = Disk::new(platform.fs.clone());
        let may_be_there = |path: &PathBuf| is_named(path, LOST) || is_named(path, LOCK);
        let is_empty = || match disk.list(dir)?.unwrap_or_default().into_iter().find(|path| !may_be_there(path)) {
            Some(entry) => Err(StorageError::DirectoryNotEmpty { dir: dir.to_owned(), entry }),
            None => Ok(()),
        };
        // Before the lock, which leaves a file there; and under it, as another backup may have been finished meanwhile.
        is_empty()?;
        let lock = lock(&disk, dir)?;
        is_empty()?;
        sync_parents(&disk, dir)?;
        Ok(NewBackup { disk, dir: dir.to_owned(), _lock: lock })
    }
}

/// A directory that is being made a backup. Until it is finished it is none, and no engine opens it.
#[derive(Debug)]
pub(crate) struct NewBackup {
    disk: Disk,
    dir: PathBuf,
    _lock: LockGuard,
}

impl NewBackup {
    /// Where the arena and the checkpoint are to be copied to.
    pub(crate) fn path(&self) -> &Path {
        &self.dir
    }

    /// Makes what was copied, and synced, a backup of the directory `uuid`; durable when it returns.
    ///
    /// Its log has no segments and says that it was closed at `applied`, which its checkpoint must have. `next_salt`
    /// is that of the original's log, `cipher` what the original is encrypted with.
    ///
    /// # Errors
    /// IO.
    pub(crate) fn finish(self, uuid: Uuid, next_salt: u64, applied: Lsn, cipher: &Cipher) -> Result<(), StorageError> {
        self.disk.create_dir_all(&self.dir.join(WAL))?;
        self.disk.sync_dir(&self.dir)?;
        let (closed, encryption) = (Some(applied), cipher.listed());
        let manifest = Manifest { backup: true, next_salt, closed, encryption, ..Manifest::new(uuid) };
        manifest.store(&self.disk, &self.dir)?;
        Ok(())
    }
}

const LOST: &str = "lost+found";

/// Takes the lock of a directory, which is made if it is not there.
fn lock(disk: &Disk, dir: &Path) -> Result<LockGuard, StorageError> {
    disk.create_dir_all(dir)?;
    lock_there(disk, dir)
}

/// Takes the lock of a directory that is there.
pub(super) fn lock_there(disk: &Disk, dir: &Path) -> Result<LockGuard, StorageError> {
    disk.lock(&dir.join(LOCK))?.ok_or_else(|| StorageError::DirectoryInUse { dir: dir.to_owned() })
}

/// Makes the names of a directory and of all above it durable.
///
/// All of them: a process that crashed before it came here may have made any.
/// One that cannot be opened for reading is none that we have made.
fn sync_parents(disk: &Disk, dir: &Path) -> Result<(), Failure> {
    let mut at = dir;
    while let Some(parent) = at.parent() {
        at = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        match disk.sync_dir(at) {
            Err(failure) if failure.source.kind() == std::io::ErrorKind::PermissionDenied => {}
            synced => synced?,
        }
        if at == Path::new(".") {
            break;
        }
    }
    Ok(())
}

/// Makes an empty data directory; durable, with its name, when it returns.
fn make(disk: &Disk, dir: &Path, entropy: &dyn Entropy) -> Result<Manifest, StorageError> {
    sync_parents(disk, dir)?;
    disk.create_dir_all(&dir.join(WAL))?;
    disk.sync_dir(dir)?;
    let mut random = [0; 16];
    entropy.fill(&mut random).map_err(|e| Failure::new("draw a random identity for", dir, e))?;
    let manifest = Manifest::new(uuid::Builder::from_random_bytes(random).into_uuid());
    manifest.store(disk, dir)?;
    Ok(manifest)
}

/// A file with data, in a directory without MANIFEST.
pub(super) fn data_of(disk: &Disk, dir: &Path) -> Result<Option<PathBuf>, StorageError> {
    let wal = disk.list(&dir.join(WAL))?.unwrap_or_default();
    let arena = disk.list(&dir.join(ARENA))?.unwrap_or_default();
    let checkpoint = disk.list(dir)?.unwrap_or_default();
    let segment = wal.into_iter().find(|path| path.extension().is_some_and(|e| e == "wal"));
    let other = || checkpoint.into_iter().find(|path| is_named(path, CHECKPOINT));
    Ok(segment.or_else(|| arena.into_iter().next()).or_else(other))
}

pub(super) fn is_named(path: &Path, name: &str) -> bool {
    path.file_name().is_some_and(|n| n == name)
}

/// Whether an entry of a directory without MANIFEST may be there.
pub(super) fn is_ours(path: &Path) -> bool {
    [LOCK, manifest::NEW_NAME, WAL, ARENA, CHECKPOINT, LOST].iter().any(|ours| is_named(path, ours))
}
