//! A signal that no state of a machine accepts, sent through its run's handle.

use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[signal]
#[derive(Serialize, Deserialize)]
struct Pay {}

#[signal]
#[derive(Serialize, Deserialize)]
struct Other {}

#[fsm]
#[reject]
#[derive(Serialize, Deserialize)]
enum Purchase {
    #[initial]
    #[accepts(Pay)]
    #[next(Paid)]
    Placed,
    #[terminal]
    Paid,
}

#[state]
async fn placed(_: purchase::Placed) -> Next<purchase::Placed> {
    signal::<Pay>().await;
    go(purchase::Paid)
}

async fn send(engine: &Engine) -> factum::Result<()> {
    engine.start(purchase::Placed).await?.signal(Other {}).await
}

/// The compiler looks at it when it makes code for it.
fn boxed(engine: &Engine) -> factum::BoxFuture<'_, factum::Result<()>> {
    Box::pin(send(engine))
}

fn main() {
    let sending: fn(&Engine) -> factum::BoxFuture<'_, factum::Result<()>> = boxed;
    println!("{sending:p}");
}
