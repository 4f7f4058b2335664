use factum::prelude::*;

type Outcome<T> = Result<T, u8>;

#[step]
async fn charge(cents: u32) -> Outcome<u32> {
    Ok(cents)
}

fn main() {}
