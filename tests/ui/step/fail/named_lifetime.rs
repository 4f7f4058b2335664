use factum::prelude::*;

#[step]
async fn charge<'a>(card: &'a str) -> u32 {
    card.len() as u32
}

#[saga]
async fn pay() -> u32 {
    charge("1234").await
}

fn main() {}
