//! Opens a log, as a change of type: [`Found`] → [`Checked`] → [`Recovered`] → a writer.
//!
//! Nothing but leftovers (`*.new`) is touched before every byte was judged and
//! every record taken, except in a directory that is made.
//! What must always hold: MANIFEST says durably that a salt is used before a
//! frame bears it; what is built upon was written and synced by this process.

use std::path::{Path, PathBuf};

use super::frame::BLOCK;
use super::judge::{self, Place};
use super::replay::Replay;
use super::segment::{self, Name, SegmentHeader};
use super::shared::LiveSegment;
use super::writer::Tail;
use super::{Cut, OpenReport, scan};
use crate::id::Lsn;
use crate::platform::{Entropy, LockGuard};
use crate::storage::StorageError;
use crate::storage::disk::{Disk, Failure};
use crate::storage::manifest::{self, Manifest};

const LOCK: &str = "LOCK";

/// A data directory that is ours alone.
#[derive(Debug)]
pub(super) struct Data {
    pub(super) disk: Disk,
    pub(super) dir: PathBuf,
    pub(super) lock: LockGuard,
    pub(super) manifest: Manifest,
}

/// The files are known by their names.
#[derive(Debug)]
pub(super) struct Found {
    data: Data,
    created: bool,
    segments: Vec<Lsn>,
}

/// The segments say of themselves what they should.
#[derive(Debug)]
pub(super) struct Checked {
    data: Data,
    created: bool,
    segments: Vec<(PathBuf, SegmentHeader)>,
}

/// Every record was replayed; the files are as they were.
#[derive(Debug)]
pub(super) struct Recovered {
    data: Data,
    report: OpenReport,
    segments: Vec<LiveSegment>,
    /// A salt that no frame bears and no segment has.
    salt: u64,
    /// The first LSN of the last segment, and its frames under that salt.
    last: Option<(Lsn, Vec<u8>)>,
}

/// Ready for the writer.
#[derive(Debug)]
pub(super) struct Renewed {
    pub(super) data: Data,
    pub(super) report: OpenReport,
    pub(super) segments: Vec<LiveSegment>,
    pub(super) tail: Tail,
}

impl Found {
    /// Locks the directory, which is made if it is not there, and lists its files.
    pub(super) fn find(disk: Disk, dir: &Path, entropy: &dyn Entropy) -> Result<Found, StorageError> {
        disk.create_dir_all(dir)?;
        let Some(lock) = disk.lock(&dir.join(LOCK))? else {
            return Err(StorageError::DirectoryInUse { dir: dir.to_owned() });
        };
        let entries = disk.list(dir)?.unwrap_or_default();
        let has = |name: &str| entries.iter().any(|path| path.file_name().is_some_and(|n| n == name));
        if has(manifest::NEW_NAME) {
            disk.remove(&dir.join(manifest::NEW_NAME))?;
        }
        let (manifest, created) = if has(manifest::NAME) {
            (Manifest::load(&disk, &dir.join(manifest::NAME))?, false)
        } else {
            let segments = disk.list(&dir.join(segment::DIR))?.unwrap_or_default();
            if let Some(segment) = segments.into_iter().find(|path| path.extension().is_some_and(|e| e == "wal")) {
                return Err(StorageError::MissingManifest { dir: dir.to_owned(), segment });
            }
            if let Some(entry) = entries.iter().find(|path| !is_ours(path)) {
                return Err(StorageError::ForeignDirectory { dir: dir.to_owned(), entry: entry.clone() });
            }
            (make(&disk, dir, entropy)?, true)
        };
        let mut segments = Vec::new();
        for path in disk.list(&dir.join(segment::DIR))?.unwrap_or_default() {
            match path.file_name().and_then(|name| segment::parse_name(name.to_str()?)) {
                Some(Name::Segment(first)) => segments.push(first),
                Some(Name::New) => disk.remove(&path)?,
                None => return Err(StorageError::UnexpectedFile { file: path }),
            }
        }
        segments.sort();
        let dir = dir.to_owned();
        Ok(Found { data: Data { disk, dir, lock, manifest }, created, segments })
    }

    /// Reads the header of every segment.
    pub(super) fn check(self) -> Result<Checked, StorageError> {
        let Found { data, created, segments: names } = self;
        judge::names(&data.dir, &data.manifest, &names)?;
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
        Ok(Checked { data, created, segments })
    }
}

impl Checked {
    /// Reads every segment, one at a time, and replays its records.
    pub(super) fn replay(self, replay: &mut dyn Replay) -> Result<Recovered, StorageError> {
        let Checked { data, created, segments } = self;
        let closed = data.manifest.closed;
        let mut report = OpenReport {
            uuid: data.manifest.uuid,
            created,
            last_lsn: Lsn(0),
            records: 0,
            cut: None,
            clean: created || closed.is_some(),
        };
        let salt = segments.iter().map(|(_, header)| header.salt + 1).fold(data.manifest.next_salt, u64::max);
        let mut last = None;
        let mut bytes = Vec::new();
        for (i, (path, header)) in segments.iter().enumerate() {
            read_whole(&data.disk, path, header.size, &mut bytes)?;
            let scanned =
                scan::segment(&bytes, header.salt, header.first_lsn).map_err(|fault| judge::fault(path, fault))?;
            let place = match segments.get(i + 1) {
                Some((_, after)) => Place::Before(after.first_lsn),
                None => Place::Last { closed, used: header.salt < data.manifest.next_salt },
            };
            let torn = judge::end(&data.dir, path, &scanned, place)?;
            for &(start, frame) in &scanned.frames {
                for (at, lsn, record) in frame.records() {
                    replay.record(lsn, &record).map_err(|refusal| StorageError::Refused {
                        file: path.clone(),
                        offset: (start + at) as u64,
                        lsn,
                        reason: refusal.0,
                    })?;
                    report.records += 1;
                }
            }
            report.last_lsn = Lsn(scanned.next.0 - 1);
            report.cut = torn.map(|torn| Cut {
                file: path.clone(),
                offset: torn.offset as u64,
                first_lsn: scanned.next,
                bytes: torn.bytes as u64,
            });
            if matches!(place, Place::Last { .. }) {
                let mut copy = Vec::with_capacity(scanned.end - segment::FRAMES_AT);
                scanned.frames.iter().for_each(|(_, frame)| frame.copy(salt, &mut copy));
                last = Some((header.first_lsn, copy));
            }
        }
        let segments = segments.into_iter().map(|(path, header)| header.live(path)).collect();
        Ok(Recovered { data, report, segments, salt, last })
    }
}

impl Recovered {
    /// Writes the end of the log anew, under a salt that was never used.
    ///
    /// Nothing that was half synced and that only the page cache still shows is
    /// built upon, and what was cut is gone for good.
    pub(super) fn renew(self, segment_bytes: u64) -> Result<Renewed, StorageError> {
        let Recovered { mut data, report, mut segments, salt, last } = self;
        let (disk, dir) = (&data.disk, &data.dir);
        let (first_lsn, frames) = last.unwrap_or((Lsn(1), Vec::new()));
        let size = segment_bytes.max((segment::FRAMES_AT + frames.len()) as u64);
        let header = SegmentHeader { salt, first_lsn, size, uuid: data.manifest.uuid };
        let renewed = Manifest { next_salt: salt + 1, newest_segment: first_lsn, closed: None, ..data.manifest };
        let file = if frames.is_empty() && segments.is_empty() {
            // MANIFEST may not name a segment that is not there yet.
            let file = segment::create(disk, dir, &header, &frames)?;
            renewed.store(disk, dir)?;
            file
        } else {
            renewed.store(disk, dir)?;
            segment::create(disk, dir, &header, &frames)?
        };
        data.manifest = renewed;
        segments.retain(|old| old.first_lsn < first_lsn);
        segments.push(header.live(file.path().to_owned()));
        let tail = Tail { file, header, offset: (segment::FRAMES_AT + frames.len()) as u64 };
        Ok(Renewed { data, report, segments, tail })
    }
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
    disk.create_dir_all(&dir.join(segment::DIR))?;
    disk.sync_dir(dir)?;
    let mut random = [0; 16];
    entropy.fill(&mut random).map_err(|e| Failure::new("draw a random identity for", dir, e))?;
    let uuid = uuid::Builder::from_random_bytes(random).into_uuid();
    let manifest = Manifest { uuid, next_salt: 1, newest_segment: Lsn(0), closed: None };
    manifest.store(disk, dir)?;
    Ok(manifest)
}

/// Whether an entry of a directory without MANIFEST may be there.
fn is_ours(path: &Path) -> bool {
    const OURS: [&str; 4] = [LOCK, manifest::NEW_NAME, segment::DIR, "lost+found"];
    path.file_name().is_some_and(|name| OURS.iter().any(|ours| name == *ours))
}

/// Reads all of a file that had `size` bytes a moment ago.
fn read_whole(disk: &Disk, path: &Path, size: u64, bytes: &mut Vec<u8>) -> Result<(), StorageError> {
    bytes.resize(usize::try_from(size).unwrap_or(usize::MAX), 0);
    let read = disk.open(path)?.read_at(bytes, 0)?;
    if read < bytes.len() {
        let (expected, found) = (format!("{size} bytes"), read.to_string());
        return Err(StorageError::Damaged { file: path.to_owned(), offset: read as u64, expected, found });
    }
    Ok(())
}
