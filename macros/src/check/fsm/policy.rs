//! What each state does with each signal: said by name first, then of all others, and on each level from the state outwards.

use proc_macro2::Ident;
use syn::Path;

use super::level::{Level, path_text};
use crate::diag::{Diag, nearest};
use crate::model::Policy;

/// Every signal that a state or a group accepts, each once.
pub(super) fn signals<'l>(levels: impl Iterator<Item = &'l Level>) -> Vec<Path> {
    let mut found: Vec<(String, Path)> = Vec::new();
    for (policy, path) in levels.flat_map(|level| &level.named) {
        let text = path_text(path);
        if *policy == Policy::Accept && found.iter().all(|(earlier, _)| *earlier != text) {
            found.push((text, path.clone()));
        }
    }
    found.into_iter().map(|(_, path)| path).collect()
}

/// What is said of a signal that no state accepts is said of nothing.
pub(super) fn unknown<'l>(levels: impl Iterator<Item = &'l Level>, signals: &[Path], diag: &mut Diag) {
    let known: Vec<String> = signals.iter().map(path_text).collect();
    for (_, path) in levels.flat_map(|level| &level.named) {
        let text = path_text(path);
        if !known.contains(&text) {
            let proposal = nearest(&text, known.iter().map(String::as_str))
                .map_or_else(|| "leave it out".to_owned(), |near| format!("did you mean `{near}`?"));
            diag.error(path, format!("no state accepts `{text}`, so that every state refuses it; {proposal}"));
        }
    }
}

/// What a state does with each signal, by its own level, its groups' from the innermost on, and the
/// machine's; and of which signals none of them says anything.
pub(super) fn policies(levels: &[&Level], signals: &[Path]) -> (Vec<Policy>, Vec<String>) {
    let mut open = Vec::new();
    let all = levels.iter().find_map(|level| level.bare.as_ref().map(|(policy, _)| *policy));
    let named: Vec<(String, Policy)> =
        levels.iter().flat_map(|level| &level.named).map(|(policy, path)| (path_text(path), *policy)).collect();
    let policies = signals.iter().map(path_text).map(|text| {
        let named = named.iter().find(|(name, _)| *name == text).map(|(_, policy)| *policy);
        named.or(all).unwrap_or_else(|| {
            open.push(text);
            Policy::Reject
        })
    });
    (policies.collect(), open)
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
