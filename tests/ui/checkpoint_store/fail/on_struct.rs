use factum::checkpoint_store;

#[checkpoint_store]
struct Store;

fn main() {}
