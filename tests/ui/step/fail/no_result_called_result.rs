use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct SearchResult;

#[step]
async fn search() -> SearchResult {
    SearchResult
}

fn main() {}
