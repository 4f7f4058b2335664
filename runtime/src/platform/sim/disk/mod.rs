//! A disk in memory that lies as disks do.
//!
//! The parts, from the bottom up: `node` is one file, `names` the directories, `loss` says what a power cut takes,
//! `op` and `fault` what is told and what fails; `state` is all of it, `doors` the disk as a process sees it, `hold`
//! and `raw` what tests do to it besides.
//!
//! What must always hold: a sync that returned well keeps what was written before it; nothing else is sure.

mod doors;
mod fault;
mod hold;
mod loss;
mod names;
mod node;
mod op;
mod raw;
mod state;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use self::names::clean;
use self::state::State;
use super::Dice;

pub use self::fault::{Fail, Fault};
#[cfg(test)]
pub(crate) use self::hold::PATIENCE;
pub use self::loss::Loss;
pub use self::op::{Kind, Op};
pub use self::raw::Raw;

/// A simulated disk with its file system. Cheap to clone; all clones are one disk.
///
/// * **Contents.** A file shows what was written. On the medium is what was synced; each write since, and each change
///   of the length (by an extending write too), is lost or kept on its own when the power fails, and a write tears at
///   sectors. As any sectors of any writes can be lost, that is any order as well. Data beyond a length that was lost
///   is lost with it.
/// * **Names.** What was created, renamed and removed in a directory is lost or kept when the power fails, unless the
///   directory was synced; a change of a name is kept only with all earlier changes of that name. A directory that is
///   lost takes all that is in it along. Syncing a file does not sync its name.
/// * **A failed sync** leaves any part of what was unsynced on the medium. The file goes on showing all of it, and no
///   later sync brings the rest to the medium: only writing it again does. After a failed sync of a directory its names
///   are as unsynced as before: they are metadata, for which file systems keep a journal and stop when that fails.
/// * **A process that ends** loses its locks and its open files, through which nothing can be done any more. What it
///   wrote is still shown and still unsynced.
/// * **A map** shows what the file held when it was mapped.
/// * **Locks** are of a process. The file of a lock is made without being told.
#[derive(Clone)]
pub struct Disk {
    inner: Arc<Inner>,
    /// The process on whose behalf this is; else whichever lives.
    bound: Option<u64>,
}

struct Inner {
    state: Mutex<State>,
    changed: Condvar,
}

impl Default for Disk {
    fn default() -> Self {
        Disk::new(0)
    }
}

impl Disk {
    /// An empty disk of unlimited size with sectors of 512 bytes. The seed decides what faults leave behind.
    #[must_use]
    pub fn new(seed: u64) -> Disk {
        Disk::of(State::new(seed))
    }

    fn of(state: State) -> Disk {
        Disk { inner: Arc::new(Inner { state: Mutex::new(state), changed: Condvar::new() }), bound: None }
    }

    /// A panic under the lock is one of a test, which fails with it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on writes tear at multiples of so many bytes: 512 or 4096.
    pub fn set_sector(&self, bytes: usize) {
        self.state().sector = bytes.max(1);
    }

    /// From now on there is space for so many bytes in blocks of 4096; `None` is no limit. A write beyond it writes
    /// what fits and fails with ENOSPC; an allocation fails whole.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state().capacity = bytes;
    }

    /// From now on syncs of this kind, of files whose names end so, say that they are done and do nothing: as if the
    /// code had left them out.
    pub fn lie(&self, kind: Kind, suffix: &str) {
        self.state().lies.push((kind, suffix.to_owned()));
    }

    /// From now on nobody may open, make, name or list anything: EACCES.
    pub fn deny(&self) {
        self.state().denied = true;
    }

    /// The disk is full from now on: there is no more space than what files take now.
    pub fn fill(&self) {
        let mut state = self.state();
        state.capacity = Some(state.taken());
    }

    /// Another disk that is now as this one is, what is not synced included. Nothing is open or locked there, no
    /// fault is in force, and nothing has been told.
    #[must_use]
    pub fn fork(&self) -> Disk {
        Disk::of(self.state().fork())
    }

    /// The disk as the process that lives now sees it, and as nobody does once that has ended.
    pub(crate) fn process(&self) -> Disk {
        Disk { inner: self.inner.clone(), bound: Some(self.state().process) }
    }

    /// The bytes, past the file system.
    #[must_use]
    pub fn raw(&self) -> Raw<'_> {
        Raw(self)
    }

    // What was done.

    /// How many operations changed the disk, or tried to.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// What was done since this was last called.
    pub fn ops(&self) -> Vec<Op> {
        std::mem::take(&mut self.state().ops)
    }

    // What goes wrong.

    /// Some operations fail from now on. Faults add up.
    pub fn inject(&self, fault: Fault) {
        self.state().faults.rules.push(fault);
    }

    /// These fail from now on, and nothing else does.
    pub fn fail(&self, fail: Fail) {
        self.state().faults.rules = fail.faults();
    }

    /// Reads and maps of files whose names end so fail with EIO from now on.
    pub fn fail_reads(&self, suffix: &str) {
        self.state().faults.unreadable.insert(suffix.to_owned());
    }

    /// Reads and maps of a file show one bit flipped from now on, counted from the file's beginning.
    pub fn flip_reads(&self, path: impl AsRef<Path>, bit: u64) {
        self.state().faults.flipped.insert((clean(path.as_ref()), bit));
    }

    /// No operation and no read fails on command any more.
    pub fn heal(&self) {
        let faults = &mut self.state().faults;
        faults.rules.clear();
        faults.unreadable.clear();
        faults.flipped.clear();
    }

    /// How many operations and reads failed, or were falsified, on command.
    #[must_use]
    pub fn faults_hit(&self) -> u64 {
        self.state().faults.hits
    }

    // The end of a process.

    /// At the `n`th operation from now, counted from 0, the machine goes down: from then on nothing is done and
    /// everything fails, until [`power_loss`](Disk::power_loss) or [`kill`](Disk::kill).
    pub fn crash_at(&self, n: u64) {
        self.state().down_in = Some(n);
    }

    /// The operation at which the machine went down, and which did not take place.
    #[must_use]
    pub fn down_at(&self) -> Option<Op> {
        self.state().down.clone()
    }

    /// The process is killed: nothing is lost but what it had open. The next one sees what this one wrote.
    pub fn kill(&self) {
        self.state().end_process();
        self.inner.changed.notify_all();
    }

    /// The power fails. The next process sees what is left.
    ///
    /// Faults stay in force; a machine that went down is up again.
    pub fn power_loss(&self, dice: &mut Dice, loss: Loss) {
        self.state().lose(dice, loss);
        self.inner.changed.notify_all();
    }

    /// The power fails, and any of what was not synced is lost.
    pub fn crash(&self, dice: &mut Dice) {
        self.power_loss(dice, Loss::Any);
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Disk").field("files", &state.tree.shown.files.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
