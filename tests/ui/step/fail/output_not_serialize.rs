use factum::prelude::*;

struct Payment;

#[step]
async fn charge(cents: u32) -> Payment {
    let _ = cents;
    Payment
}

fn main() {}
