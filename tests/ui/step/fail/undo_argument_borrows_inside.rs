use factum::prelude::*;

#[step]
async fn release(card: usize) {
    let _ = card;
}

#[step(compensate = release(card.map_or(0, str::len)))]
async fn reserve(card: Option<&str>) -> usize {
    card.map_or(0, str::len)
}

fn main() {}
