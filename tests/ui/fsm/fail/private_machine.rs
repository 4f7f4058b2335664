//! The states of a machine that nobody else sees.

mod shop {
    use factum::prelude::*;
    use serde::{Deserialize, Serialize};

    #[fsm]
    #[derive(Serialize, Deserialize)]
    enum Purchase {
        #[initial]
        #[next(Paid)]
        Placed { item: String },
        #[terminal]
        Paid,
    }

    #[state]
    async fn placed(_: purchase::Placed) -> Next<purchase::Placed> {
        go(purchase::Paid)
    }

    #[fsm]
    #[derive(Serialize, Deserialize)]
    pub enum Open {
        #[initial]
        #[next(Shut)]
        Ajar { gap: u8 },
        #[terminal]
        Shut,
    }

    #[state]
    async fn ajar(_: open::Ajar) -> Next<open::Ajar> {
        go(open::Shut)
    }
}

fn main() {
    let _ = shop::open::Ajar { gap: 1 };
    let _ = shop::purchase::Paid;
}
