use factum::prelude::*;

#[step(retry(attempts = 2, when = is_transient), unknown_when = is_transient)]
async fn charge(cents: u32) -> u32 {
    cents
}

fn main() {}
