//! Reads a whole arena and tells of everything that is wrong with it.
//!
//! What must always hold: not a byte is changed; a problem is not the end: what can be read behind it is read. What
//! lies behind the last blob of a segment nobody names, and means nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use uuid::Uuid;

use super::header::{self, HEADER};
use super::segment::{self, BLOCK, Name, SegmentHeader};
use crate::codec::{ArtifactId, BlobAt, Digest, DigestOf};
use crate::platform::Fs;
use crate::storage::crypt::{Cipher, CryptError, KEY_BYTES, KeyId, key_of};
use crate::storage::disk::{Disk, DiskFile};
use crate::storage::{Problem, StorageError};

/// How much is read at once.
const AT_ONCE: usize = 256 * 1024;

/// What an arena is like.
#[derive(Debug, Default)]
pub(crate) struct Verified {
    pub(crate) problems: Vec<Problem>,
    /// How many blobs are as they should be.
    pub(crate) blobs: u64,
}

/// Reads the arena of the data directory `dir`: every segment's header, and every blob of `known`, with the name of
/// its content if it has one. What is encrypted is decrypted, too, if there are keys. Nobody may have it open. Blocks.
pub(crate) fn verify(
    fs: &Arc<dyn Fs>,
    dir: &Path,
    uuid: Uuid,
    known: &BTreeMap<u64, (BlobAt, Option<ArtifactId>)>,
    cipher: &Cipher,
) -> Verified {
    let mut out = Verified::default();
    let disk = Disk::new(fs.clone());
    let mut tell = |error: StorageError| out.problems.push(problem(error, dir));
    let segments = segments(&disk, dir, uuid, &mut tell);
    let mut places: Vec<&(BlobAt, Option<ArtifactId>)> = known.values().collect();
    places.sort_by_key(|(at, _)| (at.segment, at.offset));
    let mut before: Option<BlobAt> = None;
    for (at, artifact) in places {
        let path = segment::path(dir, at.segment);
        if let Some(before) = before.filter(|before| before.segment == at.segment && header::end(before) > at.offset) {
            let expected = format!("an offset behind blob {}, which ends at {}", before.id, header::end(&before));
            let (file, found) = (path.clone(), format!("blob {}", at.id));
            tell(StorageError::Damaged { file, offset: at.offset, expected, found });
        }
        before = Some(*at);
        if !segments.contains(&at.segment) {
            tell(StorageError::MissingArenaSegment { file: path, id: at.id });
            continue;
        }
        match blob(&disk, &path, at, artifact.as_ref(), cipher) {
            Ok(()) => out.blobs += 1,
            Err(error) => tell(error),
        }
    }
    out
}

/// The numbers of the segments that are there, damaged or not.
fn segments(disk: &Disk, dir: &Path, uuid: Uuid, tell: &mut dyn FnMut(StorageError)) -> BTreeSet<u64> {
    let mut numbers = BTreeSet::new();
    let entries = disk.list(&dir.join(segment::DIR)).unwrap_or_else(|failure| {
        tell(failure.into());
        None
    });
    for path in entries.unwrap_or_default() {
        match path.file_name().and_then(|name| segment::parse_name(name.to_str()?)) {
            Some(Name::Segment(number)) => {
                numbers.insert(number);
                if let Err(error) = check(disk, &path, number, uuid) {
                    tell(error);
                }
            }
            Some(Name::New) => {}
            None => tell(StorageError::UnexpectedFile { file: path }),
        }
    }
    numbers
}

fn check(disk: &Disk, path: &Path, number: u64, uuid: Uuid) -> Result<(), StorageError> {
    let file = disk.open(path)?;
    let mut block = [0; BLOCK as usize];
    let read = file.read_at(&mut block, 0)?;
    SegmentHeader::decode(&block[..read], path, number, file.len()?, uuid).map(drop)
}

/// Checks a blob: its place, its header, its bytes, and its name.
fn blob(
    disk: &Disk,
    path: &Path,
    at: &BlobAt,
    artifact: Option<&ArtifactId>,
    cipher: &Cipher,
) -> Result<(), StorageError> {
    let file = disk.open(path)?;
    header::check_place(at, path, file.len()?)?;
    let mut found = [0; HEADER as usize];
    let read = file.read_at(&mut found, at.offset)?;
    header::check(&found[..read], at, path)?;
    let (crc, digest) = match at.encrypted && cipher.is_on() {
        true => decrypted(&file, at, cipher)?,
        false => content(&file, at, artifact.is_some() && !at.encrypted)?,
    };
    header::check_crc(crc, at, path)?;
    match (artifact, digest) {
        (Some(artifact), Some(digest)) if artifact.0 != digest => {
            let (expected, found) = (format!("bytes whose SHA-256 is {artifact}"), digest.to_string());
            Err(StorageError::Damaged { file: path.to_owned(), offset: header::content(at), expected, found })
        }
        _ => Ok(()),
    }
}

/// The checksum of what stands there of an encrypted blob, and the digest of its bytes.
fn decrypted(file: &DiskFile, at: &BlobAt, cipher: &Cipher) -> Result<(u32, Option<Digest>), StorageError> {
    let mut bytes = vec![0; usize::try_from(at.len).unwrap_or(usize::MAX)];
    let read = file.read_at(&mut bytes, header::content(at))?;
    if read < bytes.len() {
        let (expected, found, offset) = (format!("{} bytes", at.len), read.to_string(), header::content(at));
        return Err(StorageError::Damaged { file: file.path().to_owned(), offset, expected, found });
    }
    let crc = crc32fast::hash(&bytes);
    header::check_crc(crc, at, file.path())?;
    let plain = cipher.decrypt(&header::of(at), &bytes);
    let plain = plain.map_err(|source| header::locked(at, file.path(), source))?;
    Ok((crc, Some(Digest::of_bytes(&[&plain]))))
}

/// The key that an encrypted blob names.
///
/// # Errors
/// Bytes that name none, and IO.
pub(crate) fn key_of_blob(fs: &Arc<dyn Fs>, dir: &Path, at: &BlobAt) -> Result<KeyId, StorageError> {
    let path = segment::path(dir, at.segment);
    let mut head = [0; KEY_BYTES];
    let read = Disk::new(fs.clone()).open(&path)?.read_at(&mut head, header::content(at))?;
    key_of(&head[..read]).map_err(|source: CryptError| header::locked(at, &path, source))
}

/// The checksum of a blob's bytes, and their digest if it is wanted.
fn content(file: &DiskFile, at: &BlobAt, wanted: bool) -> Result<(u32, Option<Digest>), StorageError> {
    let (mut crc, mut digest) = (crc32fast::Hasher::new(), wanted.then(DigestOf::default));
    let mut buf = vec![0; AT_ONCE];
    let mut done = 0;
    while done < at.len {
        let some = (at.len - done).min(AT_ONCE as u64) as usize;
        let offset = header::content(at) + done;
        let read = file.read_at(&mut buf[..some], offset)?;
        if read < some {
            let (expected, found) = (format!("{some} bytes"), read.to_string());
            return Err(StorageError::Damaged { file: file.path().to_owned(), offset, expected, found });
        }
        crc.update(&buf[..some]);
        if let Some(digest) = &mut digest {
            digest.update(&buf[..some]);
        }
        done += some as u64;
    }
    Ok((crc.finalize(), digest.map(DigestOf::done)))
}

fn problem(error: StorageError, dir: &Path) -> Problem {
    let arena = dir.join(segment::DIR);
    let (file, offset, expected, found) = match error {
        StorageError::Damaged { file, offset, expected, found } => (file, offset, expected, found),
        StorageError::MissingArenaSegment { file, id } => {
            (file, 0, format!("the segment in which blob {id} lies"), "nothing".to_owned())
        }
        StorageError::ForeignFile { file, found } => {
            (file, 0, "a file of factum".to_owned(), format!("`{}`", found.escape_ascii()))
        }
        StorageError::ForeignSegment { file, expected, found } => {
            (file, 0, format!("a segment of the data directory {expected}"), format!("one of {found}"))
        }
        StorageError::NewerFormat { file, found, supported } => {
            (file, 0, format!("a format version of at most {supported}"), found.to_string())
        }
        StorageError::Encrypted { place, source } => (arena, 0, format!("{place}, decrypted"), source.to_string()),
        StorageError::UnexpectedFile { file } => (file, 0, "only files of the arena".to_owned(), "another".to_owned()),
        StorageError::Io { operation, path, source } => {
            (path, 0, format!("to be able to {operation} it"), source.to_string())
        }
        other => (arena, 0, "a sound arena".to_owned(), other.to_string()),
    };
    Problem { file, offset, expected, found }
}
