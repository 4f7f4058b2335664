//! Machines with an app of their own, and with none, which run on any.
#![deny(warnings)]

use factum::prelude::*;
use serde::{Deserialize, Serialize};

struct Shop;

#[step(idempotent)]
async fn charge(_io: &mut Io<Shop>, cents: u32) -> u32 {
    cents
}

#[fsm(app = Shop)]
#[derive(Serialize, Deserialize)]
enum Purchase {
    #[initial]
    #[next(Paid)]
    Placed { cents: u32 },
    #[terminal]
    Paid { cents: u32 },
}

#[state]
async fn placed(state: purchase::Placed) -> Next<purchase::Placed> {
    go(purchase::Paid { cents: charge(state.cents).await })
}

/// Ends where it begins.
#[fsm]
#[derive(Serialize, Deserialize)]
enum Nothing {
    #[initial]
    #[terminal]
    ToDo,
}

/// Never ends, and waits for nothing but time.
#[fsm(endless)]
#[derive(Serialize, Deserialize)]
enum Clock {
    #[initial]
    #[timeout("1h" => Tock)]
    Tick,
    #[timeout("1h" => Tick)]
    Tock,
}

#[state]
async fn tick(_: clock::Tick) -> Next<clock::Tick> {
    loop {
        sleep(days(1)).await;
    }
}

#[state]
async fn tock(_: clock::Tock) -> Next<clock::Tock> {
    loop {
        sleep(days(1)).await;
    }
}

fn main() {
    let on = |engine: factum::Builder<Shop>| engine.fsm::<Purchase>().fsm::<Nothing>().fsm::<Clock>();
    let _ = on;
}
