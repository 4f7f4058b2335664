use factum::prelude::*;

#[saga]
async fn pay() -> String {
    std::env::var("HOME").unwrap_or_default()
}

fn main() {}
