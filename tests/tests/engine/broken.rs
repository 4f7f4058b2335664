//! What a review of several things at once broke: each failed once.

use std::time::Duration;

use factum::Status;
use factum::prelude::*;
use factum::testing::{Loss, Sim};
use serde::{Deserialize, Serialize};

use crate::world::{Oops, World, events};

#[step(compensate = undo(what.clone()))]
async fn act(io: &mut Io<World>, what: String) -> Result<String, Oops> {
    io.app().act(&what);
    if io.app().fails(&what) { Err(Oops::Failed(what)) } else { Ok(what) }
}

#[step(retry(attempts = 2, initial = "10s", factor = 1.0, jitter = 0.0))]
async fn undo(io: &mut Io<World>, what: String) -> Result<(), Oops> {
    let what = format!("undo {what}");
    io.app().act(&what);
    if io.app().fails(&what) { Err(Oops::Failed(what)) } else { Ok(()) }
}

/// Waits for the test.
#[step(idempotent)]
async fn held(io: &mut Io<World>, what: String) -> Result<String, Oops> {
    io.app().act(format!("begin {what}"));
    io.app().gate.acquire().await.unwrap().forget();
    io.app().act(format!("end {what}"));
    if io.app().fails(&what) { Err(Oops::Failed(what)) } else { Ok(what) }
}

#[step(pivot)]
async fn commit(io: &mut Io<World>) {
    io.app().act("begin commit");
    io.app().gate.acquire().await.unwrap().forget();
    io.app().act("end commit");
}

#[step(pivot, timeout = "5s", unknown_when = Oops::is_later)]
async fn doubtful(io: &mut Io<World>) -> Result<(), Oops> {
    io.app().act("doubtful");
    if io.app().fails("doubtful") { Err(Oops::Later) } else { Ok(()) }
}

#[signal]
#[derive(Serialize, Deserialize)]
struct Go(u64);

#[saga(app = World)]
async fn one(what: String) -> Result<String, Oops> {
    held(what).await
}

/// Fails behind its first step.
#[saga(app = World)]
async fn fails(what: String) -> Result<(), Oops> {
    act(what.clone()).await?;
    act(format!("{what} fails")).await?;
    Ok(())
}

#[saga(app = World)]
async fn outruns() -> Result<u8, Oops> {
    match race((sleep(seconds(5)), fails("a".into()))).await {
        First(()) => Ok(1),
        Second(_) => Ok(2),
    }
}

#[saga(app = World)]
async fn handles() -> Result<u64, Oops> {
    let _handled = fails("a".into()).await;
    let Go(n) = signal::<Go>().await;
    Ok(n)
}

#[saga(app = World)]
async fn loses() -> Result<u8, Oops> {
    match race((sleep(seconds(5)), slow("b".into()))).await {
        First(()) => Ok(1),
        Second(_) => Ok(2),
    }
}

#[saga(app = World)]
async fn slow(what: String) -> Result<(), Oops> {
    act(what).await?;
    sleep(days(1)).await;
    Ok(())
}

#[saga(app = World)]
async fn two_undone() -> Result<(), Oops> {
    act("a".into()).await?;
    act("b".into()).await?;
    act("c".into()).await?;
    Ok(())
}

#[saga(app = World)]
async fn takes_and_sleeps() -> u64 {
    let Go(n) = signal::<Go>().await;
    sleep(days(1)).await;
    n
}

#[saga(app = World)]
async fn race_for_it() -> bool {
    match race((takes_and_sleeps(), sleep(seconds(5)))).await {
        First(_) => true,
        Second(()) => false,
    }
}

#[saga(app = World)]
async fn gives_back() -> u64 {
    let (_, Go(n)) = join((race_for_it(), signal::<Go>())).await;
    n
}

#[saga(app = World)]
async fn panics(what: String) -> Result<(), Oops> {
    held(what).await?;
    panic!("there is nothing");
}

#[saga(app = World)]
async fn commits_beside_a_panic() -> Result<(), Oops> {
    let ((), _) = join((commit(), panics("p".into()))).await;
    Ok(())
}

#[saga(app = World)]
async fn doubts_beside_another() -> Result<(), Oops> {
    let (_, other) = join((doubtful(), held("other".into()))).await;
    other?;
    Ok(())
}

/// Takes a signal and fails.
#[saga(app = World)]
async fn told() -> Result<u64, Oops> {
    let Go(n) = signal::<Go>().await;
    held("told".into()).await?;
    Ok(n)
}

#[saga(app = World)]
async fn told_behind_a_pivot() -> Result<u64, Oops> {
    commit().await;
    let told = told();
    told.await
}

#[saga(app = World)]
async fn turns(turn: u64, sum: u64, big: String) -> u64 {
    let Go(n) = signal::<Go>().await;
    if n == 0 {
        return sum;
    }
    again(turns(turn + 1, sum + n, big)).await
}

mod before {
    use super::*;

    #[saga(app = World, name = "changes")]
    pub async fn changes() -> Result<(), Oops> {
        let (a, b) = join((act("a".into()), act("b".into()))).await;
        a?;
        b?;
        held("end".into()).await?;
        Ok(())
    }

    #[saga(app = World, name = "nests")]
    pub async fn nests() -> Result<(), Oops> {
        inner().await
    }

    #[saga(app = World, name = "inner")]
    pub async fn inner() -> Result<(), Oops> {
        act("a".into()).await?;
        held("end".into()).await?;
        Ok(())
    }
}

mod after {
    use super::*;

    #[saga(app = World, name = "changes")]
    pub async fn changes() -> Result<(), Oops> {
        act("a".into()).await?;
        Ok(())
    }

    #[saga(app = World, name = "nests")]
    pub async fn nests() -> Result<(), Oops> {
        inner().await
    }

    #[saga(app = World, name = "inner")]
    pub async fn inner() -> Result<(), Oops> {
        Ok(())
    }
}

fn machine(seed: u64) -> (Sim, World) {
    let sim = Sim::new(seed);
    sim.set_patience(Duration::from_secs(900));
    (sim, World::new())
}

fn bare(sim: &Sim, world: &World) -> factum::Builder<World> {
    let builder = Engine::builder("/data").segment_bytes(64 << 10).app(world.clone()).sim(sim);
    builder.checkpoint_interval(Duration::from_secs(2)).sleep_after(Duration::from_secs(3))
}

fn builder(sim: &Sim, world: &World) -> factum::Builder<World> {
    let builder = bare(sim, world).saga(one).saga(outruns).saga(handles).saga(loses).saga(two_undone).saga(gives_back);
    builder.saga(commits_beside_a_panic).saga(doubts_beside_another).saga(told_behind_a_pivot).saga(turns)
}

#[test]
fn a_run_that_ended_although_it_was_paused_is_not_resumed_and_the_directory_opens() {
    let (sim, world) = machine(1);
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        let run = engine.start(one("x".into())).id("r").await.unwrap();
        world.happened("begin x", 1).await;
        engine.pause("r", "wait").await.unwrap();
        world.gate.add_permits(1);
        world.happened("end x", 1).await;
        sim.sleep(Duration::from_secs(1)).await;
        assert_eq!(run.info().status, Status::Completed);
        assert_eq!(run.info().problem, None);
        assert!(engine.resume("r").await.is_err());
        assert!(engine.retry("r").await.is_err());
        assert!(engine.abandon("r", "odd").await.is_err());
    });
    sim.crash(Loss::Any);
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        let run = engine.attach(one, "r").await.unwrap();
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Completed(_)));
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_paused_run_stays_in_memory_while_an_attempt_is_in_the_air() {
    let (sim, world) = machine(2);
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        drop(engine.start(one("x".into())).id("r").await.unwrap());
        world.happened("begin x", 1).await;
        engine.pause("r", "wait").await.unwrap();
        sim.sleep(Duration::from_secs(30)).await;
        world.gate.add_permits(2);
        sim.sleep(Duration::from_secs(30)).await;
        // Its body had no await left to stop at.
        let run = engine.attach(one, "r").await.unwrap();
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Completed(_)));
        assert_eq!((world.count("begin x"), world.count("end x")), (1, 1));
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_loser_that_could_not_be_undone_is_not_passed_over() {
    let (sim, world) = machine(3);
    world.fail_next("a fails");
    world.fail_next("undo a");
    world.fail_next("undo a");
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        let run = engine.start(outruns()).id("r").await.unwrap();
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Stuck(_)), "{:?}", run.info());
        engine.retry("r").await.unwrap();
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Completed(run) if *run.output() == 1));
        assert_eq!(world.count("undo a"), 3);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_run_is_paused_while_a_nested_undo_waits_for_its_retry() {
    let (sim, world) = machine(4);
    world.fail_next("a fails");
    world.fail_next("undo a");
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        let run = engine.start(handles()).id("r").await.unwrap();
        world.happened("undo a", 1).await;
        sim.sleep(Duration::from_secs(1)).await;
        engine.pause("r", "wait").await.unwrap();
        sim.sleep(Duration::from_secs(60)).await;
        engine.resume("r").await.unwrap();
        engine.signal("r", Go(7)).await.unwrap();
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Completed(run) if *run.output() == 7));
        assert_eq!(world.count("undo a"), 2);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_run_is_cancelled_behind_a_nested_undo_that_was_retried() {
    let (sim, world) = machine(5);
    world.fail_next("a fails");
    world.fail_next("undo a");
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        let run = engine.start(handles()).id("r").await.unwrap();
        world.happened("undo a", 2).await;
        sim.sleep(Duration::from_secs(60)).await;
        engine.cancel("r").await.unwrap();
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Cancelled(_)));
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_shutdown_stops_the_undo_of_losers_and_the_next_engine_goes_on_with_it() {
    let (sim, world) = machine(6);
    world.fail_next("undo b");
    for end in 0..2 {
        sim.run(async {
            let engine = builder(&sim, &world).open().await.unwrap();
            let run = engine.start(loses()).id("r").await.unwrap();
            world.happened("undo b", 1 + end).await;
            if end == 0 {
                sim.sleep(Duration::from_secs(1)).await;
                let began = sim.elapsed();
                engine.shutdown().await.unwrap();
                assert!(sim.elapsed() - began < Duration::from_secs(5), "{:?}", sim.elapsed() - began);
                return;
            }
            assert!(matches!(run.outcome().await.unwrap(), Outcome::Completed(run) if *run.output() == 1));
            engine.shutdown().await.unwrap();
        });
    }
    assert_eq!(world.count("undo b"), 2);
}

#[test]
fn a_rollback_is_paused_behind_an_undo_that_was_retried() {
    let (sim, world) = machine(7);
    world.fail_next("c");
    world.fail_next("undo b");
    world.fail_next("undo a");
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        let run = engine.start(two_undone()).id("r").await.unwrap();
        world.happened("undo a", 1).await;
        sim.sleep(Duration::from_secs(1)).await;
        engine.pause("r", "wait").await.unwrap();
        sim.sleep(Duration::from_secs(60)).await;
        assert_eq!(world.count("undo a"), 1);
        engine.resume("r").await.unwrap();
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Failed(_)));
        assert_eq!((world.count("undo b"), world.count("undo a")), (2, 2));
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_signal_that_a_loser_gives_back_is_taken_by_who_waits_for_it() {
    let (sim, world) = machine(8);
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        let run = engine.start(gives_back()).id("r").await.unwrap();
        engine.signal("r", Go(7)).await.unwrap();
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Completed(run) if *run.output() == 7));
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_body_that_awaits_a_step_where_branches_are_recorded_diverges() {
    for nested in [false, true] {
        let (sim, world) = machine(9);
        sim.run(async {
            let engine = bare(&sim, &world).saga(before::changes).saga(before::nests).open().await.unwrap();
            match nested {
                false => drop(engine.start(before::changes()).id("r").await.unwrap()),
                true => drop(engine.start(before::nests()).id("r").await.unwrap()),
            }
            world.happened("begin end", 1).await;
        });
        sim.crash(Loss::Any);
        sim.run(async {
            let engine = bare(&sim, &world).saga(after::changes).saga(after::nests).open().await.unwrap();
            let diverged = match nested {
                false => matches!(
                    engine.attach(after::changes, "r").await.unwrap().outcome().await.unwrap(),
                    Outcome::Diverged(_)
                ),
                true => matches!(
                    engine.attach(after::nests, "r").await.unwrap().outcome().await.unwrap(),
                    Outcome::Diverged(_)
                ),
            };
            assert!(diverged);
            engine.shutdown().await.unwrap();
        });
    }
}

#[test]
fn a_pivot_that_a_panic_beside_it_dropped_is_attempted_again_by_a_retry() {
    for crash in [false, true] {
        let (sim, world) = machine(10);
        sim.run(async {
            let engine = builder(&sim, &world).open().await.unwrap();
            let run = engine.start(commits_beside_a_panic()).id("r").await.unwrap();
            world.happened("begin commit", 1).await;
            world.happened("begin p", 1).await;
            sim.sleep(Duration::from_secs(1)).await;
            // One of the two has it: the other's turn comes behind the panic, or it ends first.
            world.gate.add_permits(1);
            sim.sleep(Duration::from_secs(1)).await;
            if world.count("end p") == 0 {
                world.gate.add_permits(1);
            }
            assert!(matches!(run.outcome().await.unwrap(), Outcome::Stuck(_)));
            if !crash {
                world.gate.add_permits(1);
                engine.retry("r").await.unwrap();
                // It panics again.
                assert!(matches!(run.outcome().await.unwrap(), Outcome::Stuck(_)), "{:?}", run.info());
                assert!(events(&engine, "r").await.contains(&"retried"));
            }
        });
        sim.crash(Loss::Any);
        sim.run(async {
            let engine = builder(&sim, &world).open().await.unwrap();
            let run = engine.attach(commits_beside_a_panic, "r").await.unwrap();
            world.gate.add_permits(1);
            engine.retry("r").await.unwrap();
            assert!(matches!(run.outcome().await.unwrap(), Outcome::Stuck(_)), "{:?}", run.info());
            engine.shutdown().await.unwrap();
        });
    }
}

#[test]
fn a_pivot_in_doubt_is_attempted_again_whatever_ended_behind_it() {
    let (sim, world) = machine(11);
    world.fail_next("doubtful");
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        let run = engine.start(doubts_beside_another()).id("r").await.unwrap();
        world.happened("begin other", 1).await;
        world.happened("doubtful", 1).await;
        sim.sleep(Duration::from_secs(1)).await;
        world.gate.add_permits(1);
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Stuck(_)));
        engine.retry("r").await.unwrap();
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Completed(_)), "{:?}", run.info());
        assert_eq!(world.count("doubtful"), 2);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_saga_that_is_done_again_finds_the_signal_that_it_had_taken() {
    let (sim, world) = machine(12);
    world.fail_next("told");
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        let run = engine.start(told_behind_a_pivot()).id("r").await.unwrap();
        engine.signal("r", Go(7)).await.unwrap();
        world.gate.add_permits(3);
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Stuck(_)));
        engine.retry("r").await.unwrap();
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Completed(run) if *run.output() == 7));
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn no_signal_is_lost_between_two_turns() {
    let (sim, world) = machine(13);
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        // Large arguments take a while to be recorded.
        let run = engine.start(turns(0, 0, "x".repeat(100_000))).id("r").await.unwrap();
        for n in 1..=200 {
            engine.signal("r", Go(n)).await.unwrap();
        }
        engine.signal("r", Go(0)).await.unwrap();
        let Outcome::Completed(run) = run.outcome().await.unwrap() else { panic!() };
        assert_eq!(*run.output(), 200 * 201 / 2);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_pause_between_two_turns_outlives_a_restart() {
    for seed in 0..40 {
        let (sim, world) = machine(100 + seed);
        sim.run(async {
            let engine = builder(&sim, &world).open().await.unwrap();
            let run = engine.start(turns(0, 0, "x".repeat(100_000))).id("r").await.unwrap();
            engine.signal("r", Go(1)).await.unwrap();
            for _ in 0..seed {
                // Some more time each time.
                tokio::task::yield_now().await;
            }
            engine.pause("r", "wait").await.unwrap();
            drop(run);
            sim.sleep(Duration::from_secs(30)).await;
            if seed % 2 == 0 {
                engine.resume("r").await.unwrap();
                engine.pause("r", "wait").await.unwrap();
            }
            sim.sleep(Duration::from_secs(30)).await;
        });
        sim.crash(Loss::Any);
        sim.run(async {
            let engine = builder(&sim, &world).open().await.unwrap();
            let run = engine.attach(turns, "r").await.unwrap();
            assert_eq!(run.info().status, Status::Paused);
            engine.resume("r").await.unwrap();
            sim.sleep(Duration::from_secs(30)).await;
            engine.signal("r", Go(0)).await.unwrap();
            assert!(matches!(run.outcome().await.unwrap(), Outcome::Completed(run) if *run.output() == 1));
            engine.shutdown().await.unwrap();
        });
    }
}

/// Sends a signal as soon as the inbox has room for it.
async fn send(engine: &factum::Engine, go: u64) {
    loop {
        match engine.signal("r", Go(go)).await {
            Err(factum::Error::InboxFull { .. }) => tokio::task::yield_now().await,
            sent => return sent.unwrap(),
        }
    }
}

/// On several threads: a signal that comes while a turn ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_signal_is_lost_between_two_turns_on_many_threads() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let build = || crate::world::builder(dir.path(), &world).durability(factum::Durability::None).saga(turns);
    let engine = build().open().await.unwrap();
    let run = engine.start(turns(0, 0, String::new())).id("r").await.unwrap();
    let senders: Vec<_> = (0..4)
        .map(|_| {
            let engine = engine.clone();
            tokio::spawn(async move {
                for _ in 0..1500 {
                    send(&engine, 1).await;
                }
            })
        })
        .collect();
    for sender in senders {
        sender.await.unwrap();
    }
    send(&engine, 0).await;
    let Outcome::Completed(run) = run.outcome().await.unwrap() else { panic!() };
    assert_eq!(*run.output(), 6000);
    engine.shutdown().await.unwrap();
}
