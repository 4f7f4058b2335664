//! A Mermaid state diagram; groups are its composite states.

use std::fmt::Write;

use super::{group_name, groups_in, late, state_name, states_in, timeouts_of};
use crate::model::{Machine, TimeoutOf};

/// Words that Mermaid would take for its own, in any case.
const RESERVED: [&str; 19] = [
    "state",
    "note",
    "end",
    "direction",
    "as",
    "fork",
    "join",
    "choice",
    "history",
    "class",
    "classdef",
    "style",
    "scale",
    "hide",
    "default",
    "click",
    "acctitle",
    "accdescr",
    "concurrency",
];

pub(super) fn write(machine: &Machine) -> String {
    let ids = Ids::of(machine);
    let mut text = String::from("stateDiagram-v2\n");
    inside(machine, &ids, None, 1, &mut text);
    let mut line = |from: &str, to: &str, label: &str| {
        let _ = match label {
            "" => writeln!(text, "    {from} --> {to}"),
            label => writeln!(text, "    {from} --> {to} : {label}"),
        };
    };
    for (at, state) in machine.states.iter().enumerate() {
        let from = &ids.states[at];
        if state.initial {
            line("[*]", from, "");
        }
        state.own_next.iter().for_each(|&to| line(from, &ids.states[to], ""));
        timeouts_of(machine, TimeoutOf::State(at))
            .for_each(|timeout| line(from, &ids.states[timeout.to], &late(timeout)));
        if state.terminal {
            line(from, "[*]", "");
        }
    }
    for (at, group) in machine.groups.iter().enumerate() {
        let from = &ids.groups[at];
        group.next.iter().for_each(|&to| line(from, &ids.states[to], ""));
        timeouts_of(machine, TimeoutOf::Group(at))
            .for_each(|timeout| line(from, &ids.states[timeout.to], &late(timeout)));
    }
    text
}

/// The states and groups in a group, or in none.
fn inside(machine: &Machine, ids: &Ids, group: Option<usize>, depth: usize, text: &mut String) {
    let indent = "    ".repeat(depth);
    for at in states_in(machine, group) {
        let (id, name) = (&ids.states[at], state_name(machine, at));
        let _ = match (machine.states[at].commit, *id == name) {
            (true, _) => writeln!(text, "{indent}state \"{name} (commit)\" as {id}"),
            (false, false) => writeln!(text, "{indent}state \"{name}\" as {id}"),
            (false, true) => writeln!(text, "{indent}{id}"),
        };
    }
    for at in groups_in(machine, group) {
        let (id, name) = (&ids.groups[at], group_name(machine, at));
        let _ = match *id == name {
            true => writeln!(text, "{indent}state {id} {{"),
            false => writeln!(text, "{indent}state \"{name}\" as {id} {{"),
        };
        inside(machine, ids, Some(at), depth + 1, text);
        let _ = writeln!(text, "{indent}}}");
    }
}

/// What states and groups are called in the diagram.
struct Ids {
    states: Vec<String>,
    groups: Vec<String>,
}

impl Ids {
    fn of(machine: &Machine) -> Ids {
        let states: Vec<String> = (0..machine.states.len()).map(|at| state_name(machine, at)).collect();
        let groups: Vec<String> = (0..machine.groups.len()).map(|at| group_name(machine, at)).collect();
        let taken: std::collections::BTreeSet<String> = states.iter().chain(&groups).cloned().collect();
        // What is called like a word has another name, and nobody else's.
        let id = |name: String| {
            let mut id = name;
            if RESERVED.contains(&id.to_lowercase().as_str()) {
                while taken.contains(&id) {
                    id.push('_');
                }
            }
            id
        };
        Ids { states: states.into_iter().map(id).collect(), groups: groups.into_iter().map(id).collect() }
    }
}
