//! An agent that answers orders: it asks a model, uses tools, gives a voucher and writes a letter, all over HTTP, and
//! asks for nothing twice that it knows the answer to. See the README beside this crate.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test panics where it fails"))]

pub mod answer;
pub mod api;
pub mod desk;
pub mod orders;
pub mod server;
