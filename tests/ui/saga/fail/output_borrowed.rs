use factum::prelude::*;

#[saga]
async fn pay(card: &str) -> Option<&str> {
    Some(card)
}

fn main() {}
