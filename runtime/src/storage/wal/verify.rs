//! Reads a whole log and tells of everything that is wrong with it.
//!
//! What must always hold: not a byte is changed, and what recovery refuses is a problem here. A problem is not the
//! end: what can be read behind it is read.

use std::path::Path;
use std::sync::Arc;

use uuid::Uuid;

use super::frame::{self, BLOCK, Frame};
use super::judge::{self, Place, Torn};
use super::open::read_whole;
use super::record::RawRecord;
use super::scan::{self, Rest, Scanned};
use super::segment::{self, Name, SegmentHeader};
use super::{Cut, problem};
use crate::id::Lsn;
use crate::platform::Fs;
use crate::storage::disk::Disk;
use crate::storage::manifest::{self, Manifest};
use crate::storage::{Problem, StorageError};

/// What a log is like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Verified {
    pub(crate) problems: Vec<Problem>,
    /// What the next open will cut off: the torn end of a log that was not closed.
    pub(crate) cut: Option<Cut>,
    /// How many intact records there are.
    pub(crate) records: u64,
    /// The last of them, or what the checkpoint has if that is more.
    pub(crate) last_lsn: Lsn,
}

/// As [`verify_records`], and shows them to nobody.
#[cfg(test)]
pub(crate) fn verify(fs: Arc<dyn Fs>, dir: &Path, applied: Lsn) -> Verified {
    verify_records(fs, dir, applied, &mut |_, _| {})
}

/// Reads the log of the data directory `dir`, whose checkpoint has everything up to `applied`, and shows every intact
/// record to `records`, in order. Blocks.
///
/// Nobody may have it open: what is being written looks like damage.
pub(crate) fn verify_records(
    fs: Arc<dyn Fs>,
    dir: &Path,
    applied: Lsn,
    records: &mut dyn FnMut(Lsn, &RawRecord<'_>),
) -> Verified {
    let mut verifier = Verifier { disk: Disk::new(fs), dir, applied, records, out: Verified::default() };
    verifier.out.last_lsn = applied;
    if let Err(error) = verifier.log() {
        verifier.tell(error);
    }
    verifier.out
}

struct Verifier<'a> {
    disk: Disk,
    dir: &'a Path,
    applied: Lsn,
    records: &'a mut dyn FnMut(Lsn, &RawRecord<'_>),
    out: Verified,
}

/// The UUID of a data directory as the first intact segment of its log says it.
pub(crate) fn identity(fs: &Arc<dyn Fs>, dir: &Path) -> Option<Uuid> {
    let disk = Disk::new(fs.clone());
    let entries = disk.list(&dir.join(segment::DIR)).ok()??;
    entries.iter().find_map(|path| {
        let Name::Segment(first) = segment::parse_name(path.file_name()?.to_str()?)? else { return None };
        let file = disk.open(path).ok()?;
        let mut block = [0; BLOCK];
        let read = file.read_at(&mut block, 0).ok()?;
        let uuid = segment::uuid_of(&block);
        SegmentHeader::decode(&block[..read], path, first, file.len().ok()?, uuid).ok().map(|header| header.uuid)
    })
}

impl Verifier<'_> {
    fn tell(&mut self, error: StorageError) {
        self.out.problems.push(problem::of(error, self.dir));
    }

    fn log(&mut self) -> Result<(), StorageError> {
        let manifest = match Manifest::load(&self.disk, &self.dir.join(manifest::NAME)) {
            Ok(manifest) => Some(manifest),
            Err(error) => {
                self.tell(error);
                None
            }
        };
        let names = self.names()?;
        let base = match &manifest {
            Some(manifest) => judge::names(self.dir, manifest, &names, self.applied).unwrap_or_else(|error| {
                self.tell(error);
                0
            }),
            None => 0,
        };
        let names = &names[base.min(names.len())..];
        let mut before = None;
        for (i, &first) in names.iter().enumerate() {
            let after = names.get(i + 1).copied();
            if let Err(error) = self.segment(manifest.as_ref(), first, after, &mut before) {
                self.tell(error);
            }
        }
        Ok(())
    }

    /// The first LSNs of the segments, ascending.
    fn names(&mut self) -> Result<Vec<Lsn>, StorageError> {
        let mut names = Vec::new();
        for path in self.disk.list(&self.dir.join(segment::DIR))?.unwrap_or_default() {
            match path.file_name().and_then(|name| segment::parse_name(name.to_str()?)) {
                Some(Name::Segment(first)) => names.push(first),
                Some(Name::New | Name::Free(_)) => {}
                None => self.tell(StorageError::UnexpectedFile { file: path }),
            }
        }
        names.sort();
        Ok(names)
    }

    /// Reads a segment; `before` is the salt of the one before it.
    fn segment(
        &mut self,
        manifest: Option<&Manifest>,
        first: Lsn,
        after: Option<Lsn>,
        before: &mut Option<u64>,
    ) -> Result<(), StorageError> {
        let path = segment::path(self.dir, first);
        let file = self.disk.open(&path)?;
        let (mut block, len) = ([0; BLOCK], file.len()?);
        let read = file.read_at(&mut block, 0)?;
        let uuid = manifest.map_or_else(|| segment::uuid_of(&block), |manifest| manifest.uuid);
        let header = SegmentHeader::decode(&block[..read], &path, first, len, uuid)?;
        if let Some(manifest) = manifest
            && let Err(error) = judge::salt(&path, manifest, &header, *before, after.is_none())
        {
            self.tell(error);
        }
        *before = Some(header.salt);
        let place = match after {
            Some(after) => Place::Before(after),
            None => Place::Last {
                closed: manifest.and_then(|manifest| manifest.closed),
                used: manifest.is_none_or(|manifest| header.salt < manifest.next_salt),
                applied: self.applied,
            },
        };
        let mut bytes = Vec::new();
        read_whole(&self.disk, &path, header.size, &mut bytes)?;
        self.frames(&path, &bytes, &header, place);
        Ok(())
    }

    /// Reads the frames of a segment, and goes on behind those that are damaged.
    fn frames(&mut self, path: &Path, bytes: &[u8], header: &SegmentHeader, place: Place) {
        let (mut frames, mut next, mut at) = (Vec::new(), header.first_lsn, BLOCK);
        let problems = self.out.problems.len();
        while at < bytes.len() {
            match frame::read(&bytes[at..], header.salt) {
                Ok(frame) => {
                    match frame.check(next) {
                        Ok(()) => {
                            self.out.records += u64::from(frame.header.count);
                            frame.records().for_each(|(_, lsn, record)| (self.records)(lsn, &record));
                        }
                        Err(fault) => self.tell(judge::fault(path, fault.at(at))),
                    }
                    frames.push((at, frame));
                    next = next.max(frame.end_lsn());
                    at += frame.size();
                }
                Err(invalid) => {
                    let rest = scan::rest(bytes, header.salt, next, at, invalid);
                    let scanned = Scanned { frames: std::mem::take(&mut frames), next, end: at, rest };
                    let Some(resume) = self.rest(path, bytes, header.salt, &scanned, place) else { break };
                    (at, next) = (resume.0, resume.1.header.first_lsn);
                    frames = scanned.frames;
                }
            }
        }
        if at >= bytes.len() {
            let scanned = Scanned { frames, next, end: bytes.len(), rest: Rest::Zeros };
            self.rest(path, bytes, header.salt, &scanned, place);
        }
        self.out.last_lsn = self.out.last_lsn.max(Lsn(next.0 - 1));
        // A log that ends too early for the checkpoint, and says so nowhere else.
        let ends_early = matches!(place, Place::Last { .. }) && next.0 <= self.applied.0;
        if ends_early && self.out.problems.len() == problems {
            self.tell(StorageError::LogBehind { last: Lsn(next.0 - 1), applied: self.applied });
        }
    }

    /// Judges what follows the frames that were found; a later frame to go on with, if this is damage before one.
    fn rest<'b>(
        &mut self,
        path: &Path,
        bytes: &'b [u8],
        salt: u64,
        scanned: &Scanned<'_>,
        place: Place,
    ) -> Option<(usize, Frame<'b>)> {
        match judge::end(self.dir, path, scanned, place) {
            Ok(torn) => {
                self.out.cut = torn.map(|Torn { offset, bytes }| Cut {
                    file: path.to_owned(),
                    offset: offset as u64,
                    first_lsn: scanned.next,
                    bytes: bytes as u64,
                });
                None
            }
            Err(error) => {
                self.tell(error);
                (scanned.end + BLOCK..bytes.len())
                    .step_by(BLOCK)
                    .filter_map(|at| Some((at, frame::read(&bytes[at..], salt).ok()?)))
                    .find(|(_, frame)| frame.header.first_lsn >= scanned.next)
            }
        }
    }
}
