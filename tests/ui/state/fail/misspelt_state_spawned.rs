use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[fsm]
#[derive(Serialize, Deserialize)]
pub enum Light {
    #[initial]
    #[next(Amber)]
    Red { cars: u32 },
    #[next(Green)]
    Amber,
    #[terminal]
    Green,
}

#[state]
async fn red(_: light::Red) -> Next<light::Red> {
    go(light::Amber)
}

#[state]
async fn amber(_: light::Amber) -> Next<light::Amber> {
    go(light::Green)
}

#[saga]
async fn pass(cars: u32) {
    spawn(light::Rad { cars }).await;
}

fn main() {}
