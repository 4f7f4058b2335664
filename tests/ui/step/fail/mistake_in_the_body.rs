use factum::prelude::*;

#[step]
async fn charge(cents: u32) -> Result<u32, String> {
    let total: String = cents;
    Ok(total.len() as u32)
}

fn main() {}
