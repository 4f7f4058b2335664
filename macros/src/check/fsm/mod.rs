//! A state machine: the enum, its attributes, and the graph that they make.
//!
//! What must always hold: what is refused is told once, and what stands in its
//! place is what was most likely meant, so that nothing else is told because of it.

mod graph;
mod level;
mod links;
mod misspelt;
mod policy;
mod shape;
mod timeout;

pub(crate) use shape::serde_word;

use proc_macro2::{Ident, TokenStream};
use syn::Item;
use syn::ext::IdentExt;

use super::Checked;
use super::keys::{self, APP, CRATE, NAME, VERSION};
use crate::diag::Diag;
use crate::model::{Machine, State, StateGroup, Timeout, TimeoutOf};
use crate::parse::{self, Key, MarkValue, Place, Shape};
use graph::{Fault, Node};
use level::Level;
use links::{Names, Target};

const KEYS: &[Key] = &[
    NAME,
    VERSION,
    Key { name: "error", shape: Shape::Type, example: "error = PurchaseError" },
    APP,
    Key { name: "endless", shape: Shape::Flag, example: "endless" },
    Key { name: "module", shape: Shape::Path, example: "module = purchase" },
    CRATE,
];

fn is_ours(word: &Ident) -> bool {
    parse::mark_names().any(|name| word == name)
}

/// The machine that an attribute and an enum make; none if it is no enum.
pub(crate) fn fsm(attr: TokenStream, item: &TokenStream, diag: &mut Diag) -> Option<Checked<Machine>> {
    let mut item = match syn::parse2::<Item>(item.clone()).ok()? {
        Item::Enum(item) => item,
        // The compiler reports what it cannot read better than a macro could.
        Item::Verbatim(_) => return None,
        _ => {
            let first = item.clone().into_iter().next();
            diag.error(first, "a machine is an `enum`; write `#[fsm]` on the enum of its states");
            return None;
        }
    };
    let mut entries = parse::entries(attr, "#[fsm]", KEYS, diag);
    let krate = keys::krate(&mut entries);
    let name = keys::name(&mut entries, &item.ident, diag);
    let version = entries.expr("version").and_then(|(_, expr)| keys::version(&expr, diag)).unwrap_or(1);
    let error = entries.ty("error").map(|(_, ty)| ty);
    let app = entries.ty("app").map(|(_, ty)| ty);
    let endless = entries.flag("endless").is_some();
    let module = shape::module(&item.ident, entries.path("module"), diag);

    misspelt::correct(&mut item, diag);
    let (machine, groups) = machine_level(&mut item, diag);
    let states: Vec<Level> = item
        .variants
        .iter_mut()
        .map(|variant| Level::of(parse::marks(&mut variant.attrs, Place::State, diag), diag))
        .collect();
    shape::shape(&mut item, diag);
    shape::clashes(&item, diag);

    let (group_names, group_levels): (Vec<Ident>, Vec<Level>) = groups.into_iter().unzip();
    let names = Names {
        machine: &item.ident,
        states: item.variants.iter().map(|variant| variant.ident.clone()).collect(),
        groups: group_names,
    };
    let mut draft =
        Draft { item: &item, names, module: &module, states, groups: group_levels, machine, timeouts: Vec::new() };
    draft.initial(diag);
    let groups = draft.groups(diag);
    let states = draft.states(&groups, diag);
    let nodes: Vec<Node> = (0..states.len()).map(|at| draft.node(at, &states, &groups)).collect();
    let signals = policy::signals(draft.states.iter().chain(&draft.groups));
    policy::unknown(draft.states.iter().chain(&draft.groups).chain([&draft.machine]), &signals, diag);
    draft.graph(&nodes, endless, diag);
    let states = draft.finish(&states, &groups, &nodes, &signals, diag);
    let groups = draft.names.groups.iter().zip(groups).map(|(ident, group)| StateGroup {
        ident: ident.clone(),
        parent: group.parent,
        next: group.next,
    });
    let groups = groups.collect();
    let timeouts = draft.timeouts;
    let whole = diag.len() == 0;
    if !shape::without_generics(&item) {
        item.generics.where_clause = None;
    }
    Some(Checked(Machine { krate, item, module, name, version, error, app, states, groups, timeouts, signals, whole }))
}

/// The attributes of the enum: what holds for all states, and the groups.
fn machine_level(item: &mut syn::ItemEnum, diag: &mut Diag) -> (Level, Vec<(Ident, Level)>) {
    let mut own = Vec::new();
    let mut groups: Vec<(Ident, Level)> = Vec::new();
    for mark in parse::marks(&mut item.attrs, Place::Machine, diag) {
        let MarkValue::Group(name, inner) = mark.value else {
            own.push(mark);
            continue;
        };
        if groups.iter().any(|(earlier, _)| earlier.unraw() == name.unraw()) {
            diag.error(&name, format!("the group `{name}` is given twice; keep one of them"));
        } else if item.variants.iter().any(|variant| variant.ident.unraw() == name.unraw()) {
            diag.error(&name, format!("`{name}` is a state already; give the group another name"));
        }
        groups.push((name, Level::of(inner, diag)));
    }
    (Level::of(own, diag), groups)
}

/// A machine whose names are being looked up.
struct Draft<'m> {
    item: &'m syn::ItemEnum,
    names: Names<'m>,
    module: &'m Ident,
    states: Vec<Level>,
    groups: Vec<Level>,
    machine: Level,
    timeouts: Vec<Timeout>,
}

/// What a level leads to.
#[derive(Debug, Default)]
struct Links {
    parent: Option<usize>,
    /// A group was named, if not one that there is.
    grouped: bool,
    next: Vec<usize>,
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
        let name = timeout::target(value, self.names.machine, self.module, diag);
        let to = name.map_or(Target::Unknown, |name| self.names.target(&name, diag));
        links.late = to.state();
        links.anywhere |= links.late.is_none();
        if let Target::State(to) = to {
            timeout::shape(value, &self.item.variants[to], diag);
            timeout::is_pure(value, diag);
            if let (Some(after), true) = (after, diag.len() == before) {
                links.timeout = Some(self.timeouts.len());
                self.timeouts.push(Timeout { of, after, text: text.value(), to, value: value.clone() });
            }
        }
        links
    }

    /// One state is the first.
    fn initial(&self, diag: &mut Diag) {
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

    fn groups(&mut self, diag: &mut Diag) -> Vec<Links> {
        let mut links: Vec<Links> = (0..self.groups.len()).map(|at| self.links(TimeoutOf::Group(at), diag)).collect();
        let mut parents: Vec<Option<usize>> = links.iter().map(|group| group.parent).collect();
        links::chains(&self.names, &mut parents, &self.groups, diag);
        links.iter_mut().zip(parents).for_each(|(group, parent)| group.parent = parent);
        links
    }

    fn states(&mut self, groups: &[Links], diag: &mut Diag) -> Vec<Links> {
        let states: Vec<Links> = (0..self.states.len()).map(|at| self.links(TimeoutOf::State(at), diag)).collect();
        let used = |at: usize| states.iter().any(|state| around(groups, state.parent).any(|group| group == at));
        for (at, name) in self.names.groups.iter().enumerate() {
            if !used(at) {
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
    fn node(&self, at: usize, states: &[Links], groups: &[Links]) -> Node {
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
    fn graph(&self, nodes: &[Node], endless: bool, diag: &mut Diag) {
        let names = &self.names.states;
        let list =
            |states: &[usize]| states.iter().map(|&at| format!("`{}`", names[at])).collect::<Vec<_>>().join(", ");
        for (node, name) in nodes.iter().zip(names).filter(|(node, _)| node.silent) {
            let _ = node;
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

    fn finish(
        &self,
        states: &[Links],
        groups: &[Links],
        nodes: &[Node],
        signals: &[syn::Path],
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
                vec![crate::model::Policy::Reject; signals.len()]
            } else {
                let levels: Vec<&Level> = std::iter::once(level)
                    .chain(inner_to_outer.iter().map(|&group| &self.groups[group]))
                    .chain([&self.machine])
                    .collect();
                let (policies, open) = policy::policies(&levels, signals);
                // Of a list that could not be read nobody knows what it names.
                if !broken && !(own.grouped && own.parent.is_none()) {
                    policy::open(&self.names.states[at], &open, diag);
                }
                policies
            };
            State {
                ident: self.names.states[at].clone(),
                initial: level.initial.is_some(),
                terminal: terminal && level.goes_on.is_empty(),
                doubtful: nodes[at].silent || terminal && !level.goes_on.is_empty(),
                commit: level.commit.is_some(),
                own_next: own.next.clone(),
                next: if nodes[at].anywhere { (0..states.len()).collect() } else { next },
                timeouts: all().filter_map(|links| links.timeout).collect(),
                group: own.parent,
                policies,
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
