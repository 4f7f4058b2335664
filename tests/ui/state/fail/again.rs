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
async fn amber(_: light::Amber) -> Next<light::Amber> {
    go(light::Green)
}

#[saga]
async fn count(cars: u32) {
    sleep(seconds(cars.into())).await;
}

#[state]
async fn red(state: light::Red) -> Next<light::Red> {
    again(count(state.cars)).await;
    go(light::Amber)
}

fn main() {}
