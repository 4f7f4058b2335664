//! The language of Graphviz; groups are its clusters.

use std::fmt::Write;

use syn::ext::IdentExt;

use super::{group_name, groups_in, late, state_name, states_in, timeouts_of};
use crate::model::{Machine, TimeoutOf};

pub(super) fn write(machine: &Machine) -> String {
    let name = machine.item.ident.unraw();
    let mut text = format!(
        "digraph \"{name}\" {{\n    compound=true;\n    node [shape=box, style=rounded];\n    begin [shape=point];\n"
    );
    inside(machine, None, 1, &mut text);
    let mut line = |from: &str, to: usize, words: &[String]| {
        let words: Vec<&str> = words.iter().map(String::as_str).filter(|word| !word.is_empty()).collect();
        let _ = match words.as_slice() {
            [] => writeln!(text, "    {from} -> s{to};"),
            words => writeln!(text, "    {from} -> s{to} [{}];", words.join(", ")),
        };
    };
    let label = |text: String| format!("label=\"{}\"", text.replace(['"', '\\'], " "));
    for (at, state) in machine.states.iter().enumerate() {
        let from = format!("s{at}");
        if state.initial {
            line("begin", at, &[]);
        }
        state.own_next.iter().for_each(|&to| line(&from, to, &[]));
        timeouts_of(machine, TimeoutOf::State(at))
            .for_each(|timeout| line(&from, timeout.to, &[label(late(timeout)), "style=dashed".to_owned()]));
    }
    for (at, group) in machine.groups.iter().enumerate() {
        // An arrow goes between states: it leaves the cluster of one of them.
        let Some(first) = (0..machine.states.len()).find(|&state| is_in(machine, state, at)) else { continue };
        let (from, tail) = (format!("s{first}"), format!("ltail=cluster_{at}"));
        group.next.iter().for_each(|&to| line(&from, to, std::slice::from_ref(&tail)));
        timeouts_of(machine, TimeoutOf::Group(at)).for_each(|timeout| {
            line(&from, timeout.to, &[tail.clone(), label(late(timeout)), "style=dashed".to_owned()]);
        });
    }
    text.push_str("}\n");
    text
}

/// The states and clusters in a group, or in none.
fn inside(machine: &Machine, group: Option<usize>, depth: usize, text: &mut String) {
    let indent = "    ".repeat(depth);
    for at in states_in(machine, group) {
        let state = &machine.states[at];
        let name = state_name(machine, at);
        let more = match (state.terminal, state.commit) {
            (true, _) => ", peripheries=2",
            (false, true) => ", style=\"rounded,bold\"",
            (false, false) => "",
        };
        let _ = writeln!(text, "{indent}s{at} [label=\"{name}\"{more}];");
    }
    for at in groups_in(machine, group) {
        let _ = writeln!(text, "{indent}subgraph cluster_{at} {{\n{indent}    label=\"{}\";", group_name(machine, at));
        inside(machine, Some(at), depth + 1, text);
        let _ = writeln!(text, "{indent}}}");
    }
}

fn is_in(machine: &Machine, state: usize, group: usize) -> bool {
    std::iter::successors(machine.states[state].group, |&at| machine.groups[at].parent).any(|at| at == group)
}
