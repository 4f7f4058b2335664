//! What each state does with each signal, in Markdown.

use std::collections::BTreeMap;
use std::fmt::Write;

use quote::ToTokens;

use super::state_name;
use crate::model::{Machine, Policy};

pub(super) fn write(machine: &Machine) -> String {
    let names = signals(machine);
    let mut text = String::from("| state |");
    names.iter().for_each(|name| text += &format!(" {name} |"));
    text += "\n|---|";
    names.iter().for_each(|_| text += "---|");
    text.push('\n');
    for (at, state) in machine.states.iter().enumerate() {
        let _ = write!(text, "| {} |", state_name(machine, at));
        for policy in &state.policies {
            let word = match policy {
                _ if state.terminal => "ended",
                Policy::Accept => "accept",
                Policy::Reject => "reject",
                Policy::Defer => "defer",
                Policy::Ignore => "ignore",
            };
            let _ = write!(text, " {word} |");
        }
        text.push('\n');
    }
    text
}

/// Signals by their last name, where that is one signal's alone.
fn signals(machine: &Machine) -> Vec<String> {
    let last = |path: &syn::Path| path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    machine.signals.iter().for_each(|path| *count.entry(last(path)).or_default() += 1);
    let full = |path: &syn::Path| path.to_token_stream().to_string().replace(' ', "");
    let name = |path| Some(last(path)).filter(|name| count.get(name) == Some(&1)).unwrap_or_else(|| full(path));
    machine.signals.iter().map(name).collect()
}
