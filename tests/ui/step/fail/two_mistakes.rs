use factum::prelude::*;

#[step(retry(attempts = 0), timeout = "1 moment")]
async fn charge<T>((cents, card): (u32, String)) -> Result<u32, String> {
    drop(card);
    Ok(cents)
}

fn main() {}
