//! What the user allows is allowed for all that is made of it; and `Self`, which is the machine.
#![deny(warnings)]

use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[deprecated]
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Old;

#[fsm]
#[allow(deprecated)]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Purchase {
    #[initial]
    #[next(Held, Done)]
    Placed(Old, [Option<Box<Self>>; 1]),
    #[deprecated]
    #[next(Done)]
    #[serde(rename = "waiting", alias = "held")]
    Held {
        #[expect(clippy::box_collection, reason = "to be allowed")]
        why: Box<String>,
        before: Box<Self>,
    },
    #[terminal]
    Done,
}

#[state]
async fn placed(purchase::Placed(_, [before]): purchase::Placed) -> Next<purchase::Placed> {
    match before {
        Some(before) if matches!(*before, Purchase::Done) => go(purchase::Done),
        #[allow(deprecated)]
        Some(before) => go(purchase::Held { why: Box::default(), before }),
        None => go(purchase::Done),
    }
}

#[state]
#[allow(deprecated)]
async fn held(state: purchase::Held) -> Next<purchase::Held> {
    let _ = (state.why, state.before);
    go(purchase::Done)
}

fn main() {}
