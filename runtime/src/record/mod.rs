//! Every durable event (floor 0).
//!
//! Owns [`Event`], what a record says, its number on disk ([`Kind`]), its bytes
//! and its JSON ([`json`]). What must always hold: a kind's number is never used for anything
//! else; what this version does not know, or knows but cannot read to the last
//! byte, is an error with a name and never skipped.

mod bytes;
mod carried;
mod display;
mod event;
mod fact;
mod failure;
pub(crate) mod json;
mod kind;
mod names;
mod payloads;
mod reason;
mod skim;
mod texts;

pub use carried::{Carried, CarriedSignal, CarriedUndo};
pub use event::Event;
pub(crate) use event::Name;
pub use fact::{FactKey, ParseFactKeyError, RequestDigest};
pub use failure::{Cause, ChildEnd, UndoKind};
pub(crate) use kind::Kind;
pub(crate) use names::Names;
pub use reason::Reason;
pub(crate) use skim::names_no_blob;

#[cfg(test)]
mod tests;
