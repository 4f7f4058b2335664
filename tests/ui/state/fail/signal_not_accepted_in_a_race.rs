use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[signal]
#[derive(Serialize, Deserialize)]
pub struct Car;

#[signal]
#[derive(Serialize, Deserialize)]
pub struct Truck;

#[fsm]
#[reject]
#[derive(Serialize, Deserialize)]
pub enum Light {
    #[initial]
    #[next(Amber)]
    #[accepts(Car)]
    Red { cars: u32 },
    #[next(Green)]
    #[accepts(Truck)]
    Amber,
    #[terminal]
    Green,
}

#[state]
async fn amber(_: light::Amber) -> Next<light::Amber> {
    signal::<Truck>().await;
    go(light::Green)
}

#[state]
async fn red(_: light::Red) -> Next<light::Red> {
    let _ = race((signal::<Car>(), signal::<Truck>().timeout(days(1)))).await;
    go(light::Amber)
}

fn main() {}
