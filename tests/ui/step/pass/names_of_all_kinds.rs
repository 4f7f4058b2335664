//! Steps whose names are those of crates, types, keywords and of their own bindings.
#![deny(warnings)]

use factum::prelude::*;

#[step]
async fn uuid() -> String {
    String::new()
}

#[step]
async fn factum(core: u32) -> u32 {
    core
}

#[step(name = "match")]
async fn r#match(r#type: u32) -> u32 {
    r#type
}

mod charge {
    use factum::prelude::*;

    #[step]
    pub async fn charge(charge: u32) -> u32 {
        charge
    }
}

pub use charge::charge;

#[saga]
pub async fn pay(order: u32) -> u32 {
    let id = uuid().await;
    let charge = charge(order).await;
    let again = charge::charge(charge).await;
    r#match(again).await + factum(1).await + id.len() as u32
}

fn main() {
    drop(pay(1));
}
