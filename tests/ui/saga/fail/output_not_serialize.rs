use factum::prelude::*;

struct Receipt;

#[saga]
async fn pay() -> Receipt {
    Receipt
}

fn main() {}
