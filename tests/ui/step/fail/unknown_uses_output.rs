use factum::prelude::*;

#[step]
async fn refund(payment: &str) {
    let _ = payment;
}

#[step(unknown = refund(&output))]
async fn charge(cents: u32) -> String {
    cents.to_string()
}

fn main() {}
