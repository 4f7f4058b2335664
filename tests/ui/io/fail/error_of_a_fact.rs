//! A fact can fail by itself: the closure's error must be able to say so.

use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
struct NoRate;

#[step]
async fn rate(io: &mut Io) -> Result<u64, NoRate> {
    io.fact("rate", || async { Ok::<u64, NoRate>(1080) }).await
}

fn main() {}
