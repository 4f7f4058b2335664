//! The graph of a state machine, as constant data.
//!
//! What must always hold: indexes of states and groups are those of their lists; a state's timeouts, next states and
//! signals are what holds for it with everything that its groups say.

use std::time::Duration;

use super::check::Exit;
use super::{Plan, same};
use crate::step::Site;

/// The states of a machine, and how one leads to another. Made by `#[fsm]`.
#[derive(Debug)]
pub struct Graph {
    /// The states, in the order of the enum's variants.
    pub states: &'static [StateMeta],
    /// The groups.
    pub groups: &'static [GroupMeta],
    /// The durable names of the signals that some state accepts.
    pub signals: &'static [&'static str],
    /// The graph for people.
    pub drawing: Drawing,
}

/// A graph as text.
#[derive(Debug)]
pub struct Drawing {
    /// A Mermaid state diagram.
    pub mermaid: &'static str,
    /// Graphviz' language.
    pub dot: &'static str,
    /// What each state does with each signal, in Markdown.
    pub table: &'static str,
}

/// One state.
#[derive(Debug)]
pub struct StateMeta {
    /// The name on disk.
    pub name: &'static str,
    /// Where its variant is written.
    pub site: Site,
    /// A run begins in it.
    pub initial: bool,
    /// A run ends in it.
    pub terminal: bool,
    /// Entering it makes what came before final.
    pub commit: bool,
    /// The states that its handler may go to.
    pub next: &'static [u16],
    /// Its own timeout, then those of its groups from the innermost on.
    pub timeouts: &'static [TimeoutMeta],
    /// The innermost group that it is in.
    pub group: Option<u16>,
    /// What it does with each of the graph's signals, as a byte: `A` accept, `a` accept as its group
    /// does, `r` reject, `d` defer, `i` ignore.
    pub signals: &'static [u8],
    /// What its handler awaits.
    pub plan: &'static Plan,
    /// The arms of that plan that never come to their end.
    pub exits: &'static [Exit],
}

/// A deadline of a state.
#[derive(Debug)]
pub struct TimeoutMeta {
    /// How long after the state, or the group, was entered.
    pub after: Duration,
    /// The state that follows.
    pub to: u16,
    /// The group whose deadline it is; none for the state's own.
    pub group: Option<u16>,
}

/// A group of states.
#[derive(Debug)]
pub struct GroupMeta {
    /// Its name, also on disk.
    pub name: &'static str,
    /// The group around it.
    pub parent: Option<u16>,
}

/// What becomes of a signal that is sent to a run in some state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    /// It is the run's: the state waits for such signals.
    Accept,
    /// The sender is told that the run does not take it now.
    Reject,
    /// It is kept for a later state.
    Defer,
    /// It is acknowledged, and has no effect.
    Ignore,
}

impl Policy {
    fn of_byte(byte: u8) -> Policy {
        match byte {
            b'A' | b'a' => Policy::Accept,
            b'd' => Policy::Defer,
            b'i' => Policy::Ignore,
            _ => Policy::Reject,
        }
    }
}

impl Graph {
    /// A state by its name on disk.
    pub(crate) fn state(&self, name: &str) -> Option<&'static StateMeta> {
        self.states.iter().find(|state| state.name == name)
    }

    /// The state that a run begins in.
    pub(crate) fn initial(&self) -> Option<&'static StateMeta> {
        self.states.iter().find(|state| state.initial)
    }

    /// What a state does with a signal; nothing is said of one that no state accepts.
    pub(crate) fn policy(&self, state: &StateMeta, signal: &str) -> Option<Policy> {
        let index = self.signals.iter().position(|name| *name == signal)?;
        Some(state.signals.get(index).map_or(Policy::Reject, |byte| Policy::of_byte(*byte)))
    }

    /// The signals that a state accepts.
    pub(crate) fn accepted(&self, state: &StateMeta) -> impl Iterator<Item = &'static str> {
        self.signals
            .iter()
            .zip(state.signals)
            .filter(|(_, byte)| Policy::of_byte(**byte) == Policy::Accept)
            .map(|(name, _)| *name)
    }

    /// The groups that a state is in, from the innermost on.
    pub(crate) fn groups(&self, state: &StateMeta) -> impl Iterator<Item = &'static GroupMeta> {
        let groups = self.groups;
        let get = move |index: u16| groups.get(usize::from(index));
        // A circle, which the macro refuses, would not end.
        std::iter::successors(state.group.and_then(get), move |group| group.parent.and_then(get)).take(groups.len())
    }

    /// Whether some state accepts a signal.
    pub(super) const fn accepts(&self, signal: &str) -> bool {
        let mut i = 0;
        while i < self.signals.len() {
            if same(self.signals[i], signal) {
                return true;
            }
            i += 1;
        }
        false
    }
}
