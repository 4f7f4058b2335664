use factum::prelude::*;

#[saga]
async fn pay() -> bool {
    std::time::SystemTime::now() > std::time::UNIX_EPOCH
}

fn main() {}
