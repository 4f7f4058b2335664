use factum::prelude::*;

#[step]
async fn release(order: u32) {
    let _ = order;
}

#[step(compensate = release(order))]
async fn reserve(order: u32) -> Result<u32, u32> {
    Ok(order)
}

#[step(pivot)]
async fn charge(order: u32) -> Result<u32, u32> {
    Ok(order)
}

#[saga]
async fn checkout(order: u32) {
    let _ = join((reserve(order), charge(order), sleep(days(2)))).await;
}

fn main() {}
