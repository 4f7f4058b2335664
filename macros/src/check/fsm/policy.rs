//! What each state does with each signal: said by name first, then of all others, and on each level from the state outwards.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::Ident;
use syn::Path;

use super::level::{Level, Named};
use crate::diag::{Diag, nearest};
use crate::model::Policy;

/// A signal that some state accepts.
#[derive(Debug)]
pub(super) struct Signal {
    pub(super) path: Path,
    text: String,
}

/// Every signal that a state or a group accepts, each once.
pub(super) fn signals<'l>(levels: impl Iterator<Item = &'l Level>) -> Vec<Signal> {
    let mut seen = BTreeSet::new();
    let accepted = levels.flat_map(|level| &level.named).filter(|named| named.policy == Policy::Accept);
    let first = accepted.filter(|named| seen.insert(named.text.as_str()));
    first.map(|named| Signal { path: named.path.clone(), text: named.text.clone() }).collect()
}

/// What is said of a signal that no state accepts is said of nothing.
pub(super) fn unknown<'l>(levels: impl Iterator<Item = &'l Level>, signals: &[Signal], diag: &mut Diag) {
    let known: BTreeSet<&str> = signals.iter().map(|signal| signal.text.as_str()).collect();
    for Named { path, text, .. } in levels.flat_map(|level| &level.named) {
        if !known.contains(text.as_str()) {
            let proposal = nearest(text, known.iter().copied())
                .map_or_else(|| "leave it out".to_owned(), |near| format!("did you mean `{near}`?"));
            diag.error(path, format!("no state accepts `{text}`, so that every state refuses it; {proposal}"));
        }
    }
}

/// What a state does with each signal, by its own level, its groups' from the innermost on, and the
/// machine's; and of which signals none of them says anything.
pub(super) fn policies(levels: &[&Level], signals: &[Signal]) -> (Vec<Policy>, Vec<String>) {
    let mut open = Vec::new();
    let all = levels.iter().find_map(|level| level.bare.as_ref().map(|(policy, _)| *policy));
    let mut named: BTreeMap<&str, Policy> = BTreeMap::new();
    for Named { policy, text, .. } in levels.iter().flat_map(|level| &level.named) {
        named.entry(text).or_insert(*policy);
    }
    let policies = signals.iter().map(|Signal { text, .. }| {
        named.get(text.as_str()).copied().or(all).unwrap_or_else(|| {
            open.push(text.clone());
            Policy::Reject
        })
    });
    (policies.collect(), open)
}

/// Which of the signals a state accepts by its own word.
pub(super) fn own_accepts(level: &Level, signals: &[Signal]) -> Vec<bool> {
    let accepts =
        |signal: &Signal| level.named.iter().any(|named| named.policy == Policy::Accept && named.text == signal.text);
    signals.iter().map(accepts).collect()
}

/// Tells of the signals of which nothing is said.
pub(super) fn open(state: &Ident, open: &[String], diag: &mut Diag) {
    let (what, it) = match open {
        [] => return,
        [_] => ("the signal", "it"),
        _ => ("the signals", "them"),
    };
    let names: Vec<_> = open.iter().map(|text| format!("`{text}`")).collect();
    diag.error(
        state,
        format!(
            "`{state}` does not say what becomes of {what} {}, which other states accept; write `#[accepts({})]` if its \
             handler waits for {it}, else `#[reject]`, `#[defer]` or `#[ignore]`, here or on the enum for all states",
            names.join(", "),
            open.join(", "),
        ),
    );
}
