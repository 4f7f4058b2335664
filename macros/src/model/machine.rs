//! A state machine: its states, its groups, and what leads from one to another.
//!
//! What must always hold: the states are the enum's variants, in their order;
//! every index is one of a list here.

use std::time::Duration;

use proc_macro2::Ident;
use syn::{Expr, ItemEnum, Path, Type};

/// What becomes of a signal that is sent to a run in some state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    Accept,
    Reject,
    Defer,
    Ignore,
}

/// A state machine.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) krate: Path,
    /// The enum without the attributes that say what the machine does.
    pub(crate) item: ItemEnum,
    /// The module of the states' structs.
    pub(crate) module: Ident,
    pub(crate) name: String,
    pub(crate) version: u32,
    pub(crate) error: Option<Type>,
    pub(crate) app: Option<Type>,
    pub(crate) states: Vec<State>,
    pub(crate) groups: Vec<Group>,
    pub(crate) timeouts: Vec<Timeout>,
    /// Every signal that some state accepts.
    pub(crate) signals: Vec<Path>,
    /// The derives of serde that it should have, which the user was told.
    pub(crate) unread: Vec<&'static str>,
    /// Nothing of it was refused.
    pub(crate) whole: bool,
}

/// A state; its name and data are the enum's.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) ident: Ident,
    pub(crate) initial: bool,
    pub(crate) terminal: bool,
    pub(crate) commit: bool,
    /// Its own successors.
    pub(crate) own_next: Vec<usize>,
    /// Those and its groups', each once.
    pub(crate) next: Vec<usize>,
    /// Its own timeout, then its groups' from the innermost on.
    pub(crate) timeouts: Vec<usize>,
    /// The innermost group.
    pub(crate) group: Option<usize>,
    /// What it does with each signal of the machine.
    pub(crate) policies: Vec<Policy>,
    /// Which of them it accepts by its own word.
    pub(crate) own_accepts: Vec<bool>,
}

/// States that have something in common.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) ident: Ident,
    pub(crate) parent: Option<usize>,
    pub(crate) next: Vec<usize>,
}

/// A deadline, and what follows when it passes.
#[derive(Debug)]
pub(crate) struct Timeout {
    pub(crate) of: TimeoutOf,
    pub(crate) after: Duration,
    /// As it was written.
    pub(crate) text: String,
    pub(crate) to: usize,
    /// What makes the state that follows.
    pub(crate) value: Expr,
}

/// Whose deadline it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeoutOf {
    State(usize),
    Group(usize),
}
