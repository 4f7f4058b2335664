use factum::prelude::*;

struct Shop;

impl Shop {
    #[saga]
    async fn pay(&self, cents: u32) -> u32 {
        cents
    }
}

fn main() {}
