//! Facts: what happened once is known for ever.

mod bad;
mod bound;
mod calls;
mod changed;
mod scene;
mod undo;
