//! What the attributes of one state, one group or the whole machine say: each at most once.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::{Expr, LitStr, Path};

use crate::diag::Diag;
use crate::model::Policy;
use crate::parse::{Mark, MarkValue};

/// What is said of one signal.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) policy: Policy,
    pub(super) path: Path,
    /// The path as it is written, which is what tells signals apart here.
    pub(super) text: String,
}

/// The attributes of one level, and where they stand.
#[derive(Debug, Default)]
pub(super) struct Level {
    pub(super) initial: Option<Ident>,
    pub(super) terminal: Option<Ident>,
    pub(super) commit: Option<Ident>,
    pub(super) next: Option<(Ident, Vec<Ident>)>,
    pub(super) parent: Option<(Ident, Ident)>,
    pub(super) timeout: Option<(Ident, LitStr, Expr)>,
    /// What is said of a signal by its name.
    pub(super) named: Vec<Named>,
    /// What is said of all others.
    pub(super) bare: Option<(Policy, Ident)>,
    /// The keys of those that no terminal state can have.
    pub(super) goes_on: Vec<Ident>,
    /// Something of it could not be read.
    pub(super) broken: bool,
}

impl Level {
    pub(super) fn of(marks: Vec<Mark>, diag: &mut Diag) -> Level {
        let mut level = Level::default();
        for Mark { key, value } in marks {
            level.add(key, value, diag);
        }
        level
    }

    fn add(&mut self, key: Ident, value: MarkValue, diag: &mut Diag) {
        if !matches!(value, MarkValue::Initial | MarkValue::Terminal | MarkValue::Commit | MarkValue::Group(..)) {
            self.goes_on.push(key.clone());
        }
        match value {
            MarkValue::Initial => once(&mut self.initial, &key, key.clone(), diag),
            MarkValue::Terminal => once(&mut self.terminal, &key, key.clone(), diag),
            MarkValue::Commit => once(&mut self.commit, &key, key.clone(), diag),
            MarkValue::Next(targets) => {
                for (at, target) in targets.iter().enumerate() {
                    if targets[..at].contains(target) {
                        diag.error(target, format!("`{target}` is named twice in this `next`; keep one of them"));
                    }
                }
                match &mut self.next {
                    Some((_, earlier)) => {
                        earlier.extend(targets);
                        diag.error(&key, "`next` is given twice; write all targets in one list");
                    }
                    none => *none = Some((key, targets)),
                }
            }
            MarkValue::Parent(group) => once(&mut self.parent, &key, (key.clone(), group), diag),
            MarkValue::Timeout(text, value) => once(&mut self.timeout, &key, (key.clone(), text, value), diag),
            MarkValue::Policy(policy, Some(signals)) => {
                signals.into_iter().for_each(|signal| self.name(policy, signal, diag));
            }
            MarkValue::Policy(policy, None) => match &self.bare {
                Some((earlier, _)) if *earlier != policy => {
                    let word = word(*earlier);
                    diag.error(
                        &key,
                        format!("`{key}` and `{word}` both say what becomes of all other signals; keep one of them"),
                    );
                }
                _ => once(&mut self.bare, &key, (policy, key.clone()), diag),
            },
            MarkValue::Group(..) => {}
            MarkValue::Unread => self.broken = true,
        }
    }

    fn name(&mut self, policy: Policy, signal: Path, diag: &mut Diag) {
        let text = signal.to_token_stream().to_string().replace(' ', "");
        match self.named.iter().find(|earlier| earlier.text == text) {
            Some(earlier) if earlier.policy == policy => {
                let word = word(policy);
                diag.error(&signal, format!("`{text}` is named twice by `{word}`; keep one of them"));
            }
            Some(earlier) => {
                let (word, earlier) = (word(policy), word(earlier.policy));
                diag.error(&signal, format!("`{text}` is named by `{earlier}` and by `{word}`; keep one of them"));
            }
            None => self.named.push(Named { policy, path: signal, text }),
        }
    }
}

fn once<T>(slot: &mut Option<T>, key: &Ident, value: T, diag: &mut Diag) {
    if slot.is_some() {
        diag.error(key, format!("`{key}` is given twice; keep one of them"));
    } else {
        *slot = Some(value);
    }
}

fn word(policy: Policy) -> &'static str {
    match policy {
        Policy::Accept => "accepts",
        Policy::Reject => "reject",
        Policy::Defer => "defer",
        Policy::Ignore => "ignore",
    }
}
