//! Where a pivot may stand: behind what can be undone, on every path.

use factum::prelude::*;

#[step]
async fn release(order: u32) {
    let _ = order;
}

#[step(compensate = release(order))]
async fn reserve(order: u32) {
    let _ = order;
}

#[step(pivot)]
async fn charge(order: u32) -> Option<u32> {
    Some(order)
}

#[step(idempotent)]
async fn tell(order: u32) {
    let _ = order;
}

#[saga(strict)]
async fn in_order(order: u32) {
    reserve(order).await;
    charge(order).await;
    tell(order).await;
}

#[saga(strict)]
async fn on_paths_that_end(order: u32) {
    if order == 1 {
        charge(order).await;
        return;
    } else {
        reserve(order).await;
    }
    let Some(number) = order.checked_sub(1) else {
        charge(order).await;
        return;
    };
    match number {
        1 => {
            charge(order).await;
            panic!("no more");
        }
        2 => reserve(order).await,
        3 => {
            if charge(order).await.is_some() {
                return;
            } else {
                unreachable!()
            }
        }
        _ => return,
    }
    reserve(order).await;
}

#[saga(strict)]
async fn in_loops_that_are_left(order: u32) {
    loop {
        reserve(order).await;
        if order == 1 {
            charge(order).await;
            break;
        }
        reserve(order).await;
    }
    tell(order).await;
}

#[saga(strict)]
async fn in_a_loop_of_one_turn(order: u32) {
    loop {
        reserve(order).await;
        charge(order).await;
        break;
    }
}

#[saga(strict)]
async fn in_a_loop_that_is_left_in_its_middle(order: u32) {
    while order > 1 {
        reserve(order).await;
        if charge(order).await.is_some() && order > 2 {
            break;
        }
        return;
    }
    tell(order).await;
}

#[saga(strict)]
async fn in_a_guard_below_what_can_be_undone(order: u32) {
    match order {
        1 => reserve(order).await,
        2 if charge(order).await.is_none() => tell(order).await,
        _ => {}
    }
}

#[saga(strict)]
async fn in_the_place_that_is_assigned_to(order: u32) {
    let mut parts = [(); 1];
    parts[charge(order).await.map_or(0, |_| 0)] = reserve(order).await;
    let [()] = parts;
}

fn main() {}
