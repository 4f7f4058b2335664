//! From tokens to what the user wrote.
//!
//! Owns the grammar: the keys of an attribute, durations, the function that an
//! attribute stands on, the arguments of the standard macros. What must always
//! hold: a part that cannot be parsed is reported and left out, and the rest is
//! parsed all the same.

mod attr;
mod duration;
mod item;
mod machine;
mod std_macro;
mod words;

pub(crate) use attr::{Entries, Entry, Key, Raw, Shape, entries};
pub(crate) use duration::duration;
pub(crate) use item::{Function, ParsedItem, function};
pub(crate) use machine::{Mark, MarkValue, Place, is_mark, mark_names, marks};
pub(crate) use std_macro::{first_await, has_await, macro_args};
pub(crate) use words::{derives, is_named, serde_word, serde_words};
