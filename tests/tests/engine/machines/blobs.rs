//! Blobs and large values in states: kept as long as a state names them, and no longer.

use std::time::Duration;

use factum::prelude::*;
use factum::testing::{Dice, Loss, Sim};
use factum::{Blob, Builder, History, Status};
use serde::{Deserialize, Serialize};

use super::{DAY, Send, falls_asleep, on_sim, waits};
use crate::world::{Oops, World};

#[signal]
#[derive(Serialize, Deserialize)]
pub struct Turn(pub u32);

#[fsm(app = World, error = Oops)]
#[reject]
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Album {
    #[initial]
    #[next(Page, Bound)]
    #[accepts(Turn, Send)]
    #[timeout("1 day" => Page { n: state.n + 1000, picture: state.picture, kept: state.kept, text: state.text })]
    Page { n: u32, picture: Blob, kept: Option<Blob>, text: String },
    #[terminal]
    Bound { picture: Blob, kept: Option<Blob> },
}

fn picture(n: u32) -> Vec<u8> {
    (0..5000 + n).map(|at| (at * 7 + n) as u8).collect()
}

#[step]
async fn draw(io: &mut Io<World>, n: u32) -> Result<Blob, Oops> {
    io.put(picture(n)).await.map_err(|error| Oops::Failed(error.to_string()))
}

#[state]
async fn page(state: album::Page) -> Result<Next<album::Page>, Oops> {
    match race((signal::<Turn>(), signal::<Send>())).await {
        First(Turn(n)) => {
            let drawn = draw(n).await?;
            let kept = if n % 3 == 0 { Some(state.picture) } else { state.kept };
            Ok(go(album::Page { n, picture: drawn, kept, text: "y".repeat(100_000 + n as usize) }))
        }
        Second(Send) if state.n == 13 => Err(Oops::Failed("unlucky".into())),
        Second(Send) => Ok(go(album::Bound { picture: state.picture, kept: state.kept })),
    }
}

fn builder(sim: &Sim, world: &World) -> Builder<World> {
    on_sim(sim, world).fsm::<Album>()
}

/// What there should be.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Expected {
    n: u32,
    picture: u32,
    kept: Option<u32>,
}

fn check(album: &Album, expected: Expected) {
    match album {
        Album::Page { n, picture: has, kept, .. } => {
            assert_eq!(*n, expected.n);
            assert!(**has == *picture(expected.picture), "{expected:?}");
            assert!(kept.as_deref() == expected.kept.map(picture).as_deref(), "{expected:?}");
        }
        Album::Bound { picture: has, kept } => {
            assert!(**has == *picture(expected.picture), "{expected:?}");
            assert!(kept.as_deref() == expected.kept.map(picture).as_deref(), "{expected:?}");
        }
    }
}

async fn entered(engine: &Engine, sim: &Sim, expected: Expected) {
    for _ in 0..1_000_000 {
        match engine.state::<Album>("a").await.unwrap() {
            state @ Album::Page { n, .. } if n == expected.n => return check(&state, expected),
            _ => sim.sleep(Duration::from_millis(1)).await,
        }
    }
    panic!("never entered {expected:?}");
}

fn turns(seed: u64, history: History) {
    let (sim, world) = (Sim::new(seed), World::new());
    sim.set_patience(100 * DAY);
    let mut dice = Dice(seed + 1);
    let open = || builder(&sim, &world).history(history);
    let mut expected = Expected { n: 0, picture: 0, kept: None };
    let first = sim.run(async {
        let engine = open().open().await.unwrap();
        let blob = engine.put(picture(0)).await.unwrap();
        let start = album::Page { n: 0, picture: blob, kept: None, text: "t".repeat(90_000) };
        drop(engine.start(start).id("a").await.unwrap());
        engine
    });
    let mut engine = Some(first);
    let mut n = 0;
    for _ in 0..40 {
        let roll = dice.below(7);
        let mut at = engine.take();
        sim.run(async {
            let running = match at.take() {
                Some(engine) => engine,
                None => open().open().await.unwrap(),
            };
            match roll {
                0 => {
                    sim.sleep(DAY + Duration::from_secs(60)).await;
                    expected.n += 1000;
                }
                1 => {
                    falls_asleep(&running, &sim).await;
                }
                2 => {
                    running.shutdown().await.unwrap();
                    assert_eq!(open().verify().await.unwrap().problems, vec![]);
                    return;
                }
                3 => {
                    let mut lines = Vec::new();
                    running.export("a", &mut lines).await.unwrap();
                    at = Some(running);
                    return;
                }
                _ => {
                    n += 1;
                    running.signal("a", Turn(n)).await.unwrap();
                    let kept = if n % 3 == 0 { Some(expected.picture) } else { expected.kept };
                    expected = Expected { n, picture: n, kept };
                }
            }
            entered(&running, &sim, expected).await;
            at = Some(running);
        });
        engine = at;
        if engine.is_some() && dice.below(5) == 0 {
            std::mem::forget(engine.take());
            if dice.below(2) == 0 { sim.kill() } else { sim.crash(Loss::Everything) }
        }
    }
    let mut at = engine.take();
    sim.run(async {
        let engine = match at.take() {
            Some(engine) => engine,
            None => open().open().await.unwrap(),
        };
        entered(&engine, &sim, expected).await;
        sim.sleep(Duration::from_secs(60)).await;
        let most = engine.stats().blobs;
        assert!(most <= 8, "{most} blobs are kept");
        engine.backup("/copy").await.unwrap();
        let mut lines = Vec::new();
        engine.export("a", &mut lines).await.unwrap();
        let other = Sim::new(seed + 1);
        other.run(async {
            let engine = builder(&other, &world).open().await.unwrap();
            engine.put(vec![1; 70_000]).await.unwrap();
            engine.import(&*lines).await.unwrap();
            entered(&engine, &other, expected).await;
            engine.signal("a", Turn(2000)).await.unwrap();
            let next = Expected { n: 2000, picture: 2000, ..expected };
            entered(&engine, &other, next).await;
            other.sleep(Duration::from_secs(60)).await;
            entered(&engine, &other, next).await;
            engine.shutdown().await.unwrap();
            assert_eq!(builder(&other, &world).verify().await.unwrap().problems, vec![]);
        });
        engine.signal("a", Send).await.unwrap();
        let run = engine.attach_fsm::<Album>("a").await.unwrap();
        let outcome = run.outcome().await.unwrap();
        match outcome.status() {
            Status::Completed => check(&run.state().unwrap(), expected),
            Status::Failed if expected.n == 13 => check(&run.state().unwrap(), expected),
            other => panic!("{other}"),
        }
        drop((run, outcome));
        sim.sleep(Duration::from_secs(60)).await;
        check(&engine.state::<Album>("a").await.unwrap(), expected);
        let mut lines = Vec::new();
        engine.export("a", &mut lines).await.unwrap();
        let other = Sim::new(seed + 1);
        other.run(async {
            let engine = builder(&other, &world).open().await.unwrap();
            engine.import(&*lines).await.unwrap();
            other.sleep(Duration::from_secs(60)).await;
            check(&engine.state::<Album>("a").await.unwrap(), expected);
            engine.shutdown().await.unwrap();
            assert_eq!(builder(&other, &world).verify().await.unwrap().problems, vec![]);
        });
        engine.shutdown().await.unwrap();
        assert_eq!(open().verify().await.unwrap().problems, vec![]);
        // What is kept of it goes with it.
        let engine = open().keep_ended(0).open().await.unwrap();
        for _ in 0..100 {
            sim.sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(engine.stats().blobs, 0);
        engine.shutdown().await.unwrap();
        // The copy goes on.
        let copy = || Engine::builder("/copy").app(world.clone()).fsm::<Album>().fsm::<super::Order>().sim(&sim);
        let engine = copy().restore().open().await.unwrap();
        entered(&engine, &sim, expected).await;
        let run = engine.attach_fsm::<Album>("a").await.unwrap();
        waits(&run, &sim).await;
        run.signal(Turn(3000)).await.unwrap();
        entered(&engine, &sim, Expected { n: 3000, picture: 3000, kept: Some(expected.picture) }).await;
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn what_a_state_names_is_kept_and_nothing_else() {
    for seed in 0..2 {
        let history = if seed % 2 == 0 { History::Full } else { History::Outcome };
        turns(seed, history);
    }
}
