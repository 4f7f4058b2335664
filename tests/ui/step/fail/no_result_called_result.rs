use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct SearchResult {
    hits: u32,
}

#[step]
async fn search() -> SearchResult {
    SearchResult { hits: 1 }
}

#[saga]
async fn count() -> u32 {
    let found = search().await;
    found.hits
}

#[saga]
async fn of_both() -> u32 {
    count().await + search().await.hits
}

fn main() {}
