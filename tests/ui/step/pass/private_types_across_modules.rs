//! Public steps over private types, called from other modules.
#![deny(warnings)]

use factum::prelude::*;

mod bank {
    use factum::prelude::*;
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Serialize, Deserialize)]
    struct Ledger {
        cents: u32,
    }

    #[derive(Clone, Serialize, Deserialize)]
    pub(crate) struct Order {
        pub(crate) cents: u32,
    }

    #[derive(Debug, Serialize, Deserialize)]
    pub(super) struct Declined;

    /// Used in this module only, but public: `Ledger` is not.
    #[step(retry(attempts = 2), compensate = unbook(&ledger))]
    #[allow(private_interfaces)]
    pub async fn book(ledger: Ledger) -> u32 {
        ledger.cents
    }

    #[step]
    #[allow(private_interfaces)]
    pub async fn unbook(ledger: &Ledger) {
        let _ = ledger;
    }

    #[step]
    pub(crate) async fn charge(order: &Order) -> Result<u32, Declined> {
        if order.cents == 0 { Err(Declined) } else { Ok(order.cents) }
    }

    #[saga]
    pub(crate) async fn settle(order: Order) -> Result<u32, Declined> {
        book(Ledger { cents: order.cents }).await;
        charge(&order).await
    }

    pub(crate) mod inner {
        use factum::prelude::*;

        #[saga]
        pub async fn twice(order: super::Order) -> u32 {
            let first = super::charge(&order).await.unwrap_or_default();
            let second = crate::bank::settle(order).await.unwrap_or_default();
            first + second
        }
    }
}

#[saga]
async fn all(cents: u32) -> u32 {
    let order = bank::Order { cents };
    let charged = bank::charge(&order).await.unwrap_or_default();
    let settled = crate::bank::settle(order.clone()).await.unwrap_or_default();
    charged + settled + bank::inner::twice(order).await
}

fn main() {
    drop(all(1));
}
