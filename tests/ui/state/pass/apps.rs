//! Handlers of machines with an app, and in modules.
#![deny(warnings)]

use factum::prelude::*;

pub struct Lamps {
    pub on: bool,
}

mod steps {
    use factum::prelude::*;

    #[step(compensate = back(cars))]
    pub async fn switch(io: &mut Io<super::Lamps>, cars: u32) -> u32 {
        cars + u32::from(io.app().on)
    }

    #[step(idempotent)]
    pub async fn back(_io: &mut Io<super::Lamps>, cars: u32) {
        let _ = cars;
    }

    #[step]
    pub async fn count() -> u32 {
        3
    }
}

#[saga(app = Lamps)]
async fn both(cars: u32) -> u32 {
    let (switched, counted) = join((steps::switch(cars), steps::count())).await;
    switched + counted
}

pub mod lights {
    use serde::{Deserialize, Serialize};

    #[factum::fsm(app = crate::Lamps)]
    #[derive(Debug, Serialize, Deserialize)]
    pub(crate) enum Light {
        #[initial]
        #[next(Red, Green)]
        Red { cars: u32 },
        #[terminal]
        Green(u32),
    }
}

mod handlers {
    use super::lights::light::{Green, Red};
    use super::{both, steps};
    use factum::{Next, go};

    #[factum::state]
    async fn red(Red { cars }: Red) -> Next<Red> {
        use steps::switch as turn;
        let turned = turn(cars).await;
        if both(turned).await < 100 {
            return go(Red { cars: cars + 1 });
        }
        match cars {
            0 => go(Green(0)),
            cars => go(Green(cars)),
        }
    }
}

fn main() {
    let light = lights::Light::Green(1);
    assert!(format!("{light:?}").contains("Green"));
    let _ = Engine::builder("data").app(Lamps { on: true }).saga(both).fsm::<lights::Light>();
}
