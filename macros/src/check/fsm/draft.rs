//! A machine whose names are looked up: what each state and group leads to, and what that makes of the graph.

use proc_macro2::Ident;
use syn::ItemEnum;

use super::graph::{self, Fault, Node};
use super::level::Level;
use super::links::{self, Names, Target};
use super::policy::{self, Signal};
use super::timeout;
use crate::diag::Diag;
use crate::model::{Policy, State, Timeout, TimeoutOf};

/// A machine whose names are being looked up.
pub(super) struct Draft<'m> {
    pub(super) item: &'m ItemEnum,
    pub(super) names: Names<'m>,
    pub(super) module: &'m Ident,
    pub(super) states: Vec<Level>,
    pub(super) groups: Vec<Level>,
    pub(super) machine: Level,
    pub(super) timeouts: Vec<Timeout>,
}

/// What a level leads to.
#[derive(Debug, Default)]
pub(super) struct Links {
    pub(super) parent: Option<usize>,
    /// A group was named, if not one that there is.
    grouped: bool,
    pub(super) next: Vec<usize>,
    /// The timeout, if nothing of it was refused.
    timeout: Option<usize>,
    /// Where the timeout leads, also if something of it was refused.
    late: Option<usize>,
    /// There is a target of which nobody knows what was meant.
    anywhere: bool,
    /// Something is said to follow.
    declared: bool,
}

impl Draft<'_> {
    fn links(&mut self, of: TimeoutOf, diag: &mut Diag) -> Links {
        let level = match of {
            TimeoutOf::State(at) => &self.states[at],
            TimeoutOf::Group(at) => &self.groups[at],
        };
        let mut links = Links {
            parent: self.names.parent(level, diag),
            grouped: level.parent.is_some(),
            declared: level.next.is_some() || level.timeout.is_some() || level.broken,
            anywhere: level.broken,
            ..Links::default()
        };
        for name in level.next.iter().flat_map(|(_, names)| names) {
            match self.names.target(name, diag).state() {
                Some(at) if !links.next.contains(&at) => links.next.push(at),
                Some(_) => {}
                None => links.anywhere = true,
            }
        }
        let Some((_, text, value)) = &level.timeout else { return links };
        let before = diag.len();
        let after = timeout::after(text, diag);
        let made = timeout::target(value, self.names.machine, self.module, diag);
        let to = made.as_ref().map_or(Target::Unknown, |(name, _)| self.names.target(name, diag));
        links.late = to.state();
        links.anywhere |= links.late.is_none();
        if let Target::State(to) = to {
            timeout::shape(value, &self.item.variants[to], diag);
            timeout::is_pure(value, diag);
            if let (Some(after), Some((_, value)), true) = (after, made, diag.len() == before) {
                links.timeout = Some(self.timeouts.len());
                self.timeouts.push(Timeout { of, after, text: text.value(), to, value });
            }
        }
        links
    }

    /// One state is the first.
    pub(super) fn initial(&self, diag: &mut Diag) {
        let mut initial = self
            .states
            .iter()
            .zip(&self.names.states)
            .filter_map(|(level, name)| Some((level.initial.as_ref()?, name)));
        let first = initial.next();
        if let (None, false) = (first, self.states.is_empty()) {
            let name = self.names.machine;
            diag.error(
                name,
                format!("no state of `{name}` is the first; write `#[initial]` on the one that a run begins in"),
            );
        }
        for (key, name) in initial {
            let first = first.map_or(name, |(_, first)| first);
            diag.error(
                key,
                format!("`{name}` and `{first}` are both `initial`; a run begins in one state, keep one of them"),
            );
        }
    }

    pub(super) fn groups(&mut self, diag: &mut Diag) -> Vec<Links> {
        let mut links: Vec<Links> = (0..self.groups.len()).map(|at| self.links(TimeoutOf::Group(at), diag)).collect();
        let mut parents: Vec<Option<usize>> = links.iter().map(|group| group.parent).collect();
        let mut told = links::chains(&self.names, &mut parents, &self.groups, diag);
        self.names.told.append(&mut told);
        links.iter_mut().zip(parents).for_each(|(group, parent)| group.parent = parent);
        links
    }

    pub(super) fn states(&mut self, groups: &[Links], diag: &mut Diag) -> Vec<Links> {
        let states: Vec<Links> = (0..self.states.len()).map(|at| self.links(TimeoutOf::State(at), diag)).collect();
        let used = |at: usize| states.iter().any(|state| around(groups, state.parent).any(|group| group == at));
        for (at, name) in self.names.groups.iter().enumerate() {
            if !used(at) && !self.names.told.contains(&at) {
                diag.error(
                    name,
                    format!(
                        "no state is in the group `{name}`; write `#[parent({name})]` on its states, or leave it out"
                    ),
                );
            }
        }
        for (level, name) in self.states.iter().zip(&self.names.states) {
            for key in level.terminal.iter().flat_map(|_| &level.goes_on) {
                diag.error(key, format!("a run ends in `{name}`, which is terminal; leave `{key}` out, or `terminal`"));
            }
        }
        states
    }

    /// A state with everything that its groups say.
    pub(super) fn node(&self, at: usize, states: &[Links], groups: &[Links]) -> Node {
        let own = &states[at];
        let all = || std::iter::once(own).chain(around(groups, own.parent).map(|group| &groups[group]));
        // What holds for a group that nobody knows is not known either.
        let lost = own.grouped && own.parent.is_none();
        let terminal = self.states[at].terminal.is_some();
        let silent = !terminal && !lost && !all().any(|links| links.declared);
        Node {
            initial: self.states[at].initial.is_some(),
            ends: terminal || silent,
            silent,
            to: all().flat_map(|links| links.next.iter().copied().chain(links.late)).collect(),
            anywhere: silent || lost || all().any(|links| links.anywhere),
        }
    }

    /// Every state is come to, and left for an end.
    pub(super) fn graph(&self, nodes: &[Node], endless: bool, diag: &mut Diag) {
        let names = &self.names.states;
        let list =
            |states: &[usize]| states.iter().map(|&at| format!("`{}`", names[at])).collect::<Vec<_>>().join(", ");
        for (_, name) in nodes.iter().zip(names).filter(|(node, _)| node.silent) {
            diag.error(
                name,
                format!(
                    "`{name}` says neither what follows nor that a run ends in it; write `#[next(..)]` or `#[terminal]`"
                ),
            );
        }
        let unreachable = graph::unreachable(nodes);
        for Fault { at, others } in &unreachable {
            let name = &names[*at];
            let more = match others.as_slice() {
                [] => String::new(),
                others => format!(", nor to {}, which it leads to", list(others)),
            };
            diag.error(
                name,
                format!(
                    "no way from the initial state leads to `{name}`{more}; name it in a `#[next(..)]`, or leave it out"
                ),
            );
        }
        if endless {
            return;
        }
        if !nodes.is_empty() && !nodes.iter().any(|node| node.ends || node.anywhere) {
            let name = self.names.machine;
            diag.error(name, format!("no state of `{name}` is terminal; write `#[terminal]` on those that a run ends in, or `#[fsm(endless)]` if none is to end"));
            return;
        }
        let told = |at: usize| unreachable.iter().any(|fault| fault.at == at || fault.others.contains(&at));
        for Fault { at, others } in graph::endless(nodes).iter().filter(|fault| !told(fault.at)) {
            let name = &names[*at];
            let more = match others.as_slice() {
                [] => String::new(),
                others => format!(", nor from {}, which leads to it", list(others)),
            };
            diag.error(name, format!("no way from `{name}` leads to a terminal state{more}; write the `#[next(..)]` that does, or `#[fsm(endless)]` if a run may go on for ever"));
        }
    }

    pub(super) fn finish(
        &self,
        states: &[Links],
        groups: &[Links],
        nodes: &[Node],
        signals: &[Signal],
        diag: &mut Diag,
    ) -> Vec<State> {
        let broken = self.states.iter().chain(&self.groups).chain([&self.machine]).any(|level| level.broken);
        let state = |(at, own): (usize, &Links)| {
            let inner_to_outer: Vec<usize> = around(groups, own.parent).collect();
            let all = || std::iter::once(own).chain(inner_to_outer.iter().map(|&group| &groups[group]));
            let mut next: Vec<usize> = Vec::new();
            for to in all().flat_map(|links| &links.next) {
                if !next.contains(to) {
                    next.push(*to);
                }
            }
            let level = &self.states[at];
            let terminal = level.terminal.is_some();
            let policies = if terminal {
                vec![Policy::Reject; signals.len()]
            } else {
                let levels: Vec<&Level> = std::iter::once(level)
                    .chain(inner_to_outer.iter().map(|&group| &self.groups[group]))
                    .chain([&self.machine])
                    .collect();
                let (policies, open) = policy::policies(&levels, signals);
                // Of a list that could not be read nobody knows what it names.
                let lost = own.grouped && own.parent.is_none();
                if !broken && !lost {
                    policy::open(&self.names.states[at], &open, diag);
                }
                policies
            };
            State {
                ident: self.names.states[at].clone(),
                initial: level.initial.is_some(),
                terminal: terminal && level.goes_on.is_empty(),
                commit: level.commit.is_some(),
                own_next: own.next.clone(),
                next: if nodes[at].anywhere { (0..states.len()).collect() } else { next },
                timeouts: all().filter_map(|links| links.timeout).collect(),
                group: own.parent,
                policies,
                own_accepts: policy::own_accepts(level, signals),
            }
        };
        states.iter().enumerate().map(state).collect()
    }
}

/// A group and those around it, from the innermost on.
fn around(groups: &[Links], innermost: Option<usize>) -> impl Iterator<Item = usize> {
    // A circle was broken up; no way out is longer than there are groups.
    std::iter::successors(innermost, |&group| groups[group].parent).take(groups.len())
}
