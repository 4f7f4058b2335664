//! Facts: what happened once is known for ever.

mod bound;
mod calls;
mod scene;
