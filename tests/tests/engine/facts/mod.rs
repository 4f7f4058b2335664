//! Facts: what happened once is known for ever.

mod bad;
mod bound;
mod calls;
mod changed;
mod mixed;
mod scene;
mod undo;
