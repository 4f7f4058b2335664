//! Facts: what happened once is known for ever.

mod bound;
mod scene;
