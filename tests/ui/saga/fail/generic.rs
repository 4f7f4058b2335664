use factum::prelude::*;

#[saga]
async fn pay<T: Clone>(what: T) -> u32 {
    let _ = what;
    1
}

fn main() {}
