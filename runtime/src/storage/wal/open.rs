//! Opens a log, as a change of type: [`Found`] → [`Checked`] → [`Recovered`] → a writer.
//!
//! Nothing but leftovers (`*.new`) is touched before every byte was judged and
//! every record taken, except in a directory that is made.
//! What must always hold: MANIFEST says durably that a salt is used before a
//! frame bears it; what is built upon was written and synced by this process.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::frame::BLOCK;
use super::judge::{self, Place};
use super::load::{Expected, Loaded};
use super::replay::{self, Refusal, Replay, ReplayError};
use super::segment::{self, Name, SegmentHeader};
use super::shared::{Kept, SPARES};
use super::writer::Tail;
use super::{Cut, OpenReport};
use crate::id::Lsn;
use crate::platform::{Exec, Work};
use crate::storage::StorageError;
use crate::storage::crypt::CryptError;
use crate::storage::dir::DataDir;
use crate::storage::disk::{Disk, DiskFile};
use crate::storage::manifest::{self, Manifest};

/// The files are known by their names.
#[derive(Debug)]
pub(super) struct Found {
    data: DataDir,
    /// The last LSN that the checkpoint has.
    applied: Lsn,
    leftovers: Leftovers,
    segments: Vec<Lsn>,
}

/// The segments say of themselves what they should.
#[derive(Debug)]
pub(super) struct Checked {
    data: DataDir,
    applied: Lsn,
    leftovers: Leftovers,
    segments: Vec<(PathBuf, SegmentHeader)>,
}

/// Every record was replayed; the files are as they were.
#[derive(Debug)]
pub(super) struct Recovered {
    data: DataDir,
    report: OpenReport,
    leftovers: Leftovers,
    segments: Vec<Kept>,
    /// A salt that no frame bears and no segment has.
    salt: u64,
    /// The first LSN of the last segment.
    first_lsn: Lsn,
    /// Its frames under that salt.
    frames: Vec<u8>,
}

/// Ready for the writer.
#[derive(Debug)]
pub(super) struct Renewed {
    pub(super) data: DataDir,
    pub(super) report: OpenReport,
    pub(super) segments: Vec<Kept>,
    pub(super) tail: Tail,
    /// Files for segments to come, of the usual size.
    pub(super) free: Vec<DiskFile>,
    /// Above the numbers of those.
    pub(super) next_free: u64,
}

/// Files that hold nothing that counts.
#[derive(Debug, Default)]
struct Leftovers {
    /// Segments that the checkpoint has all of: a retirement was interrupted.
    retired: Vec<PathBuf>,
    /// Files for segments to come.
    free: Vec<PathBuf>,
    next_free: u64,
}

impl Found {
    /// Lists the segments, and tells those that count from those that the checkpoint has all of.
    pub(super) fn find(data: DataDir, applied: Lsn) -> Result<Found, StorageError> {
        let wal = data.dir.join(segment::DIR);
        let (mut names, mut new, mut leftovers) = (Vec::new(), Vec::new(), Leftovers::default());
        let entries = data.disk.list(&wal)?;
        let is_there = entries.is_some();
        for path in entries.unwrap_or_default() {
            match path.file_name().and_then(|name| segment::parse_name(name.to_str()?)) {
                Some(Name::Segment(first)) => names.push(first),
                Some(Name::New) => new.push(path),
                Some(Name::Free(n)) => {
                    leftovers.next_free = n.saturating_add(1);
                    leftovers.free.push(path);
                }
                None => return Err(StorageError::UnexpectedFile { file: path }),
            }
        }
        names.sort();
        new.iter().try_for_each(|path| data.disk.remove(path))?;
        let base = judge::names(&data.dir, &data.manifest, &names, applied)?;
        if !is_there {
            // A copy of a directory without segments may have left it out.
            data.disk.create_dir_all(&wal)?;
            data.disk.sync_dir(&data.dir)?;
        }
        leftovers.retired = names.drain(..base).map(|first| segment::path(&data.dir, first)).collect();
        Ok(Found { data, applied, leftovers, segments: names })
    }

    /// Reads the header of every segment.
    pub(super) fn check(self) -> Result<Checked, StorageError> {
        let Found { data, applied, leftovers, segments: names } = self;
        let mut segments: Vec<(PathBuf, SegmentHeader)> = Vec::new();
        for (i, &first) in names.iter().enumerate() {
            let path = segment::path(&data.dir, first);
            let file = data.disk.open(&path)?;
            let mut block = [0; BLOCK];
            let read = file.read_at(&mut block, 0)?;
            let header = SegmentHeader::decode(&block[..read], &path, first, file.len()?, data.manifest.uuid)?;
            let before = segments.last().map(|(_, before)| before.salt);
            judge::salt(&path, &data.manifest, &header, before, i + 1 == names.len())?;
            segments.push((path, header));
        }
        Ok(Checked { data, applied, leftovers, segments })
    }
}

impl Checked {
    /// Reads every segment, and replays the records that the checkpoint does not have. While those of one are replayed,
    /// the next is read.
    pub(super) fn replay(self, replay: &mut dyn Replay, exec: &dyn Exec) -> Result<Recovered, StorageError> {
        let Checked { data, applied, leftovers, segments } = self;
        let closed = data.manifest.closed;
        let mut report = OpenReport {
            uuid: data.uuid(),
            created: data.created(),
            last_lsn: applied,
            records: 0,
            cut: None,
            clean: data.created() || closed.is_some(),
        };
        let salt = segments.iter().map(|(_, header)| header.salt + 1).fold(data.manifest.next_salt, u64::max);
        let (mut first_lsn, mut frames) = (Lsn(applied.0.saturating_add(1)), Vec::new());
        let mut kept = Vec::new();
        let load = |nth: usize, old: Loaded| {
            let (path, header) = segments.get(nth)?;
            let place = match segments.get(nth + 1) {
                Some((_, after)) => Place::Before(after.first_lsn),
                None => Place::Last { closed, used: header.salt < data.manifest.next_salt, applied },
            };
            let expected = Expected { dir: &data.dir, path, header, place, applied, salt };
            Some(Loaded::load(&data.disk, &expected, old))
        };
        let (mut next, mut old) = (load(0, Loaded::default()), Loaded::default());
        for (i, (path, header)) in segments.iter().enumerate() {
            let Some(mut segment) = next.transpose()? else { break };
            next = None;
            let lanes = replay.lanes();
            let mut refusals: Vec<Option<Refusal>> = vec![None; lanes.len()];
            let (of, loaded) = (lanes.len(), &segment);
            let shares = lanes.into_iter().zip(&mut refusals).enumerate().map(|(index, (lane, refusal))| -> Work<'_> {
                Box::new(move || *refusal = replay::share(lane, index, of, loaded).err())
            });
            let (after, reused) = (&mut next, std::mem::take(&mut old));
            let read: Work<'_> = Box::new(move || *after = load(i + 1, reused));
            exec.at_once(std::iter::once(read).chain(shares).collect());
            // One refusal is told, and always the same.
            let refused = refusals.into_iter().flatten().min_by_key(|refusal| refusal.lsn);
            refused.map_or_else(|| replay.taken(), Err).map_err(|refusal| {
                let offset = segment.offset(refusal.lsn);
                self::refused(path, offset, refusal)
            })?;
            report.records += segment.len();
            kept.push(Kept { segment: Arc::new(header.live(path.clone())), end: segment.end });
            report.last_lsn = Lsn(segment.next.0 - 1);
            report.cut = segment.torn.map(|torn| Cut {
                file: path.clone(),
                offset: torn.offset as u64,
                first_lsn: segment.next,
                bytes: torn.bytes as u64,
            });
            first_lsn = header.first_lsn;
            frames = std::mem::take(&mut segment.frames);
            old = segment;
        }
        // No log gets as far as the latter: it would be the checkpoint that counts wrong.
        if report.last_lsn < applied || applied.0 >= 1 << 63 {
            return Err(StorageError::LogBehind { last: report.last_lsn, applied });
        }
        Ok(Recovered { data, report, leftovers, segments: kept, salt, first_lsn, frames })
    }
}

impl Recovered {
    /// Writes the end of the log anew, under a salt that was never used.
    ///
    /// Nothing that was half synced and that only the page cache still shows is
    /// built upon, and what was cut is gone for good.
    pub(super) fn renew(self, segment_bytes: u64) -> Result<Renewed, StorageError> {
        let Recovered { mut data, report, leftovers, mut segments, salt, first_lsn, frames } = self;
        let (disk, dir) = (&data.disk, &data.dir);
        // In whatever order: should some be back after a crash, the next open finds them so again.
        leftovers.retired.iter().try_for_each(|path| disk.remove(path))?;
        let mut free = usable(disk, leftovers.free, segment_bytes)?;
        let end = (segment::FRAMES_AT + frames.len()) as u64;
        let size = segment_bytes.max(end);
        let file = if size == segment_bytes { free.pop() } else { None };
        let header = SegmentHeader { salt, first_lsn, size, uuid: data.manifest.uuid };
        let mut renewed =
            Manifest { next_salt: salt + 1, newest_segment: first_lsn, closed: None, ..data.manifest.clone() };
        if let Some(encryption) = data.cipher.settle(report.last_lsn).map_err(|source| {
            let place = format!("the list of keys in `{}`", dir.join(manifest::NAME).display());
            StorageError::Encrypted { place, source }
        })? {
            renewed.encryption = Some(encryption);
        }
        let file = if segments.is_empty() {
            // A process that was killed may have named MANIFEST and not synced that: a power cut must not take it
            // from beside a segment.
            if !report.created {
                disk.sync_dir(dir)?;
            }
            // MANIFEST may not name a segment that is not there yet.
            let file = segment::create(disk, dir, &header, &frames, file)?;
            renewed.store(disk, dir)?;
            file
        } else {
            // A process that was killed may have named a segment and not synced that: MANIFEST may not name one that
            // a power cut can take.
            if data.manifest.newest_segment < first_lsn {
                disk.sync_dir(&dir.join(segment::DIR))?;
            }
            renewed.store(disk, dir)?;
            segment::create(disk, dir, &header, &frames, file)?
        };
        data.manifest = renewed;
        segments.retain(|old| old.segment.first_lsn < first_lsn);
        segments.push(Kept { segment: Arc::new(header.live(file.path().to_owned())), end });
        let tail = Tail { file, header, offset: end };
        Ok(Renewed { data, report, segments, tail, free, next_free: leftovers.next_free })
    }
}

/// A record that was refused; by its own name if it could not be decrypted.
fn refused(path: &Path, offset: u64, refusal: Refusal) -> StorageError {
    let Refusal { lsn, reason: ReplayError(reason) } = refusal;
    match reason.downcast_ref::<CryptError>() {
        Some(source) => {
            let place = format!("LSN {lsn} in `{}` at offset {offset}", path.display());
            StorageError::Encrypted { place, source: source.clone() }
        }
        None => StorageError::Refused { file: path.to_owned(), offset, lsn, reason },
    }
}

/// The files that can become segments of this size; others, and those that are too many, are removed.
fn usable(disk: &Disk, free: Vec<PathBuf>, segment_bytes: u64) -> Result<Vec<DiskFile>, StorageError> {
    let mut usable = Vec::new();
    for path in free {
        match disk.edit_if_there(&path)? {
            Some(file) if usable.len() <= SPARES && file.len()? == segment_bytes => usable.push(file),
            _ => disk.remove(&path)?,
        }
    }
    Ok(usable)
}

/// Reads all of a file that had `size` bytes a moment ago.
pub(super) fn read_whole(disk: &Disk, path: &Path, size: u64, bytes: &mut Vec<u8>) -> Result<(), StorageError> {
    bytes.resize(usize::try_from(size).unwrap_or(usize::MAX), 0);
    let read = disk.open(path)?.read_at(bytes, 0)?;
    if read < bytes.len() {
        let (expected, found) = (format!("{size} bytes"), read.to_string());
        return Err(StorageError::Damaged { file: path.to_owned(), offset: read as u64, expected, found });
    }
    Ok(())
}
