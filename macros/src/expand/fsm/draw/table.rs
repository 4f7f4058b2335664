//! What each state does with each signal, in Markdown.

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
    let last = |path: &syn::Path| path.segments.last().map(|last| last.ident.to_string());
    let name = |path: &syn::Path| {
        let mine = last(path);
        let alone = machine.signals.iter().filter(|other| last(other) == mine).count() == 1;
        let full = || path.to_token_stream().to_string().replace(' ', "");
        mine.filter(|_| alone).unwrap_or_else(full)
    };
    machine.signals.iter().map(name).collect()
}
