use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Jammed;

#[fsm(error = Jammed)]
#[derive(Serialize, Deserialize)]
pub enum Light {
    #[initial]
    #[next(Green)]
    Red { cars: u32 },
    #[terminal]
    Green,
}

#[step]
async fn count(cars: u32) -> Result<u32, String> {
    Ok(cars)
}

#[state]
async fn red(state: light::Red) -> Result<Next<light::Red>, Jammed> {
    count(state.cars).await?;
    Ok(go(light::Green))
}

fn main() {}
