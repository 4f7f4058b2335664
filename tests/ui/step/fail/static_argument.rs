use factum::prelude::*;

#[step]
async fn charge(card: &'static str) -> usize {
    card.len()
}

fn main() {}
