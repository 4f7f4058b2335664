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

#[state]
async fn red(io: &mut Io, state: light::Red) -> Next<light::Red> {
    sleep(seconds(state.cars.into())).await;
    go(light::Amber)
}

fn main() {}
