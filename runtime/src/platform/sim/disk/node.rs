//! One file: what reads show, what is on the medium, and the writes that separate the two, in order.
//!
//! What must always hold: the medium plus all unsynced writes is what is shown, unless a sync failed.

use std::path::PathBuf;
use std::sync::Arc;

use super::loss::{Fate, Judge};
use crate::platform::sim::Dice;

/// What space is counted in.
pub(super) const BLOCK: u64 = 4096;

/// A change of a file's contents that is not synced.
#[derive(Debug, Clone)]
pub(super) struct Unsynced {
    /// The operation that it was.
    pub(super) number: u64,
    pub(super) what: What,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    /// The file has another length; bytes that it gains are zero.
    Len(u64),
    Data {
        offset: u64,
        bytes: Vec<u8>,
    },
}

/// See the module.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    /// The newest name.
    pub(super) path: PathBuf,
    /// What reads show. Shared with maps, which keep what they were made of.
    pub(super) shown: Arc<Vec<u8>>,
    medium: Arc<Vec<u8>>,
    pub(super) unsynced: Vec<Unsynced>,
    /// Which blocks have space.
    backed: Vec<bool>,
    /// Whoever has the file open has a clone.
    pub(super) handle: Arc<()>,
}

fn resize(bytes: &mut Arc<Vec<u8>>, len: u64) {
    let bytes: &mut Vec<u8> = Arc::make_mut(bytes);
    let more = (len as usize).saturating_sub(bytes.len());
    // As one copy, for tests are built without optimization.
    bytes.extend_from_slice(&vec![0; more]);
    bytes.truncate(len as usize);
}

/// Writes what lies within the file.
fn overwrite(file: &mut Arc<Vec<u8>>, offset: u64, bytes: &[u8]) {
    let len = file.len();
    let start = (offset as usize).min(len);
    let end = (offset as usize + bytes.len()).min(len);
    Arc::make_mut(file)[start..end].copy_from_slice(&bytes[..end - start]);
}

impl Node {
    pub(super) fn new(path: PathBuf) -> Node {
        Node { path, ..Node::default() }
    }

    pub(super) fn len(&self) -> u64 {
        self.shown.len() as u64
    }

    /// Bytes of space that the file has.
    pub(super) fn space(&self) -> u64 {
        self.backed.iter().filter(|backed| **backed).count() as u64 * BLOCK
    }

    /// How many of the bytes from `offset` on, at most `len`, can be written with `room` bytes of new space.
    pub(super) fn fits(&self, offset: u64, len: u64, mut room: u64) -> u64 {
        for block in offset / BLOCK..(offset + len).div_ceil(BLOCK) {
            if !self.backed.get(block as usize).copied().unwrap_or(false) {
                match room.checked_sub(BLOCK) {
                    Some(left) => room = left,
                    None => return (block * BLOCK).saturating_sub(offset),
                }
            }
        }
        len
    }

    fn back(&mut self, offset: u64, len: u64) {
        let (first, end) = ((offset / BLOCK) as usize, (offset + len).div_ceil(BLOCK) as usize);
        if self.backed.len() < end {
            self.backed.resize(end, false);
        }
        self.backed[first..end].fill(true);
    }

    pub(super) fn write(&mut self, number: u64, offset: u64, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let end = offset + bytes.len() as u64;
        if end > self.len() {
            resize(&mut self.shown, end);
        }
        if end > self.len_when_synced() {
            self.unsynced.push(Unsynced { number, what: What::Len(end) });
        }
        overwrite(&mut self.shown, offset, bytes);
        self.unsynced.push(Unsynced { number, what: What::Data { offset, bytes: bytes.to_vec() } });
        self.back(offset, bytes.len() as u64);
    }

    pub(super) fn set_len(&mut self, number: u64, len: u64) {
        resize(&mut self.shown, len);
        self.backed.truncate(len.div_ceil(BLOCK) as usize);
        self.unsynced.push(Unsynced { number, what: What::Len(len) });
    }

    pub(super) fn allocate(&mut self, number: u64, len: u64) {
        if len > self.len_when_synced() {
            self.unsynced.push(Unsynced { number, what: What::Len(len) });
        }
        if len > self.len() {
            resize(&mut self.shown, len);
        }
        self.back(0, len);
    }

    /// The length that the next sync makes durable. Behind a failed one it can be less than what is shown.
    fn len_when_synced(&self) -> u64 {
        let newest = self.unsynced.iter().rev().find_map(|one| match one.what {
            What::Len(len) => Some(len),
            What::Data { .. } => None,
        });
        newest.unwrap_or(self.medium.len() as u64)
    }

    /// What was done by operations before `through` is on the medium.
    pub(super) fn sync(&mut self, through: u64) {
        for one in self.take(through) {
            // Its length may have been lost by a sync that failed in between.
            if let What::Data { offset, bytes } = &one.what
                && self.medium.len() < *offset as usize + bytes.len()
            {
                resize(&mut self.medium, offset + bytes.len() as u64);
            }
            self.put(&one.what);
        }
    }

    /// A sync failed: some of what was done before it is on the medium, and no other sync brings the rest.
    pub(super) fn fail_sync(&mut self, through: u64, judge: &mut Judge<'_>, sector: usize) {
        let changes = self.take(through);
        let fates = judge.contents(&changes);
        self.settle(&changes, &fates, judge.dice, sector);
    }

    /// The power fails: what is on the medium is what is shown.
    pub(super) fn lose(&mut self, judge: &mut Judge<'_>, sector: usize) {
        self.fail_sync(u64::MAX, judge, sector);
        self.shown = self.medium.clone();
        self.backed.truncate(self.len().div_ceil(BLOCK) as usize);
    }

    fn take(&mut self, through: u64) -> Vec<Unsynced> {
        let rest = self.unsynced.iter().position(|one| one.number >= through).unwrap_or(self.unsynced.len());
        let later = self.unsynced.split_off(rest);
        std::mem::replace(&mut self.unsynced, later)
    }

    fn put(&mut self, what: &What) {
        match what {
            What::Len(len) => resize(&mut self.medium, *len),
            What::Data { offset, bytes } => overwrite(&mut self.medium, *offset, bytes),
        }
    }

    fn settle(&mut self, changes: &[Unsynced], fates: &[Fate], dice: &mut Dice, sector: usize) {
        for (one, fate) in changes.iter().zip(fates) {
            match (&one.what, fate) {
                (_, Fate::Lost) => {}
                (what, Fate::Kept) => self.put(what),
                (What::Len(_), Fate::Torn) if dice.coin() => self.put(&one.what),
                (What::Len(_), Fate::Torn) => {}
                (What::Data { offset, bytes }, Fate::Torn) => self.put_some(*offset, bytes, dice, sector),
            }
        }
    }

    /// Writes some sectors of `bytes`.
    fn put_some(&mut self, offset: u64, bytes: &[u8], dice: &mut Dice, sector: usize) {
        let mut at = 0;
        while at < bytes.len() {
            let place = offset + at as u64;
            let end = bytes.len().min(at + sector - (place % sector as u64) as usize);
            if dice.coin() {
                overwrite(&mut self.medium, place, &bytes[at..end]);
            }
            at = end;
        }
    }

    /// Makes `bytes` the whole contents, shown and on the medium.
    pub(super) fn replace(&mut self, bytes: Vec<u8>) {
        self.unsynced.clear();
        self.backed = vec![true; (bytes.len() as u64).div_ceil(BLOCK) as usize];
        self.shown = Arc::new(bytes);
        self.medium = self.shown.clone();
    }
}
