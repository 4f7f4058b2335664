//! Valid data directories, to be spoiled.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::forged::genuine;
use super::turns::Turns;
use crate::codec::{NamedBlob, Payload};
use crate::id::{Lsn, Position, RunId, RunNumber};
use crate::journal::{Decoder, Entry, Journal, blobs_of};
use crate::platform::sim::Disk;
use crate::platform::{Fs, Open};
use crate::record::{Event, Name};
use crate::storage::arena::{Arena, ArenaConfig};
use crate::storage::{DataDir, OpenReport, StorageError, WalConfig};
use crate::time::Timestamp;

pub(super) const DIR: &str = "/data";
const SEGMENT: u64 = 64 << 10;

/// The files of a directory, by their paths within it.
pub(super) type Files = BTreeMap<PathBuf, Vec<u8>>;

/// A record in comparable form: LSN, run, time, kind and body.
pub(super) type Line = (u64, u64, i64, u8, Vec<u8>);

/// A data directory and what was written to it.
pub(super) struct Valid {
    pub(super) files: Files,
    /// What has a checksum in them.
    pub(super) genuine: HashSet<Vec<u8>>,
    pub(super) lines: Vec<Line>,
    pub(super) blobs: HashMap<u64, Vec<u8>>,
}

/// What was found in a directory that could be opened. What is open in it is let go with it.
pub(super) struct Opened {
    pub(super) journal: Journal,
    pub(super) arena: Arena,
    pub(super) report: OpenReport,
    pub(super) entries: Vec<Entry>,
    turns: Arc<Turns>,
}

impl Opened {
    /// Opens the data directory on this disk, without an engine and a checkpoint.
    pub(super) fn open(fs: &Arc<Disk>) -> Result<Opened, StorageError> {
        let turns = Arc::new(Turns::default());
        let platform = turns.platform(fs.clone());
        let data = DataDir::open(&platform, Path::new(DIR))?;
        let arena = ArenaConfig { segment_bytes: SEGMENT };
        let arena = Arena::open(&platform, data.path(), data.uuid(), arena, Vec::new())?;
        let wal = WalConfig { segment_bytes: SEGMENT, ..WalConfig::default() };
        let mut entries = Vec::new();
        let decoder = Decoder { cipher: data.cipher(), source: Some(blobs_of(&arena)), names: None };
        let mut take = |entry| {
            entries.push(entry);
            Ok(())
        };
        let (journal, report) = Journal::open(&platform, data, wal, Lsn(0), arena.clone(), decoder, vec![&mut take])?;
        Ok(Opened { journal, arena, report, entries, turns })
    }

    pub(super) fn lines(&self) -> Vec<Line> {
        let line = |entry: &Entry| {
            let mut body = Vec::new();
            entry.event.encode(&mut body);
            (entry.lsn.0, entry.run.0, entry.time.0, entry.event.kind() as u8, body)
        };
        self.entries.iter().map(line).collect()
    }

    /// Appends an event, and waits until it is durable.
    pub(super) fn put(&self, event: Event) -> Line {
        let (run, time) = (RunNumber(1), Timestamp(5));
        let mut body = Vec::new();
        event.encode(&mut body);
        let kind = event.kind() as u8;
        // A directory that could be opened on a disk without faults takes records.
        let lsn = self.journal.append_events(run, time, &[event]).unwrap_or_else(|error| panic!("append: {error}"));
        self.turns.drive(self.journal.durable(lsn)).unwrap_or_else(|error| panic!("durable: {error}"));
        (lsn.0, run.0, time.0, kind, body)
    }

    /// Puts bytes into the arena, and a record that names them into the log.
    fn put_blob(&self, bytes: Vec<u8>) -> (u64, Line) {
        let put = self.arena.put(Box::new(bytes), 3);
        let blob = self.turns.drive(put).unwrap_or_else(|error| panic!("put: {error}"));
        let id = blob.at().id;
        let output = Payload::in_arena(NamedBlob::from(blob));
        (id, self.put(Event::StepDone { at: Position::root(0).child(id as u32), output }))
    }

    /// Ends as a process does that is killed, or as one that was told to.
    pub(super) fn close(self, clean: bool) {
        if clean {
            self.turns.drive(self.journal.close()).unwrap_or_else(|error| panic!("close: {error}"));
            self.turns.drive(self.arena.close());
        }
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.turns.end();
    }
}

impl Valid {
    /// A directory whose log was closed, and one whose process was killed.
    pub(super) fn of(clean: bool) -> &'static Valid {
        static VALID: [OnceLock<Valid>; 2] = [OnceLock::new(), OnceLock::new()];
        VALID[usize::from(clean)].get_or_init(|| Valid::make(clean))
    }

    fn make(clean: bool) -> Valid {
        let fs = Arc::new(Disk::default());
        let opened = Opened::open(&fs).unwrap_or_else(|error| panic!("a new directory: {error}"));
        let (mut lines, mut blobs) = (Vec::new(), HashMap::new());
        for segment in 0..3u32 {
            lines.push(opened.put(started(segment)));
            for size in [0, 100, 5000] {
                let bytes = vec![segment as u8 + 1; size];
                let (id, line) = opened.put_blob(bytes.clone());
                blobs.insert(id, bytes);
                lines.push(line);
            }
            let at = Position::root(0).child(segment);
            lines.push(opened.put(Event::TimerSet { at: at.clone(), wake_at: Timestamp(9) }));
            lines.push(opened.put(Event::TimerFired { at }));
            if segment < 2 {
                opened.turns.drive(opened.journal.seal()).unwrap_or_else(|error| panic!("seal: {error}"));
            }
        }
        opened.close(clean);
        let files = read_all(&*fs);
        Valid { genuine: genuine(&files), files, lines, blobs }
    }
}

fn started(n: u32) -> Event {
    Event::RunStarted {
        id: RunId::from(format!("run {n}").as_str()),
        workflow: Name::Borrowed("w"),
        version: 1,
        fingerprint: 2,
        origin: [3; 16],
        origin_run: 1,
        input: Payload::from_bytes(b"[1]"),
    }
}

/// Where there are files; a directory comes before those in it.
const DIRS: [&str; 3] = ["", "wal", "arena"];

fn read_all(fs: &dyn Fs) -> Files {
    let mut files = Files::new();
    for dir in DIRS {
        for path in fs.read_dir(&Path::new(DIR).join(dir)).unwrap_or_default() {
            let Ok(file) = fs.open(&path, Open::Read) else { continue };
            let mut bytes = vec![0; file.len().unwrap_or(0) as usize];
            let read = file.read_at(&mut bytes, 0).unwrap_or(0);
            bytes.truncate(read);
            files.insert(path.strip_prefix(DIR).unwrap_or(&path).to_owned(), bytes);
        }
    }
    files
}

/// A disk that has, durably, a data directory of these files.
pub(super) fn disk_of(files: &Files) -> Arc<Disk> {
    let fs = Disk::default();
    fill(&fs, files).unwrap_or_else(|error| panic!("a disk in memory: {error}"));
    Arc::new(fs)
}

fn fill(fs: &Disk, files: &Files) -> io::Result<()> {
    let dirs = DIRS.map(|dir| Path::new(DIR).join(dir));
    dirs.iter().try_for_each(|dir| fs.create_dir_all(dir))?;
    for (path, bytes) in files {
        let file = fs.open(&Path::new(DIR).join(path), Open::CreateNew)?;
        file.write_all_at(bytes, 0)?;
        file.sync_data()?;
    }
    fs.sync_dir(Path::new("/"))?;
    dirs.iter().try_for_each(|dir| fs.sync_dir(dir))
}
