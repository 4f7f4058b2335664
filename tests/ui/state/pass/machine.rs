//! Handlers of a machine with an error: early returns, loops, nested sagas, signals, what is spawned.
#![deny(warnings)]

use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cart {
    pub lines: Vec<u32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum PurchaseError {
    Declined,
}

#[signal]
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pay {
    pub card: String,
}

#[signal]
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cancel;

#[fsm(error = PurchaseError)]
#[reject]
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Purchase {
    #[initial]
    #[next(Paid, Cancelled, Placed)]
    #[accepts(Pay, Cancel)]
    #[timeout("3 days" => Cancelled)]
    Placed { cart: Cart },
    #[commit]
    #[next(Shipped, Refunded)]
    Paid { cart: Cart, payment: u32 },
    #[terminal]
    Shipped(String),
    #[terminal]
    Refunded { payment: u32 },
    #[terminal]
    Cancelled,
}

#[fsm]
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Parcel {
    #[initial]
    #[next(Gone)]
    Packed(String),
    #[next(There)]
    Gone,
    #[terminal]
    There,
}

#[fsm]
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Survey {
    #[initial]
    #[next(Answered)]
    Sent,
    #[terminal]
    Answered,
}

#[step]
async fn charge(cents: u32, card: &str) -> Result<u32, PurchaseError> {
    if card.is_empty() { Err(PurchaseError::Declined) } else { Ok(cents) }
}

#[step(compensate = put_back(line), unknown = ignore)]
async fn take(line: &u32) -> Result<u32, PurchaseError> {
    Ok(*line)
}

#[step(idempotent)]
async fn put_back(line: &u32) {
    let _ = line;
}

#[saga]
async fn pick(cart: &Cart) -> Result<u32, PurchaseError> {
    let mut sum = 0;
    for line in &cart.lines {
        sum += take(line).await?;
    }
    Ok(sum)
}

/// What is paid, is picked.
#[state]
#[allow(unused_assignments)]
async fn placed(mut state: purchase::Placed) -> Result<Next<purchase::Placed>, PurchaseError> {
    let pay = match race((signal::<Pay>(), signal::<Cancel>())).await {
        First(pay) if pay.card == "again" => {
            state.cart.lines.clear();
            return Ok(go(purchase::Placed { cart: state.cart }));
        }
        First(pay) => pay,
        Second(Cancel) => return Ok(go(purchase::Cancelled)),
    };
    let mut payment = None;
    loop {
        match charge(1, &pay.card).await {
            Ok(done) => {
                payment = Some(done);
                break;
            }
            Err(_) => sleep(seconds(1)).await,
        }
    }
    let Some(payment) = payment else { return Err(PurchaseError::Declined) };
    let picked = pick(&state.cart).await?;
    Ok(go(purchase::Paid { cart: state.cart, payment: payment + picked }))
}

#[state]
pub(crate) async fn paid(
    purchase::Paid { cart, payment }: purchase::Paid,
) -> Result<Next<purchase::Paid>, PurchaseError> {
    if cart.lines.is_empty() {
        return Ok(go(purchase::Refunded { payment }));
    }
    let parcel = spawn(parcel::Packed(format!("{payment}"))).linked().await;
    spawn(survey::Sent).id("survey").await;
    let tracking = match parcel.await {
        Ok(end) => format!("{end:?}"),
        Err(_) => return Err(PurchaseError::Declined),
    };
    Ok(go(purchase::Shipped(tracking)))
}

#[state]
async fn packed(parcel::Packed(label): parcel::Packed) -> Next<parcel::Packed> {
    publish(&label).await;
    go(parcel::Gone)
}

#[state]
async fn gone(_: parcel::Gone) -> Next<parcel::Gone> {
    sleep(days(2)).await;
    go(parcel::There)
}

#[state]
async fn sent(_state: survey::Sent) -> Next<survey::Sent> {
    go(survey::Answered)
}

#[saga]
async fn shop(cart: Cart) -> Result<(), PurchaseError> {
    let first = spawn(purchase::Placed { cart: cart.clone() }).await;
    let more: Vec<Child<Purchase>> =
        all((0..3).map(move |_| spawn(purchase::Placed { cart: cart.clone() }))).concurrency(2).await;
    for child in more {
        let _ = child.await;
    }
    match first.await {
        Ok(Purchase::Shipped(_)) => Ok(()),
        _ => Err(PurchaseError::Declined),
    }
}

#[cfg(any())]
#[state]
async fn not_there(state: nothing::AtAll) -> Next<nothing::AtAll> {
    go(nothing::AtAll)
}

#[state]
#[cfg(any())]
async fn not_there_either(state: nothing::AtAll) -> Next<nothing::AtAll> {
    go(nothing::AtAll)
}

/// The names of handlers are not taken.
fn placed() -> &'static str {
    "placed"
}

fn main() {
    assert_eq!(placed(), "placed");
    let plan = factum::diagram(shop);
    assert!(plan.mermaid().contains("Purchase"), "{}", plan.mermaid());
    let _ = Engine::builder("data").saga(shop).fsm::<Purchase>().fsm::<Parcel>().fsm::<Survey>();
}
