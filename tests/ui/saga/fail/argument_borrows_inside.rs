use factum::prelude::*;

#[saga]
async fn pay(card: Option<&str>) -> usize {
    card.map_or(0, str::len)
}

fn main() {}
