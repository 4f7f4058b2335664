//! What a run's body is at: the operations that it waits for, and what is recorded before it.
//!
//! What must always hold: a body is dropped only when each of its operations has stopped; it goes beyond what is
//! recorded only when nothing is left behind it.

use super::inner::Inner;
use super::operations::Doing;
use crate::engine::host::GroupKind;
use crate::engine::status::Waiting;
use crate::id::{Part, Position};
use crate::run::Entry;

impl Inner {
    /// What the run waits for.
    pub(crate) fn waiting(&self) -> Vec<Waiting> {
        self.waits().cloned().collect()
    }

    pub(crate) fn waits(&self) -> impl Iterator<Item = &Waiting> {
        self.operations.values().filter_map(|doing| match doing {
            Doing::Wait(waiting) => Some(waiting),
            _ => None,
        })
    }

    /// Whether the body waits for something, and for nothing that others cannot see.
    pub(super) fn only_waits(&self) -> bool {
        !self.operations.is_empty()
            && self.operations.values().all(|doing| matches!(doing, Doing::Wait(waiting) if waiting.on.may_sleep()))
    }

    /// How many operations the body waits for.
    pub(crate) fn awaited(&self) -> usize {
        self.operations.len()
    }

    /// Whether the body waits for an operation of the engine.
    pub(crate) fn awaits_an_operation(&self) -> bool {
        !self.operations.is_empty()
    }

    /// An operation has come to where it can be dropped, and goes no further, with everything inside it.
    pub(crate) fn stop(&mut self, at: &Position) {
        for doing in self.operations.within_mut(at) {
            *doing = Doing::Stopped;
        }
    }

    /// Whether everything that the body waits for inside a scope has stopped.
    pub(crate) fn has_stopped(&self, scope: &Position) -> bool {
        self.operations.within(scope).all(|doing| matches!(doing, Doing::Stopped))
    }

    /// The body begins: what is recorded is still before it.
    pub(crate) fn begin(&mut self) {
        self.unvisited = self.state.positions().map(|(at, _)| at.clone()).collect();
        self.replayed = !self.unvisited.is_empty();
        self.replaying = self.replayed;
        self.operations.clear();
        self.deciding.clear();
        self.last_site = None;
    }

    /// What is recorded although the body would have had to come past `at` before, where nothing is recorded.
    pub(crate) fn misplaced(&self, at: &Position) -> Option<(Position, String)> {
        if !self.replayed {
            return None;
        }
        let later = self.unvisited.iter().filter(|recorded| recorded.is_behind(at)).min();
        let decided = || at.prefixes().find(|group| matches!(self.state.entry(group), Some(Entry::Group { .. })));
        let found = later.cloned().or_else(decided)?;
        let recorded = self.describe(&found);
        Some((found, recorded))
    }

    /// Whether a body that awaits something new at a position has come where it must not go on.
    pub(crate) fn is_beyond(&self, at: &Position) -> bool {
        self.state.has_lost(at) || self.misplaced(at).is_some()
    }

    /// Notes that the body came to a recorded position.
    pub(crate) fn visit(&mut self, at: &Position) {
        self.unvisited.remove(at);
    }

    /// The body has come to a group of branches.
    pub(crate) fn group_begins(&mut self, at: &Position, kind: GroupKind) {
        if kind.has_losers() {
            self.deciding.insert(at.clone());
        }
    }

    /// Whether an operation stands in a branch that may lose.
    pub(crate) fn may_lose(&self, at: &Position) -> bool {
        !self.deciding.is_empty() && at.prefixes().any(|group| self.deciding.contains(&group))
    }

    /// Notes that the body will come to nothing in the branches that have lost.
    pub(crate) fn visit_losers(&mut self, group: &Position) {
        if !self.unvisited.is_empty() {
            let state = &self.state;
            self.unvisited.retain(|at| !state.belongs(at, group));
        }
    }

    /// Notes that the body will not come to anything inside a scope that has ended.
    pub(crate) fn visit_within(&mut self, scope: &Position) {
        if !self.unvisited.is_empty() {
            self.unvisited.retain(|at| !at.is_within(scope));
        }
    }

    /// Something recorded in a scope that its body has not come to.
    pub(crate) fn unvisited_in(&self, scope: &Position) -> Option<(Position, String)> {
        let at = self.unvisited.iter().filter(|at| at.is_within(scope)).min()?;
        Some((at.clone(), self.describe(at)))
    }

    /// Something recorded in a group that its code, with so many branches, has no branch for.
    pub(crate) fn unvisited_beside(&self, group: &Position, branches: usize) -> Option<(Position, String)> {
        let depth = group.parts().count();
        let beside = |at: &&Position| {
            let branch = at.parts().nth(depth);
            at.is_within(group) && matches!(branch, Some(Part::Branch(index)) if index as usize >= branches)
        };
        let at = self.unvisited.iter().filter(beside).min()?;
        Some((at.clone(), self.describe(at)))
    }

    /// Something recorded that the body has not come to at its end. A panic ends all branches wherever they are.
    pub(crate) fn left_behind(&self, scope: &Position, panicked: bool) -> Option<(Position, String)> {
        let in_branch = |at: &&Position| at.parts().any(|part| matches!(part, Part::Branch(_)));
        let left = self.unvisited.iter().filter(|at| at.is_within(scope));
        let at = left.filter(|at| !(panicked && in_branch(at))).min()?;
        Some((at.clone(), self.describe(at)))
    }

    /// What is recorded at a position, in words.
    pub(crate) fn describe(&self, at: &Position) -> String {
        match self.state.entry(at) {
            Some(Entry::Step(step)) => format!("step `{}`", step.name),
            Some(Entry::Scope { saga, version, .. }) => format!("saga `{saga}` version {version}"),
            Some(Entry::Timer { .. }) => "a timer".to_owned(),
            Some(Entry::Signal { name, .. }) => format!("signal `{name}`"),
            Some(Entry::Group { won, .. }) => format!("a group that its branch {won} has decided"),
            Some(Entry::Drawn { source, .. }) => format!("a value of `{source}`"),
            Some(Entry::Published) => "something published".to_owned(),
            Some(Entry::Child { child, workflow, .. }) => format!("the start of child `{child}` (`{workflow}`)"),
            Some(Entry::ChildEnd { child, .. }) => format!("the end of child `{child}`"),
            Some(Entry::Pause) => "a pause".to_owned(),
            None => "nothing".to_owned(),
        }
    }

    /// Something waits; whether it is part of an operation, as all but the rollback of the whole run is.
    pub(crate) fn wait_begins(&mut self, at: &Position, waiting: Waiting) -> bool {
        self.operations.insert(at.clone(), Doing::Wait(waiting)).is_some()
    }

    pub(crate) fn wait_ends(&mut self, at: &Position, within: bool) {
        if !within {
            self.operations.remove(at);
        } else if let Some(doing @ Doing::Wait(_)) = self.operations.get_mut(at) {
            *doing = Doing::Work;
        }
    }
}
