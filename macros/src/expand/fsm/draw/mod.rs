//! The graph for people: a Mermaid diagram, a drawing for Graphviz, and a table.
//!
//! What must always hold: a group's arrows are drawn once, at the group; the
//! names are those of the tokens, and the same enum gives the same text.

mod dot;
mod mermaid;
mod table;
#[cfg(test)]
mod tests;

use syn::ext::IdentExt;

use crate::model::{Machine, Timeout, TimeoutOf};

/// The graph as text, three times.
pub(super) struct Drawing {
    pub(super) mermaid: String,
    pub(super) dot: String,
    pub(super) table: String,
}

pub(super) fn drawing(machine: &Machine) -> Drawing {
    Drawing { mermaid: mermaid::write(machine), dot: dot::write(machine), table: table::write(machine) }
}

fn state_name(machine: &Machine, at: usize) -> String {
    machine.states[at].ident.unraw().to_string()
}

fn group_name(machine: &Machine, at: usize) -> String {
    machine.groups[at].ident.unraw().to_string()
}

/// What stands at the arrow of a timeout.
fn late(timeout: &Timeout) -> String {
    format!("after {}", timeout.text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The timeouts of a state alone or a group alone.
fn timeouts_of(machine: &Machine, of: TimeoutOf) -> impl Iterator<Item = &Timeout> {
    machine.timeouts.iter().filter(move |timeout| timeout.of == of)
}

/// The states that are in a group, or in none, and not in one inside it.
fn states_in(machine: &Machine, group: Option<usize>) -> impl Iterator<Item = usize> {
    (0..machine.states.len()).filter(move |&at| machine.states[at].group == group)
}

/// The groups that are directly in a group, or in none.
fn groups_in(machine: &Machine, group: Option<usize>) -> impl Iterator<Item = usize> {
    (0..machine.groups.len()).filter(move |&at| machine.groups[at].parent == group)
}
