//! Names of states and groups, as the places in their lists.

use proc_macro2::Ident;
use syn::ext::IdentExt;

use super::level::Level;
use crate::diag::{Diag, nearest};

/// How many names a message lists.
const LISTED: usize = 8;

/// The states and groups that can be named.
#[derive(Debug)]
pub(super) struct Names<'m> {
    pub(super) machine: &'m Ident,
    pub(super) states: Vec<Ident>,
    pub(super) groups: Vec<Ident>,
    /// The groups of which something was told already.
    pub(super) told: Vec<usize>,
}

/// What a name of a target stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    State(usize),
    /// It was refused, and this was most likely meant.
    Meant(usize),
    /// It was refused.
    Unknown,
}

impl Target {
    pub(super) fn state(self) -> Option<usize> {
        match self {
            Target::State(at) | Target::Meant(at) => Some(at),
            Target::Unknown => None,
        }
    }
}

impl Names<'_> {
    /// The state of a name.
    pub(super) fn target(&self, name: &Ident, diag: &mut Diag) -> Target {
        if let Some(at) = find(&self.states, name) {
            return Target::State(at);
        }
        let text = name.unraw().to_string();
        if find(&self.groups, name).is_some() {
            diag.error(name, format!("`{text}` is a group, and a run goes to one state; name the state"));
            return Target::Unknown;
        }
        let states: Vec<String> = self.states.iter().map(|state| state.unraw().to_string()).collect();
        let near = nearest(&text, states.iter().map(String::as_str));
        let proposal = near.map_or_else(|| listed("its states are", &states), |near| format!("did you mean `{near}`?"));
        diag.error(name, format!("`{text}` is not a state of `{}`; {proposal}", self.machine));
        near.and_then(|near| states.iter().position(|state| state == near)).map_or(Target::Unknown, Target::Meant)
    }

    /// The group that `parent` names, of which nothing is known if it was refused.
    pub(super) fn parent(&self, level: &Level, diag: &mut Diag) -> Option<usize> {
        let (_, name) = level.parent.as_ref()?;
        if let Some(at) = find(&self.groups, name) {
            return Some(at);
        }
        let text = name.unraw().to_string();
        let groups: Vec<String> = self.groups.iter().map(|group| group.unraw().to_string()).collect();
        let near = nearest(&text, groups.iter().map(String::as_str));
        let what = if find(&self.states, name).is_some() { "a state, and no group" } else { "not a group" };
        let proposal = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None if groups.is_empty() => format!("write `#[group({text}, ..)]` on the enum, below `#[fsm]`"),
            None => listed("its groups are", &groups),
        };
        diag.error(name, format!("`{text}` is {what} of `{}`; {proposal}", self.machine));
        near.and_then(|near| groups.iter().position(|group| group == near))
    }
}

fn find(names: &[Ident], name: &Ident) -> Option<usize> {
    let name = name.unraw();
    names.iter().position(|known| known.unraw() == name)
}

fn listed(what: &str, names: &[String]) -> String {
    let mut words: Vec<String> = names.iter().take(LISTED).map(|name| format!("`{name}`")).collect();
    if names.len() > LISTED {
        words.push("..".to_owned());
    }
    format!("{what} {}", words.join(", "))
}

/// Takes each group that would be inside itself out of what is around it, and gives those that were on the way.
pub(super) fn chains(
    names: &Names<'_>,
    parents: &mut [Option<usize>],
    levels: &[Level],
    diag: &mut Diag,
) -> Vec<usize> {
    let mut told = Vec::new();
    for at in 0..parents.len() {
        let mut around = parents[at];
        let mut way = vec![at];
        while let Some(group) = around {
            if group == at {
                let name = &names.groups[at];
                let key = levels[at].parent.as_ref().map_or(name, |(_, parent)| parent);
                diag.error(key, format!("the group `{name}` would be inside itself; leave this `parent` out"));
                parents[at] = None;
                told.append(&mut way);
                break;
            }
            // A circle further out is told of at its own groups.
            if way.contains(&group) {
                break;
            }
            way.push(group);
            around = parents[group];
        }
    }
    told
}
