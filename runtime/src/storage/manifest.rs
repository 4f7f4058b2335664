//! MANIFEST: what a data directory is, and where its log ends.
//!
//! That of an encrypted directory has another format version and says behind all else with which keys.
//!
//! Replaced as a whole (`MANIFEST.new`, synced, renamed, directory synced), so
//! that it is always either the old one or the new one.

use std::path::Path;

use uuid::Uuid;

use super::bytes::{array, put, u32_at, u64_at};
use super::crypt::Encryption;
use super::disk::{Disk, Failure};
use super::error::StorageError;
use super::stamp::{self, ENCRYPTED_VERSION, FORMAT_VERSION, STAMP};
use crate::id::Lsn;

pub(super) const NAME: &str = "MANIFEST";
pub(super) const NEW_NAME: &str = "MANIFEST.new";

const MAGIC: [u8; 8] = *b"FACTUMDB";
const UUID_AT: usize = STAMP;
const NEXT_SALT_AT: usize = UUID_AT + 16;
const NEWEST_AT: usize = NEXT_SALT_AT + 8;
const CLOSED_AT: usize = NEWEST_AT + 8;
const FLAGS_AT: usize = CLOSED_AT + 4;
const CLOSED_LSN_AT: usize = FLAGS_AT + 4;
/// The size of the file, of a directory that is not encrypted; what is said of keys follows.
const SIZE: usize = CLOSED_LSN_AT + 8;

/// The flag of a backup that was not restored.
const BACKUP: u32 = 1;
/// Salts count up from 1, one for each segment: none comes near this.
const MOST_SALTS: u64 = 1 << 63;

/// The most bytes that are read of a manifest of any version.
const MOST: u64 = 64 * 1024;

/// The contents of MANIFEST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Manifest {
    /// The identity of the data directory.
    pub(super) uuid: Uuid,
    /// No segment with frames has this salt or a higher one.
    pub(super) next_salt: u64,
    /// The first LSN of the newest segment that may hold frames; 0 when there is none yet.
    pub(super) newest_segment: Lsn,
    /// The last LSN, if the log was closed cleanly and not opened since.
    pub(super) closed: Option<Lsn>,
    /// Whether this is a copy of a directory that may still be in use.
    pub(super) backup: bool,
    /// Since when, and with which keys, the directory is encrypted, if it is.
    pub(super) encryption: Option<Encryption>,
}

impl Manifest {
    /// That of a directory without segments.
    pub(super) fn new(uuid: Uuid) -> Manifest {
        Manifest { uuid, next_salt: 1, newest_segment: Lsn(0), closed: None, backup: false, encryption: None }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![0; SIZE];
        put(&mut bytes, UUID_AT, self.uuid.as_bytes());
        put(&mut bytes, NEXT_SALT_AT, &self.next_salt.to_le_bytes());
        put(&mut bytes, NEWEST_AT, &self.newest_segment.0.to_le_bytes());
        if let Some(last) = self.closed {
            put(&mut bytes, CLOSED_AT, &1u32.to_le_bytes());
            put(&mut bytes, CLOSED_LSN_AT, &last.0.to_le_bytes());
        }
        put(&mut bytes, FLAGS_AT, &(if self.backup { BACKUP } else { 0 }).to_le_bytes());
        bytes.extend(self.encryption.iter().flat_map(Encryption::encode));
        let version = if self.encryption.is_some() { ENCRYPTED_VERSION } else { FORMAT_VERSION };
        stamp::seal_as(&mut bytes, MAGIC, version);
        bytes
    }

    /// The manifest that `bytes`, read from `file`, are.
    pub(super) fn decode(bytes: &[u8], file: &Path) -> Result<Manifest, StorageError> {
        let version = stamp::check_up_to(bytes, MAGIC, ENCRYPTED_VERSION).map_err(|fault| match fault {
            // Zeros are what a disk makes of a file that is lost, and of no program.
            stamp::Fault::Magic { found, .. } if found != [0; 8] => {
                StorageError::ForeignFile { file: file.to_owned(), found }
            }
            fault => fault.of(file),
        })?;
        let damaged = |offset: usize, expected: &str, found: String| StorageError::Damaged {
            file: file.to_owned(),
            offset: offset as u64,
            expected: expected.to_owned(),
            found,
        };
        let encryption = match bytes.split_at_checked(SIZE) {
            Some((_, [])) if version == FORMAT_VERSION => None,
            Some((_, keys)) if version == ENCRYPTED_VERSION => {
                let none = || damaged(SIZE, "a list of keys", format!("{} bytes that are none", keys.len()));
                Some(Encryption::decode(keys).ok_or_else(none)?)
            }
            _ => return Err(damaged(0, "64 bytes", bytes.len().to_string())),
        };
        let last = u64_at(bytes, CLOSED_LSN_AT);
        let closed = match u32_at(bytes, CLOSED_AT) {
            0 if last == 0 => None,
            0 => return Err(damaged(CLOSED_LSN_AT, "no last LSN in a log that is not closed", last.to_string())),
            1 => Some(Lsn(last)),
            other => return Err(damaged(CLOSED_AT, "0 or 1", other.to_string())),
        };
        let backup = match u32_at(bytes, FLAGS_AT) {
            0 => false,
            BACKUP => true,
            other => return Err(damaged(FLAGS_AT, "no flag but that of a backup", other.to_string())),
        };
        let next_salt = u64_at(bytes, NEXT_SALT_AT);
        if next_salt >= MOST_SALTS {
            return Err(damaged(NEXT_SALT_AT, "a salt below 2^63", next_salt.to_string()));
        }
        Ok(Manifest {
            uuid: Uuid::from_bytes(array(bytes, UUID_AT)),
            next_salt,
            newest_segment: Lsn(u64_at(bytes, NEWEST_AT)),
            closed,
            backup,
            encryption,
        })
    }

    /// Reads the manifest at `file`.
    pub(super) fn load(disk: &Disk, file: &Path) -> Result<Manifest, StorageError> {
        let open = disk.open(file)?;
        let len = open.len()?;
        if len > MOST {
            let (expected, found) = (format!("at most {MOST} bytes"), len.to_string());
            return Err(StorageError::Damaged { file: file.to_owned(), offset: 0, expected, found });
        }
        let mut bytes = vec![0; len as usize];
        let read = open.read_at(&mut bytes, 0)?;
        Manifest::decode(&bytes[..read], file)
    }

    /// Replaces the manifest of `dir`; durable when it returns.
    ///
    /// `MANIFEST.new` is there already, as room for it, unless a crash took it: so that a full disk has room for the
    /// next one too.
    pub(super) fn store(&self, disk: &Disk, dir: &Path) -> Result<(), Failure> {
        let new = dir.join(NEW_NAME);
        let mut file = match disk.edit_if_there(&new)? {
            Some(file) => file,
            None => disk.create(&new)?,
        };
        let bytes = self.encode();
        file.write_all_at(&bytes, 0)?;
        if file.len()? != bytes.len() as u64 {
            file.set_len(bytes.len() as u64)?;
        }
        file.sync_data()?;
        disk.rename(&mut file, dir.join(NAME))?;
        disk.sync_dir(dir)?;
        make_room(disk, &new, bytes.len());
        Ok(())
    }
}

/// Takes the room of a manifest. A disk that has none now is told of when there is a manifest to write.
fn make_room(disk: &Disk, new: &Path, bytes: usize) {
    let _: Result<(), Failure> = disk.create(new).and_then(|file| file.write_all_at(&vec![0; bytes], 0));
}
