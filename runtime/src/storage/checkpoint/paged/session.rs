//! The open file under one database: pages and header in, pages and header out, each checked.
//!
//! A session ends with the first thing that goes wrong in it: the fault is kept for whoever asks, and nothing is
//! written after it. A failed sync is kept for all sessions of the process.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use uuid::Uuid;

use super::layout::{BLOCK, HEADER, Header, PAGE, PAGES_AT, SLOT, SLOTS_AT, STRIDE};
use super::layout::{check_page, logical, page_at, physical};
use super::pending::Pending;
use super::slots::Slots;
use crate::platform::{File, Fs, Open};
use crate::storage::bytes::{array, put};
use crate::storage::checkpoint::CheckpointError;
use crate::storage::disk::Failure;
use crate::storage::stamp::{self, STAMP};

pub(super) const MAGIC: [u8; 8] = *b"FACTUMCP";
/// How many pages are read at once: what a buffer for them may take.
const AT_ONCE: usize = 64;

/// The file that a session is on.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) fs: Arc<dyn Fs>,
    pub(super) path: PathBuf,
    pub(super) uuid: Uuid,
    /// The failed sync, if there was one.
    pub(super) poison: Arc<OnceLock<CheckpointError>>,
}

#[derive(Debug)]
pub(super) struct Session {
    file: Arc<dyn File>,
    path: PathBuf,
    uuid: Uuid,
    /// How long redb's file is.
    len: Mutex<u64>,
    slots: Mutex<Slots>,
    /// What goes to the file before anything is read, before a header and before a sync.
    pending: Mutex<Pending>,
    /// How long redb's file was when the last commit was answered; `None` while there may be a later one on disk.
    settled: Mutex<Option<u64>>,
    fault: OnceLock<CheckpointError>,
    poison: Arc<OnceLock<CheckpointError>>,
    /// Another file has its name: nothing that is written to it counts any more.
    replaced: AtomicBool,
}

impl Session {
    /// A session on a new file, in which redb finds nothing.
    pub(super) fn create(place: &Place, path: &Path) -> Result<Session, CheckpointError> {
        let file = place.fs.open(path, Open::CreateNew).map_err(|e| refused("create", path, e))?;
        let mut block = vec![0; BLOCK as usize];
        put(&mut block, STAMP, place.uuid.as_bytes());
        stamp::seal(&mut block, MAGIC);
        file.set_len(PAGES_AT).map_err(|e| refused("set the length of", path, e))?;
        file.write_all_at(&block, 0).map_err(|e| refused("write", path, e))?;
        Ok(Session::on(file, place, path, 0, Slots::new()))
    }

    /// A session on the file as it is.
    pub(super) fn open(place: &Place) -> Result<Session, CheckpointError> {
        let path = &place.path;
        let file = place.fs.open(path, Open::Edit).map_err(|e| refused("open", path, e))?;
        let session = Session::over(file, place)?;
        // Whoever made the file may have been stopped before its name was durable.
        sync_dir(place)?;
        Ok(session)
    }

    /// A session on an open file. Its newest header is written anew and synced.
    pub(super) fn over(file: Arc<dyn File>, place: &Place) -> Result<Session, CheckpointError> {
        let path = &place.path;
        let len = file.len().map_err(|e| refused("read the length of", path, e))?;
        check_stamp(&*file, place)?;
        let slots = [read_slot(&*file, place, 0)?, read_slot(&*file, place, 1)?];
        let [first, second] = slots;
        let slots = Slots::choose(first, second).ok_or_else(|| CheckpointError::Damaged {
            file: path.clone(),
            offset: SLOTS_AT[0],
            expected: "a header in this block or the next, with its checksum".to_owned(),
            found: "none".to_owned(),
        })?;
        let session = Session::on(file, place, path, logical(len), slots);
        session.renew()?;
        Ok(session)
    }

    fn on(file: Arc<dyn File>, place: &Place, path: &Path, len: u64, slots: Slots) -> Session {
        Session {
            file,
            path: path.to_owned(),
            uuid: place.uuid,
            len: Mutex::new(len),
            slots: Mutex::new(slots),
            pending: Mutex::default(),
            settled: Mutex::new(None),
            fault: OnceLock::new(),
            poison: place.poison.clone(),
            replaced: AtomicBool::new(false),
        }
    }

    /// Another file has taken this one's name. It can be read on; whatever redb writes as it goes is dropped.
    pub(super) fn replaced(&self) {
        self.replaced.store(true, Ordering::Release);
    }

    fn is_replaced(&self) -> bool {
        self.replaced.load(Ordering::Acquire)
    }

    /// What ended the session.
    pub(super) fn fault(&self) -> Option<CheckpointError> {
        self.fault.get().cloned()
    }

    /// Ends the session; the first fault is the one that counts.
    pub(super) fn end(&self, fault: CheckpointError) -> CheckpointError {
        self.fault.get_or_init(|| fault).clone()
    }

    fn refuse(&self, operation: &'static str, source: io::Error) -> CheckpointError {
        self.end(refused(operation, &self.path, source))
    }

    fn alive(&self) -> Result<(), CheckpointError> {
        self.fault().map_or(Ok(()), Err)
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn len(&self) -> u64 {
        *self.len.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_len(&self, len: u64) -> Result<(), CheckpointError> {
        self.alive()?;
        if self.is_replaced() {
            return Ok(());
        }
        self.write_pending()?;
        self.file.set_len(physical(len)).map_err(|e| self.refuse("set the length of", e))?;
        *self.len.lock().unwrap_or_else(PoisonError::into_inner) = len;
        Ok(())
    }

    /// Makes all that was written durable. Never tried again when it fails.
    pub(super) fn sync(&self) -> Result<(), CheckpointError> {
        self.alive()?;
        if self.is_replaced() {
            return Ok(());
        }
        self.write_pending()?;
        let newest = self.slots().newest;
        self.file.sync_data().map_err(|e| {
            let failed = CheckpointError::poison(Failure::new("sync", &self.path, e));
            self.end(self.poison.get_or_init(|| failed).clone())
        })?;
        if self.slots().synced(newest) {
            // From here on a header may refer to pages that the last answer did not know of.
            *self.settled() = None;
        }
        Ok(())
    }

    fn settled(&self) -> MutexGuard<'_, Option<u64>> {
        self.settled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// After the session's end: what the file grew by for a commit that did not come to its header is given back, so
    /// that a full disk has room again for less.
    pub(super) fn give_back(&self) {
        if let Some(len) = *self.settled()
            && self.poison.get().is_none()
        {
            // If it cannot be done the file stays as long as it is, and redb uses it or cuts it later.
            let _: io::Result<()> = self.file.set_len(physical(len));
        }
    }

    /// Reads some of page 0.
    pub(super) fn read_header(&self, at: usize, out: &mut [u8]) {
        let slots = self.slots();
        for (to, from) in out.iter_mut().zip(slots.header.contents.iter().skip(at).chain(std::iter::repeat(&0))) {
            *to = *from;
        }
    }

    /// Writes some of page 0, of which all that a slot cannot hold is zero.
    pub(super) fn write_header(&self, at: usize, bytes: &[u8]) -> Result<(), CheckpointError> {
        self.alive()?;
        if self.is_replaced() {
            return Ok(());
        }
        let kept = bytes.len().min(HEADER.saturating_sub(at));
        if bytes[kept..].iter().any(|byte| *byte != 0) {
            return Err(self.refuse("write", io::Error::other("redb's header is larger than its slot")));
        }
        self.write_pending()?;
        let mut slots = self.slots();
        let (slot, header) = slots.next(|contents| put(contents, at, &bytes[..kept]));
        let sealed = header.seal(self.uuid);
        // What the header refers to may have failed meanwhile, for another caller.
        self.alive()?;
        self.file.write_all_at(&sealed, SLOTS_AT[slot]).map_err(|e| self.refuse("write", e))
    }

    /// Writes the newest header where it stands, as it stands, and syncs it.
    fn renew(&self) -> Result<(), CheckpointError> {
        let (slot, sealed) = {
            let slots = self.slots();
            (slots.newest, slots.header.seal(self.uuid))
        };
        self.file.write_all_at(&sealed, SLOTS_AT[slot]).map_err(|e| self.refuse("write", e))?;
        self.sync()
    }

    /// Copies the newest header, which is on disk, to the other slot and syncs it. Then a commit may be answered.
    pub(super) fn mirror(&self) -> Result<(), CheckpointError> {
        self.alive()?;
        if self.is_replaced() {
            return Ok(());
        }
        self.write_pending()?;
        let (slot, sealed) = {
            let slots = self.slots();
            (slots.other(), (!slots.mirrored).then(|| slots.header.seal(self.uuid)))
        };
        if let Some(sealed) = sealed {
            self.file.write_all_at(&sealed, SLOTS_AT[slot]).map_err(|e| self.refuse("write", e))?;
            self.sync()?;
            self.slots().mirrored = true;
        }
        *self.settled() = Some(self.len());
        Ok(())
    }

    /// Reads whole pages from `first` on, `first` being at least 1.
    pub(super) fn read_pages(&self, first: u64, out: &mut [u8]) -> Result<(), CheckpointError> {
        self.alive()?;
        self.write_pending()?;
        let mut sealed = vec![0; (out.len() / PAGE).min(AT_ONCE) * STRIDE];
        let mut page = first;
        for out in out.chunks_mut(AT_ONCE * PAGE) {
            let sealed = &mut sealed[..out.len() / PAGE * STRIDE];
            let read = self.file.read_at(sealed, page_at(page)).map_err(|e| self.refuse("read", e))?;
            for (index, (out, sealed)) in out.chunks_mut(PAGE).zip(sealed.chunks(STRIDE)).enumerate() {
                if (index + 1) * STRIDE > read {
                    return Err(self.damaged(page, format!("page {page}"), "the end of the file".to_owned()));
                }
                let contents = check_page(self.uuid, page, sealed).map_err(|bad| {
                    let expected = format!("page {page} with the checksum {:#010x}", bad.expected);
                    self.damaged(page, expected, format!("{:#010x}", bad.found))
                })?;
                out.copy_from_slice(contents);
                page += 1;
            }
        }
        Ok(())
    }

    /// Writes whole pages from `first` on, `first` being at least 1.
    pub(super) fn write_pages(&self, first: u64, bytes: &[u8]) -> Result<(), CheckpointError> {
        self.alive()?;
        if self.is_replaced() {
            return Ok(());
        }
        let mut pending = self.pending();
        for (page, contents) in (first..).zip(bytes.chunks(PAGE)) {
            pending.add(self.uuid, page, contents);
            if pending.is_full() {
                self.write_out(&mut pending)?;
            }
        }
        Ok(())
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes to the file what is not there yet.
    fn write_pending(&self) -> Result<(), CheckpointError> {
        self.write_out(&mut self.pending())
    }

    /// The caller has the lock of what is pending: another one may have failed to write some of it meanwhile.
    fn write_out(&self, pending: &mut Pending) -> Result<(), CheckpointError> {
        self.alive()?;
        pending.drain(|first, run| self.file.write_all_at(run, page_at(first)).map_err(|e| self.refuse("write", e)))
    }

    fn damaged(&self, page: u64, expected: String, found: String) -> CheckpointError {
        self.end(CheckpointError::Damaged { file: self.path.clone(), offset: page_at(page), expected, found })
    }
}

pub(super) fn refused(operation: &'static str, path: &Path, source: io::Error) -> CheckpointError {
    CheckpointError::refused(Failure::new(operation, path, source))
}

/// Makes the file's name durable.
fn sync_dir(place: &Place) -> Result<(), CheckpointError> {
    let dir = place.path.parent().unwrap_or(Path::new(""));
    place.fs.sync_dir(dir).map_err(|e| {
        let failed = CheckpointError::poison(Failure::new("sync the directory", dir, e));
        place.poison.get_or_init(|| failed).clone()
    })
}

/// Checks the first block of the file.
pub(super) fn check_stamp(file: &dyn File, place: &Place) -> Result<(), CheckpointError> {
    let path = &place.path;
    let mut block = vec![0; BLOCK as usize];
    let read = file.read_at(&mut block, 0).map_err(|e| refused("read", path, e))?;
    block.truncate(read);
    stamp::check(&block, MAGIC).map_err(|fault| CheckpointError::stamp(fault, path.clone()))?;
    let found = Uuid::from_bytes(array(&block, STAMP));
    if found != place.uuid {
        return Err(CheckpointError::OtherDirectory { file: path.clone(), expected: place.uuid, found });
    }
    Ok(())
}

pub(super) fn read_slot(file: &dyn File, place: &Place, slot: usize) -> Result<Option<Header>, CheckpointError> {
    let mut bytes = vec![0; SLOT];
    let read = file.read_at(&mut bytes, SLOTS_AT[slot]).map_err(|e| refused("read", &place.path, e))?;
    bytes.truncate(read);
    Ok(Header::read(place.uuid, &bytes))
}
