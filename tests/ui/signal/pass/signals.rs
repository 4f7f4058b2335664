//! Signals are structs and enums of any form.
#![deny(warnings)]

use factum::{Signal, signal};
use serde::{Deserialize, Serialize};

/// Documented.
#[signal]
#[derive(Debug, Serialize, Deserialize)]
pub struct Approval {
    /// By whom.
    pub by: String,
}

#[derive(Serialize, Deserialize)]
#[signal(name = "stop!")]
struct Stop;

#[signal]
#[derive(Serialize, Deserialize)]
enum Vote {
    Yes(u32),
    No { why: String },
}

fn main() {
    assert_eq!(Approval::NAME, "Approval");
    assert_eq!(Stop::NAME, "stop!");
    assert_eq!(Vote::NAME, "Vote");
    let _ = (Vote::Yes(1), Vote::No { why: String::new() });
}
