//! From what was checked to Rust.
//!
//! Owns everything generated. What must always hold: generated code names
//! nothing but `::factum::__private` and its own `__factum_` names, its methods
//! included, so that no name of the user's can be taken for one of ours, and every type
//! error that the user can cause has the span of the user's token.

mod args;
mod awaits;
mod body;
mod broken;
mod fsm;
mod key;
mod marker;
mod plan;
mod ret;
mod saga;
mod scope;
mod signal;
mod signature;
mod spans;
mod state;
mod step;
mod store;
mod undo;
mod unordered;
mod values;

pub(crate) use broken::{broken_saga, broken_step};
pub(crate) use fsm::fsm;
pub(crate) use saga::saga;
pub(crate) use signal::signal;
pub(crate) use state::{broken_state, state};
pub(crate) use step::step;
pub(crate) use store::store;
