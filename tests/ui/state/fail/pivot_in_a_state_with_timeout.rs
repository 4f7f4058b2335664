use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[step(pivot)]
async fn switch(cars: u32) -> u32 {
    cars
}

#[fsm]
#[derive(Serialize, Deserialize)]
pub enum Light {
    #[initial]
    #[next(Green)]
    #[timeout("5m" => Green)]
    Red { cars: u32 },
    #[terminal]
    Green,
}

#[state]
async fn red(state: light::Red) -> Next<light::Red> {
    switch(state.cars).await;
    go(light::Green)
}

fn main() {}
