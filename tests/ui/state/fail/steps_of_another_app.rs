use factum::prelude::*;
use serde::{Deserialize, Serialize};

pub struct Lamps;
pub struct Shop;

#[step]
async fn switch(io: &mut Io<Shop>, cars: u32) -> u32 {
    let _ = io;
    cars
}

#[fsm(app = Lamps)]
#[derive(Serialize, Deserialize)]
pub enum Light {
    #[initial]
    #[next(Green)]
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
