use factum::prelude::*;

#[step]
async fn refund(payment: &str) {
    let _ = payment;
}

#[step(compensate = refund(&output))]
async fn charge(cents: u32) -> String {
    cents.to_string()
}

fn main() {}
