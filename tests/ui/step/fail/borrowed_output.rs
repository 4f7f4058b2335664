use factum::prelude::*;

#[step]
async fn charge(card: &str) -> &str {
    card
}

fn main() {}
