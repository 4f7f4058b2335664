use factum::prelude::*;

#[step(pure)]
async fn price(order: u32) -> u32 {
    order
}

mod bank {
    use super::*;

    #[step]
    pub async fn charge(amount: u32) {
        let _ = amount;
    }
}

#[step(unknown = bank::charge(order))]
async fn ship(order: u32) {
    let _ = order;
}

#[saga(strict)]
async fn checkout(order: u32) {
    let amount = price(order).await;
    bank::charge(amount).await;
    if amount > 2 {
        ship(order).await;
    }
}

fn main() {}
