use factum::prelude::*;

#[step]
async fn refund(payment: String) {
    let _ = payment;
}

#[step(compensate = refund(format!("payment {output}")))]
async fn charge(cents: u32) -> String {
    cents.to_string()
}

fn main() {}
