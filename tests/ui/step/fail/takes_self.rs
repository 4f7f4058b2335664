use factum::prelude::*;

struct Shop;

impl Shop {
    #[step]
    async fn charge(&self, cents: u32) -> u32 {
        cents
    }
}

fn main() {}
