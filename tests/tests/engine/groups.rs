//! Several operations at once: `join`, `all`, `try_all`, `race`.

use std::time::Duration;

use factum::prelude::*;
use factum::testing::{Loss, Sim};
use serde::{Deserialize, Serialize};

use crate::world::{Oops, World};

#[step(compensate = undo(what.clone()))]
async fn act(io: &mut Io<World>, what: String) -> Result<String, Oops> {
    io.app().act(&what);
    match io.app().fails(&what) {
        true => Err(Oops::Failed(what)),
        false => Ok(what),
    }
}

#[step]
async fn undo(io: &mut Io<World>, what: String) {
    io.app().act(format!("undo {what}"));
}

#[signal]
#[derive(Serialize, Deserialize)]
struct Go(u8);

#[saga(app = World)]
async fn joined() -> Result<(String, String), Oops> {
    let (a, b) = join((act("a".into()), act("b".into()))).await;
    Ok((a?, b?))
}

#[saga(app = World)]
async fn beside_a_wait() -> Result<u8, Oops> {
    let (Go(n), quick) = join((signal::<Go>(), act("quick".into()))).await;
    quick?;
    Ok(n)
}

#[saga(app = World)]
async fn raced() -> Result<String, Oops> {
    match race((signal::<Go>(), sleep(seconds(5)), slow("slow".into()))).await {
        First(Go(n)) => Ok(format!("signal {n}")),
        Second(()) => act("late".into()).await,
        Third(slow) => slow,
    }
}

#[saga(app = World)]
async fn slow(what: String) -> Result<String, Oops> {
    act(what).await?;
    sleep(seconds(20)).await;
    Ok("slow".into())
}

#[saga(app = World)]
async fn many(n: usize, at_once: usize) -> Result<Vec<String>, Oops> {
    try_all((0..n).map(|i| act(i.to_string()))).concurrency(at_once).await
}

fn builder(sim: &Sim, world: &World) -> factum::Builder<World> {
    Engine::builder("/data")
        .segment_bytes(256 << 10)
        .app(world.clone())
        .sim(sim)
        .saga(joined)
        .saga(raced)
        .saga(many)
        .saga(beside_a_wait)
}

#[test]
fn a_join_gives_all_results_and_a_failure_undoes_both() {
    let (sim, world) = (Sim::new(1), World::new());
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        assert_eq!(engine.run(joined()).await.unwrap(), ("a".to_owned(), "b".to_owned()));
        world.fail_next("b");
        assert!(engine.run(joined()).await.is_err());
        assert_eq!((world.count("undo a"), world.count("undo b")), (1, 0));
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_race_has_one_winner_and_its_losers_are_undone() {
    let (sim, world) = (Sim::new(2), World::new());
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        assert_eq!(engine.run(raced()).await.unwrap(), "late");
        assert_eq!((world.count("slow"), world.count("undo slow"), world.count("late")), (1, 1, 1));
        let run = engine.start(raced()).id("r").await.unwrap();
        sim.sleep(Duration::from_secs(1)).await;
        assert_eq!(run.info().waiting.len(), 3);
        engine.signal("r", Go(7)).await.unwrap();
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Completed(run) if run.output() == "signal 7"));
        assert_eq!(world.count("undo slow"), 2);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn try_all_stops_at_the_first_error_and_leaves_nothing_done() {
    let (sim, world) = (Sim::new(3), World::new());
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        let all = engine.run(many(1024, 64)).await.unwrap();
        assert_eq!(all, (0..1024).map(|i| i.to_string()).collect::<Vec<_>>());
        world.fail_next("5");
        assert!(engine.run(many(8, 2)).await.is_err());
        let undone = world.done().iter().filter(|what| what.starts_with("undo")).count();
        let done = world.done().len() - 1024 - undone;
        assert_eq!(undone, done - 1, "{:?}", &world.done()[1024..]);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn what_a_branch_has_done_is_kept_while_another_waits_for_long() {
    let (sim, world) = (Sim::new(4), World::new());
    for end in 0..2 {
        sim.run(async {
            let engine = builder(&sim, &world).open().await.unwrap();
            let run = engine.start(beside_a_wait()).id("b").await.unwrap();
            world.happened("quick", 1).await;
            if end == 0 {
                sim.sleep(Duration::from_secs(1)).await;
                return;
            }
            engine.signal("b", Go(3)).await.unwrap();
            assert!(matches!(run.outcome().await.unwrap(), Outcome::Completed(_)));
            engine.shutdown().await.unwrap();
        });
        sim.crash(Loss::Everything);
    }
    assert_eq!(world.count("quick"), 1, "its outcome is not held for what never follows");
}
