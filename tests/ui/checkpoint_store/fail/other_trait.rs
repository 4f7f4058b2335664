use factum::checkpoint_store;

struct Store;

#[checkpoint_store]
impl Default for Store {
    fn default() -> Store {
        Store
    }
}

fn main() {}
