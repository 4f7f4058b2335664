//! A program for the arena, and the same program for a `HashMap`.
//!
//! Plays the layer above: a log of records that name blobs, a checkpoint with rows, handles; and keeps the arena's
//! terms (a blob is named while its handle is held, rows are told before the LSN). What must always hold: a blob
//! that a handle, a row or a record after the applied LSN names can be read, and is what was put.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use uuid::Uuid;

use super::input::Input;
use super::turns::Turns;
use crate::codec::{Blob, BlobAt};
use crate::id::Lsn;
use crate::platform::Fs;
use crate::platform::sim::{Dice, Disk, Fail};
use crate::storage::StorageError;
use crate::storage::arena::{Arena, ArenaConfig};

const DIR: &str = "/data";
const SEGMENT: u64 = 64 << 10;
/// So long a program is at most.
const STEPS: usize = 100;
/// Sizes of blobs: none, within a sector, a block, a segment, and above.
const SIZES: [usize; 8] = [0, 1, 63, 64, 5_000, 20_000, 60_000, 70_000];

/// A disk, the arena on it, and what must be in it.
struct Model {
    memory: Arc<Disk>,
    fs: Arc<Disk>,
    turns: Arc<Turns>,
    arena: Arena,
    /// What was put, by id.
    contents: HashMap<u64, Vec<u8>>,
    handles: Vec<Blob>,
    /// The records of the log, each naming a blob; the first has LSN 1.
    log: Vec<BlobAt>,
    applied: Lsn,
    /// Rows of the checkpoint.
    rows: BTreeMap<u64, BlobAt>,
    /// Whether the disk fails.
    failing: bool,
}

/// Runs the program that the bytes are.
///
/// # Panics
/// When a blob that somebody has cannot be read or has other bytes, when the arena does not open after a crash, and
/// when something stays that nobody has.
pub fn arena(bytes: &[u8]) {
    let mut input = Input(bytes);
    let mut model = Model::new();
    for _ in 0..STEPS {
        if input.is_empty() {
            break;
        }
        model.step(&mut input);
    }
    model.end();
}

fn open(
    turns: &Arc<Turns>,
    fs: &Arc<Disk>,
    rows: &BTreeMap<u64, BlobAt>,
    log: &[BlobAt],
    applied: Lsn,
) -> Result<Arena, StorageError> {
    let platform = turns.platform(fs.clone());
    let config = ArenaConfig { segment_bytes: SEGMENT };
    let arena = Arena::open(&platform, Path::new(DIR), Uuid::from_u128(7), config, rows.values().copied().collect())?;
    for (lsn, at) in (1..).map(Lsn).zip(log).filter(|(lsn, _)| *lsn > applied) {
        arena.note(at)?;
        arena.named(at.id, lsn);
    }
    arena.applied(applied);
    Ok(arena)
}

impl Model {
    fn new() -> Model {
        let memory = Arc::new(Disk::default());
        let made = memory.create_dir_all(Path::new(DIR)).and_then(|()| memory.sync_dir(Path::new("/")));
        made.unwrap_or_else(|error| panic!("a disk in memory: {error}"));
        let (fs, turns) = (memory.clone(), Arc::new(Turns::default()));
        let arena = open(&turns, &fs, &BTreeMap::new(), &[], Lsn(0));
        let arena = arena.unwrap_or_else(|error| panic!("a new arena: {error}"));
        Model {
            memory,
            fs,
            turns,
            arena,
            contents: HashMap::new(),
            handles: Vec::new(),
            log: Vec::new(),
            applied: Lsn(0),
            rows: BTreeMap::new(),
            failing: false,
        }
    }

    fn step(&mut self, input: &mut Input<'_>) {
        match input.below(13) {
            0 | 1 => self.put(input),
            2 => self.put_many(input),
            3 => self.put_content(input),
            4 => self.get(input),
            5 => self.name(input),
            6 => self.forget(input),
            7 => self.apply(input),
            8 => self.unreference(input),
            9 => self.collect(),
            10 => self.relocate(input),
            11 => self.crash(input),
            _ => self.fault(input),
        }
    }

    /// That an operation only fails when the disk does.
    fn may<T>(&self, done: Result<T, StorageError>) -> Option<T> {
        match done {
            Ok(done) => Some(done),
            Err(StorageError::Io { .. }) if self.failing => None,
            Err(error) => panic!("on a disk that {}: {error}", if self.failing { "fails" } else { "is well" }),
        }
    }

    fn bytes(input: &mut Input<'_>) -> Vec<u8> {
        vec![input.byte(); SIZES[input.below(SIZES.len())]]
    }

    fn stored(&mut self, blob: Blob, bytes: Vec<u8>) {
        assert_eq!(*blob, *bytes);
        let before = self.contents.insert(blob.at().id, bytes);
        assert!(before.is_none_or(|before| *before == *blob), "an id was given twice");
        self.handles.push(blob);
    }

    fn put(&mut self, input: &mut Input<'_>) {
        let bytes = Self::bytes(input);
        let put = self.turns.drive(self.arena.put(Box::new(bytes.clone()), 1));
        if let Some(blob) = self.may(put) {
            assert!(!self.contents.contains_key(&blob.at().id), "an id was given twice");
            self.stored(blob, bytes);
        }
    }

    /// Several at once, of which some are not waited for.
    fn put_many(&mut self, input: &mut Input<'_>) {
        let count = 1 + input.below(4);
        let many: Vec<Vec<u8>> = (0..count).map(|_| Self::bytes(input)).collect();
        let mut puts: Vec<_> = many.iter().map(|bytes| self.arena.put(Box::new(bytes.clone()), 1)).collect();
        let waited = input.below(count + 1);
        puts.truncate(waited);
        for (put, bytes) in puts.into_iter().zip(many) {
            let put = self.turns.drive(put);
            if let Some(blob) = self.may(put) {
                self.stored(blob, bytes);
            }
        }
    }

    fn put_content(&mut self, input: &mut Input<'_>) {
        let bytes = Self::bytes(input);
        let put = self.turns.drive(self.arena.put_content(Box::new(bytes.clone())));
        let Some((digest, blob)) = self.may(put) else { return };
        let got = self.arena.get_content(digest);
        if let Some(got) = self.may(got) {
            assert_eq!(got.at().id, blob.at().id, "one content, two blobs");
        }
        self.stored(blob, bytes);
    }

    /// Gets a blob that somebody has.
    fn get(&mut self, input: &mut Input<'_>) {
        let owed: Vec<u64> = self.owed().into_iter().collect();
        if owed.is_empty() {
            return;
        }
        let id = owed[input.below(owed.len())];
        let got = self.arena.get(id);
        if let Some(blob) = self.may(got) {
            assert_eq!(Some(&*blob), self.contents.get(&id).map(Vec::as_slice), "blob {id}");
            self.handles.push(blob);
        }
    }

    /// A record names a blob whose handle is held.
    fn name(&mut self, input: &mut Input<'_>) {
        if self.handles.is_empty() {
            return;
        }
        let at = self.handles[input.below(self.handles.len())].at();
        self.log.push(at);
        self.arena.named(at.id, Lsn(self.log.len() as u64));
    }

    fn forget(&mut self, input: &mut Input<'_>) {
        if !self.handles.is_empty() {
            drop(self.handles.swap_remove(input.below(self.handles.len())));
        }
    }

    /// The checkpoint takes some records: each blob that they name gets a row.
    fn apply(&mut self, input: &mut Input<'_>) {
        let left = self.log.len() - self.applied.0 as usize;
        let some = if left == 0 { 0 } else { 1 + input.below(left) };
        let records = self.log[self.applied.0 as usize..][..some].to_vec();
        for at in records {
            self.rows.insert(at.id, self.arena.place(at.id).unwrap_or(at));
            self.arena.referenced(at.id);
        }
        self.applied.0 += some as u64;
        self.arena.applied(self.applied);
    }

    /// The last run that names a blob is forgotten.
    fn unreference(&mut self, input: &mut Input<'_>) {
        let ids: Vec<u64> = self.rows.keys().copied().collect();
        if let Some(&id) = ids.get(input.below(ids.len().max(1))) {
            self.rows.remove(&id);
            self.arena.unreferenced(id);
        }
    }

    fn collect(&mut self) {
        let failures = self.arena.collect().failures;
        assert!(self.failing || failures.is_empty(), "{failures:?}");
    }

    /// Survivors of nearly dead segments are moved; the crash that may come between is one of the steps.
    fn relocate(&mut self, input: &mut Input<'_>) {
        let Some(moving) = self.arena.survivors() else { return };
        let moved = self.turns.drive(self.arena.move_blobs(moving));
        let Some(moved) = self.may(moved) else { return };
        if input.below(4) == 0 {
            return;
        }
        if input.below(4) == 0 {
            // A backup applies records meanwhile.
            self.unreference(input);
        }
        for at in &moved {
            self.rows.entry(at.id).and_modify(|row| *row = *at);
        }
        if input.below(4) == 0 {
            return self.crash(input);
        }
        self.arena.moved(moved);
    }

    /// The disk fails soon, or is well again.
    fn fault(&mut self, input: &mut Input<'_>) {
        self.failing = !self.failing;
        self.fs.fail(if self.failing { Fail::From(input.below(4) as u64) } else { Fail::Nothing });
        drop(self.fs.ops());
    }

    /// The blobs that somebody has.
    fn owed(&self) -> BTreeSet<u64> {
        let logged = self.log[self.applied.0 as usize..].iter().map(|at| at.id);
        logged.chain(self.rows.keys().copied()).chain(self.handles.iter().map(|blob| blob.at().id)).collect()
    }

    /// The process ends, or the power fails; with it go the handles, and records that were not durable.
    fn crash(&mut self, input: &mut Input<'_>) {
        let how = input.byte();
        self.fs.fail(Fail::Nothing);
        self.failing = false;
        if how.is_multiple_of(3) {
            self.turns.drive(self.arena.close());
        } else {
            let lost = input.below(self.log.len() - self.applied.0 as usize + 1);
            self.log.truncate(self.log.len() - lost);
        }
        self.handles.clear();
        self.turns.end();
        if how % 3 == 1 {
            self.memory.crash(&mut Dice(how.into()));
        }
        let opened = open(&self.turns, &self.fs, &self.rows, &self.log, self.applied);
        self.arena = opened.unwrap_or_else(|error| panic!("after a crash: {error}"));
        self.check();
    }

    /// Everything that somebody has is there, and what it was.
    fn check(&mut self) {
        let owed = self.owed();
        for id in &owed {
            let blob = self.arena.get(*id).unwrap_or_else(|error| panic!("blob {id}: {error}"));
            assert_eq!(Some(&*blob), self.contents.get(id).map(Vec::as_slice), "blob {id}");
        }
        // The ids of the others may be given again.
        self.contents.retain(|id, _| owed.contains(id));
    }

    /// Nobody has anything any more, and so there is nothing any more.
    fn end(mut self) {
        self.fs.fail(Fail::Nothing);
        self.failing = false;
        self.check();
        self.handles.clear();
        self.arena.applied(Lsn(self.log.len() as u64));
        self.rows.keys().for_each(|id| self.arena.unreferenced(*id));
        if let Some(moving) = self.arena.survivors() {
            let moved = self.turns.drive(self.arena.move_blobs(moving));
            let moved = moved.unwrap_or_else(|error| panic!("moved at the end: {error}"));
            self.arena.moved(moved);
        }
        self.collect();
        let stats = self.arena.stats();
        assert_eq!(stats.blobs, 0, "{stats:?}");
        // One segment for each of the two threads that write.
        assert!(stats.segments <= 2, "{stats:?}");
        self.turns.end();
    }
}
