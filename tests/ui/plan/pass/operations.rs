//! What the plan of a body with every operation takes.

use factum::prelude::*;

#[step(idempotent)]
async fn ship(order: u32) -> Result<u32, u32> {
    Ok(order)
}

#[signal]
#[derive(serde::Serialize, serde::Deserialize)]
struct Approval;

#[saga]
async fn child(order: u32) -> u32 {
    order
}

#[saga(strict)]
async fn every_operation(orders: Vec<u32>) -> Result<u32, u32> {
    let _ = join((ship(1), sleep(seconds(1)))).await;
    match race((signal::<Approval>(), sleep(days(2)), child(1))).await {
        First(_) | Second(()) | Third(_) => {}
    }
    let _ = all(orders.iter().map(|order| ship(*order))).concurrency(2).await;
    let _ = all(orders.iter().copied().map(ship).collect::<Vec<_>>()).await;
    let _ = all([ship(1), ship(2)]).await;
    let _ = all(vec![ship(1), ship(2)]).await;
    let _ = all(orders.iter().map(|order| join((ship(*order), child(1))))).await;
    let _ = all((0..2).map(|_| {
        let id = 3;
        child(id)
    }))
    .await;
    let started = spawn(child(1)).linked().id("child").await;
    let _ = started.id();
    let _ = join((spawn(child(1)), now(), uuid(), random::<u64>())).await;
    pause("until Monday").await;
    pause(&format!("until {}", 1)).await;
    publish(&orders).await;
    publish(&Some(7)).await;
    match now().await {
        moment if moment > std::time::UNIX_EPOCH => again(every_operation(orders)).await,
        _ => ship(1).await,
    }
}

#[saga(strict)]
async fn awaits_children(orders: Vec<u32>) {
    let first = spawn(child(1)).await;
    let _ = (&first).await;
    let (second, ()) = join((spawn(child(2)), sleep(seconds(1)))).await;
    let _ = second.await;
    for third in all(orders.into_iter().map(|order| spawn(child(order)))).await {
        let _ = third.await;
    }
    let _ = spawn(child(4)).await.await;
    if let First(fifth) = race((spawn(child(5)), sleep(days(1)))).await {
        let _ = fifth.await;
    }
}

#[saga]
async fn through_variables(orders: Vec<u32>) {
    let (a, b) = (ship(1), ship(2));
    let _ = join((a, b)).await;
    let (a, b) = (ship(1), ship(2));
    let _ = join((a, b, ship(3), sleep(seconds(1)))).await;
    let both = (ship(1), ship(2));
    let _ = join(both).await;
    let calls: Vec<_> = orders.iter().map(|order| ship(*order)).collect();
    let _ = all(calls).await;
    let one = child(2);
    let child = spawn(one).await;
    let _ = (&child).await;
    let _ = child.await;
}

fn main() {}
