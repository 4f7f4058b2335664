//! All that a disk is, and what each operation does to it.
//!
//! What must always hold: every operation of a process that is gone, or of a machine that is, fails and does nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::fault::Faults;
use super::hold::Held;
use super::loss::{Judge, Loss};
use super::names::{NodeId, Tree};
use super::node::Node;
use super::op::{self, Kind, Op};
use crate::platform::sim::Dice;

/// No file is longer: what a file claims is no reason to fill the memory.
const MAX_FILE: u64 = 4 << 30;

/// See the module.
#[derive(Debug)]
pub(super) struct State {
    pub(super) sector: usize,
    pub(super) nodes: BTreeMap<NodeId, Node>,
    next_node: NodeId,
    pub(super) tree: Tree,
    pub(super) locked: BTreeSet<PathBuf>,
    /// The number of the process that lives.
    pub(super) process: u64,
    /// The operation at which the machine went down.
    pub(super) down: Option<Op>,
    /// After how many operations it will.
    pub(super) down_in: Option<u64>,
    pub(super) faults: Faults,
    pub(super) held: Held,
    pub(super) ops: Vec<Op>,
    /// How many there were in all.
    pub(super) operations: u64,
    /// How many bytes of space there are.
    pub(super) capacity: Option<u64>,
    /// Nobody may open or make a file.
    pub(super) denied: bool,
    /// Syncs that do nothing.
    pub(super) lies: Vec<(Kind, String)>,
    pub(super) dice: Dice,
}

pub(super) fn gone() -> io::Error {
    io::Error::other("the process is gone")
}

fn down() -> io::Error {
    io::Error::other("the power has failed")
}

pub(super) fn check(fault: Option<Errno>) -> io::Result<()> {
    fault.map_or(Ok(()), |errno| Err(errno.into()))
}

impl State {
    pub(super) fn new(seed: u64) -> State {
        State {
            sector: 512,
            nodes: BTreeMap::new(),
            next_node: 0,
            tree: Tree::default(),
            locked: BTreeSet::new(),
            process: 0,
            down: None,
            down_in: None,
            faults: Faults::default(),
            held: Held::default(),
            ops: Vec::new(),
            operations: 0,
            capacity: None,
            denied: false,
            lies: Vec::new(),
            dice: Dice(seed),
        }
    }

    /// The same files, names and losses to come; nothing open, nothing wrong.
    pub(super) fn fork(&self) -> State {
        State {
            sector: self.sector,
            nodes: self.nodes.clone(),
            next_node: self.next_node,
            tree: self.tree.clone(),
            operations: self.operations,
            capacity: self.capacity,
            denied: false,
            lies: self.lies.clone(),
            ..State::new(self.dice.0)
        }
    }

    pub(super) fn alive(&self, process: u64) -> io::Result<()> {
        if self.down.is_some() {
            return Err(down());
        }
        if process == self.process { Ok(()) } else { Err(gone()) }
    }

    /// Counts and tells an operation. An error when it does not take place at
    /// all, else whether it fails.
    pub(super) fn pass(&mut self, process: u64, op: Op) -> io::Result<Option<Errno>> {
        self.alive(process)?;
        match &mut self.down_in {
            Some(0) => {
                self.down = Some(op);
                return Err(down());
            }
            Some(left) => *left -= 1,
            None => {}
        }
        let fault = self.faults.hit(&op);
        self.operations += 1;
        self.ops.push(op);
        Ok(fault)
    }

    pub(super) fn make(&mut self, path: PathBuf) -> NodeId {
        self.next_node += 1;
        self.nodes.insert(self.next_node, Node::new(path));
        self.next_node
    }

    /// A file that is open, and so is kept.
    pub(super) fn node(&mut self, id: NodeId) -> io::Result<&mut Node> {
        self.nodes.get_mut(&id).ok_or_else(gone)
    }

    pub(super) fn name(&self, id: NodeId) -> String {
        self.nodes.get(&id).map(|node| op::name(&node.path)).unwrap_or_default()
    }

    /// Forgets files that have no name and that nobody has open.
    pub(super) fn sweep(&mut self) {
        let tree = &self.tree;
        self.nodes.retain(|&id, node| std::sync::Arc::strong_count(&node.handle) > 1 || tree.knows(id));
    }

    /// Space that nothing takes.
    pub(super) fn room(&self) -> u64 {
        self.capacity.map_or(u64::MAX, |capacity| capacity.saturating_sub(self.taken()))
    }

    /// Space that files with names take.
    pub(super) fn taken(&self) -> u64 {
        let shown = self.tree.shown.files.values().filter_map(|id| self.nodes.get(id));
        shown.map(Node::space).sum()
    }

    pub(super) fn write(&mut self, id: NodeId, offset: u64, bytes: &[u8], fault: Option<Errno>) -> io::Result<()> {
        let len = bytes.len() as u64;
        limited(offset.saturating_add(len))?;
        let (number, room) = (self.operations, self.room());
        let part = match fault {
            None => len,
            Some(_) if self.dice.coin() => 0,
            Some(_) => self.dice.below(bytes.len() + 1) as u64,
        };
        let node = self.node(id)?;
        let written = node.fits(offset, part, room);
        node.write(number, offset, &bytes[..written as usize]);
        check(fault)?;
        if written < len { Err(Errno::NOSPC.into()) } else { Ok(()) }
    }

    pub(super) fn set_len(&mut self, id: NodeId, len: u64) -> io::Result<()> {
        limited(len)?;
        let number = self.operations;
        self.node(id)?.set_len(number, len);
        Ok(())
    }

    pub(super) fn allocate(&mut self, id: NodeId, len: u64) -> io::Result<()> {
        limited(len)?;
        let (number, room) = (self.operations, self.room());
        let node = self.node(id)?;
        if node.fits(0, len, room) < len {
            return Err(Errno::NOSPC.into());
        }
        node.allocate(number, len);
        Ok(())
    }

    /// Whether a sync is one that says it is done and does nothing.
    pub(super) fn lies(&self, op: &Op) -> bool {
        self.lies.iter().any(|(kind, suffix)| *kind == op.kind() && op.file().ends_with(suffix))
    }

    /// Syncs what was done to a file before `through`, well or not.
    pub(super) fn sync(&mut self, id: NodeId, through: u64, fails: bool) -> io::Result<()> {
        let mut dice = self.dice.clone();
        let sector = self.sector;
        let node = self.node(id)?;
        if fails {
            node.fail_sync(through, &mut Judge { loss: Loss::Any, newest: 0, dice: &mut dice }, sector);
            self.dice = dice;
            return Err(Errno::IO.into());
        }
        node.sync(through);
        Ok(())
    }

    pub(super) fn sync_dir(&mut self, dir: &Path, fault: Option<Errno>) -> io::Result<()> {
        check(fault)?;
        self.tree.sync(dir);
        self.sweep();
        Ok(())
    }

    /// The process ends: what it had is gone, what it wrote is still shown.
    pub(super) fn end_process(&mut self) {
        self.process += 1;
        self.locked.clear();
        self.down = None;
        self.down_in = None;
        self.held.end();
        self.sweep();
    }

    /// The power fails.
    pub(super) fn lose(&mut self, dice: &mut Dice, loss: Loss) {
        let contents = self.nodes.values().flat_map(|node| &node.unsynced).map(|one| one.number);
        let newest = contents.chain(self.tree.pending.iter().map(|one| one.number)).max().unwrap_or(0);
        let judge = &mut Judge { loss, newest, dice };
        self.tree.lose(judge);
        let tree = &self.tree;
        self.nodes.retain(|&id, _| tree.knows(id));
        for node in self.nodes.values_mut() {
            node.lose(judge, self.sector);
        }
        for (path, id) in &self.tree.shown.files {
            if let Some(node) = self.nodes.get_mut(id) {
                node.path.clone_from(path);
            }
        }
        self.end_process();
    }
}

fn limited(len: u64) -> io::Result<()> {
    if len > MAX_FILE { Err(Errno::FBIG.into()) } else { Ok(()) }
}
