use factum::prelude::*;
use serde::{Deserialize, Serialize};

struct PurchaseError;

#[fsm(error = PurchaseError)]
#[derive(Serialize, Deserialize)]
enum Purchase {
    #[initial]
    #[timeout("1s" => Refunded { why: state.cart })]
    Placed { cart: u32 },
    #[terminal]
    Refunded { why: String },
}

#[state]
async fn placed(_: purchase::Placed) -> Result<Next<purchase::Placed>, PurchaseError> {
    pause("nothing to do").await;
    Err(PurchaseError)
}

fn main() {}
