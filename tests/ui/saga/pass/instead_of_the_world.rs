//! What is written instead of clocks, chance, sleeps, `join!`, `select!` and tasks.
#![deny(warnings)]

use std::time::Duration;

use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[signal]
#[derive(Debug, Serialize, Deserialize)]
struct Approval;

#[step]
async fn ship(item: u32) -> u32 {
    item
}

#[saga]
async fn bill(item: u32) -> u32 {
    ship(item).await
}

#[saga]
async fn checkout(items: Vec<u32>) -> String {
    let began = now().await;
    let share = random::<u64>().await;
    let id = uuid().await;
    sleep(Duration::from_secs(1)).await;
    sleep_until(began + Duration::from_secs(60)).await;
    let (first, second) = join((ship(1), bill(2))).await;
    let approved = match race((signal::<Approval>(), sleep(days(2)))).await {
        First(Approval) => true,
        Second(()) => false,
    };
    let shipped = all(items.into_iter().map(|item| ship(item))).concurrency(2).await;
    let child = spawn(bill(3)).await;
    let in_time = signal::<Approval>().timeout(hours(1)).await.is_ok();
    format!("{share} {id} {first} {second} {approved} {shipped:?} {in_time} {}", child.id())
}

fn main() {
    let _ = checkout(Vec::new());
}
