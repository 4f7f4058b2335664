//! Steps and sagas that cannot fail, and results under an alias.
#![deny(warnings)]

use factum::Never;
use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
pub struct PayError;

pub type PayResult<T = ()> = Result<T, PayError>;

#[step]
async fn nothing() {}

#[step(retry(attempts = 2))]
async fn number(cents: u32) -> Option<u32> {
    Some(cents)
}

#[step]
async fn aliased(cents: u32) -> PayResult<u32> {
    Ok(cents)
}

#[step(compensate = nothing())]
async fn aliased_default() -> self::PayResult {
    Err(PayError)
}

#[step(unknown = aliased(cents))]
async fn never(cents: u32) -> Result<u32, Never> {
    Ok(cents)
}

#[step(compensate = if *retry { nothing() } else { nothing() }, unknown = ignore)]
async fn undone_by_a_block(retry: &bool) {
    let _ = retry;
}

#[saga]
async fn pay() -> PayResult {
    nothing().await;
    let cents = number(1).await.unwrap_or_default();
    aliased(cents).await?;
    let Ok(_) = never(cents).await;
    undone_by_a_block(&true).await;
    aliased_default().await
}

#[saga]
async fn no_value() {
    pay().await.ok();
}

#[derive(Serialize, Deserialize)]
struct SearchResult {
    hits: u32,
}

type Found = SearchResult;

#[step]
async fn search() -> Found {
    SearchResult { hits: 1 }
}

#[saga]
async fn hits() -> u32 {
    search().await.hits
}

fn main() {
    let _ = hits();
    drop(no_value());
}
