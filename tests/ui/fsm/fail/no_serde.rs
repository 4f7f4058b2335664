use factum::prelude::*;

struct Cart;

#[fsm]
enum Purchase {
    #[initial]
    #[terminal]
    Placed { cart: Cart },
}

fn main() {}
