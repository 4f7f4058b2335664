//! The other company: a payment provider and a warehouse behind HTTP, in a
//! process of their own with a ledger of their own.
//!
//! Knows nothing of sagas. It keeps what a good provider keeps (a request with
//! an idempotency key that it has seen gets the recorded answer and does
//! nothing), and misbehaves as real ones do: see [`manner`].

mod behaviour;
mod books;
mod ledger;
mod server;
mod wire;

pub use behaviour::{BUSY_ASKS, Manner, completes, manner};
pub use books::{Books, Decision};
pub use ledger::{Ledger, LedgerError, read_entries};
pub use server::serve;
pub use wire::{Done, Entry, IDEMPOTENCY_KEY, Operation, Refusal, Request, Verdict};
