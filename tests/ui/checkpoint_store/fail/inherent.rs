use factum::checkpoint_store;

struct Store;

#[checkpoint_store]
impl Store {
    async fn clear(&self, _: u64) {}
}

fn main() {}
