//! The other company: a model, its tools, vouchers and letters, behind one HTTP API that misbehaves at times.
//!
//! Owns its face ([`Server`]), its rules as a pure function of what was asked before ([`Books`]), when it misbehaves
//! ([`manner`]), and its log ([`Line`]), which is the judge of the tests. What must always hold: whatever is answered
//! stands in the log first, synced.

mod books;
mod face;
mod log;
mod manner;

pub use books::{Asked, Books, Decision, Operation};
pub use face::{Server, serve};
pub use log::{End, Line, Log, LogError, read_lines};
pub use manner::{Manner, manner};
