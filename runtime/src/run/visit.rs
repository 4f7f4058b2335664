//! The states that a machine enters.

use super::Entry;
use super::apply::Applied;
use super::state::RunState;
use crate::codec::Payload;
use crate::id::Position;
use crate::record::{Carried, Event, Name, Reason};
use crate::time::Timestamp;

/// Since when a run is in its state, and in the groups around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Since {
    /// The state's name, and why it was entered; none in the state that the run began in.
    pub(crate) state: Option<(Name, Reason)>,
    /// When it was entered; of the first state, when the run began.
    pub(crate) at: Timestamp,
    /// The groups, each since when the run is in it without a break. Of the first state's nothing is recorded: since the state was entered.
    pub(crate) groups: Vec<(Name, Timestamp)>,
}

impl Since {
    /// Of a run that was started then.
    pub(super) fn new(at: Timestamp) -> Since {
        Since { state: None, at, groups: Vec::new() }
    }

    /// The state's name, unless it is the first one.
    pub(crate) fn name(&self) -> Option<&str> {
        self.state.as_ref().map(|(name, _)| &**name)
    }

    /// Since when the run is in a group.
    pub(crate) fn group(&self, name: &str) -> Option<Timestamp> {
        let known = self.groups.iter().find(|(group, _)| group == name).map(|(_, since)| *since);
        match self.state {
            None => Some(self.at),
            Some(_) => known,
        }
    }
}

/// A state that is entered, but for what the run keeps.
pub(super) struct Visited<'a> {
    pub(super) visit: u32,
    pub(super) state: &'a Name,
    pub(super) value: &'a Payload,
    pub(super) reason: &'a Reason,
    pub(super) groups: &'a [(Name, Timestamp)],
    pub(super) carried: &'a Carried,
}

impl RunState {
    pub(super) fn state_entered(&mut self, event: &Event, time: Timestamp, entered: &Visited<'_>) -> Applied {
        let Visited { visit, state, value, reason, groups, carried } = *entered;
        self.turn(event, visit, value, carried)?;
        self.since = Since { state: Some((state.clone(), reason.clone())), at: time, groups: groups.to_vec() };
        Ok(())
    }

    /// What a run keeps when it enters a state: what it keeps in another turn, but for what is final then, and for signals that
    /// the state has no use for.
    pub(crate) fn carry_into(&self, commit: bool, ignores: &[&str]) -> Carried {
        let mut carried = self.carry();
        if commit {
            carried.undo.clear();
            carried.redone.clear();
            carried.past_pivot = true;
        }
        carried.inbox.retain(|waiting| !ignores.contains(&&*waiting.signal));
        carried
    }

    /// Since when the run is in the groups of a state that it enters now; `inside` tells in which it has been.
    pub(crate) fn groups_since(
        &self,
        groups: &[&'static str],
        inside: &[&str],
        now: Timestamp,
    ) -> Vec<(Name, Timestamp)> {
        let since = |group: &str| self.since.group(group).filter(|_| inside.contains(&group)).unwrap_or(now);
        groups.iter().map(|group| (Name::Borrowed(*group), since(group))).collect()
    }

    /// Why the present handler goes to another state: the signal that it took last, if it took one.
    pub(crate) fn reason(&self) -> Reason {
        let signals = self.positions().filter_map(|(at, entry)| match entry {
            Entry::Signal { name, .. } if !self.has_lost(at) => Some((at, name)),
            _ => None,
        });
        let last: Option<(&Position, &Name)> = signals.max_by_key(|(at, _)| *at);
        last.map_or(Reason::Handler, |(_, name)| Reason::Signal { name: name.clone() })
    }
}
