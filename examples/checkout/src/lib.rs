//! Processes a file of orders, each as one saga, against a payment provider
//! and a warehouse that misbehave. See the README beside this crate.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test panics where it fails"))]

pub mod batch;
pub mod child;
pub mod client;
pub mod meter;
pub mod orders;
pub mod progress;
pub mod provider;
pub mod workflow;
