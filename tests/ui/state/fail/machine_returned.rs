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
async fn red(_: light::Red) -> Light {
    light::Amber.into()
}

fn main() {}
