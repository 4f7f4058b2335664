use factum::prelude::*;

#[saga(nmae = "pay")]
async fn pay() -> String {
    let _ = std::time::Instant::now();
    std::env::var("HOME").unwrap_or_default()
}

fn main() {}
