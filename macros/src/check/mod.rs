//! The rules that tokens can decide.
//!
//! Owns every refusal that is not a type error. What must always hold: a
//! [`Checked`] value has nothing in it that a rule refuses (what was refused
//! was reported and left out), and nothing but a checked value is expanded.

mod body;
mod flow;
mod forbidden;
mod fsm;
mod keys;
mod kind;
mod mentions;
mod retry;
mod saga;
mod sig;
mod signal;
mod state;
mod step;
mod store;
mod undo;

pub(crate) use fsm::fsm;
pub(crate) use saga::saga;
pub(crate) use signal::signal;
pub(crate) use state::{BrokenHandler, state};
pub(crate) use step::step;
pub(crate) use store::store;

use syn::Path;

use crate::parse::Function;

/// Something that no rule refuses.
#[derive(Debug)]
pub(crate) struct Checked<T>(T);

impl<T> Checked<T> {
    pub(crate) fn get(&self) -> &T {
        &self.0
    }
}

/// A function whose signature cannot be used: callers are kept from errors of their own.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) krate: Path,
    pub(crate) function: Box<Function>,
}

/// What a check makes of an item.
#[derive(Debug)]
pub(crate) enum Verdict<T, B = Broken> {
    Usable(Box<Checked<T>>),
    Broken(B),
}
