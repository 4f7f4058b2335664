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

#[state]
async fn red(state: light::Red) -> Result<Next<light::Red>, String> {
    if state.cars > 3 {
        return Err("too many".to_owned());
    }
    Ok(go(light::Green))
}

fn main() {}
