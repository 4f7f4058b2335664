//! How many runs of a workflow go on at once, and how often a step is attempted.

use std::time::Duration;

use factum::prelude::*;
use factum::testing::{Loss, Sim};
use factum::{Status, WaitingOn};
use serde::{Deserialize, Serialize};

use crate::world::{Oops, World};

#[step]
async fn begin(io: &mut Io<World>, name: String) {
    io.app().act(format!("begin {name}"));
}

#[step]
async fn held(io: &mut Io<World>, name: String) {
    io.app().act(format!("hold {name}"));
    io.app().gate.acquire().await.unwrap().forget();
}

#[saga(app = World, concurrency = 2)]
async fn limited(name: String) {
    begin(name.clone()).await;
    held(name.clone()).await;
    ends(name).await;
}

#[saga(app = World, concurrency = 1, key = owner)]
async fn keyed(owner: String, name: String) {
    let _ = owner;
    begin(name.clone()).await;
    held(name).await;
}

#[signal]
#[derive(Serialize, Deserialize)]
struct Go;

/// Records nothing before it has a signal.
#[saga(app = World, concurrency = 1)]
async fn waits(name: String) {
    signal::<Go>().await;
    begin(name).await;
}

#[step(pivot)]
async fn point_of_no_return(io: &mut Io<World>, name: String) {
    io.app().act(format!("begin {name}"));
}

#[step]
async fn fails(io: &mut Io<World>, name: String) -> Result<(), Oops> {
    if io.app().fails(&name) { Err(Oops::Failed(name)) } else { Ok(()) }
}

#[saga(app = World, concurrency = 1)]
async fn pivots(name: String) -> Result<(), Oops> {
    point_of_no_return(name.clone()).await;
    fails(name).await
}

#[saga(app = World, concurrency = 3)]
async fn takes_time(name: String) {
    begin(name.clone()).await;
    sleep(seconds(10)).await;
    ends(name).await;
}

#[step]
async fn ends(io: &mut Io<World>, name: String) {
    io.app().act(format!("end {name}"));
}

#[saga(app = World)]
async fn starts_children() {
    for n in 0..4 {
        let _on_its_own = spawn(limited(format!("c{n}"))).id(format!("c{n}")).await;
    }
}

#[step(rate(limit = 2, per = "1s"))]
async fn rated(io: &mut Io<World>) {
    io.app().act("rated");
}

#[step(compensate = slowly())]
async fn undone_slowly(io: &mut Io<World>) {
    io.app().act("done");
}

#[step(rate(limit = 1, per = "10s"))]
async fn slowly(io: &mut Io<World>) {
    io.app().act("undone");
}

#[saga(app = World)]
async fn at_a_rate() {
    rated().await;
}

#[saga(app = World)]
async fn rolls_back() -> Result<(), Oops> {
    for _ in 0..3 {
        undone_slowly().await;
    }
    Err(Oops::Later)
}

/// A machine on which nothing takes long.
fn machine(seed: u64) -> Sim {
    let sim = Sim::new(seed);
    sim.set_patience(Duration::from_secs(3600));
    sim
}

fn builder(sim: &Sim, world: &World) -> factum::Builder<World> {
    let builder = Engine::builder("/data").segment_bytes(256 << 10).app(world.clone()).sim(sim);
    let builder = builder.saga(limited).saga(keyed).saga(waits).saga(pivots).saga(takes_time).saga(starts_children);
    builder.saga(at_a_rate).saga(rolls_back)
}

async fn open(sim: &Sim, world: &World) -> Engine {
    builder(sim, world).open().await.unwrap()
}

async fn start(engine: &Engine, names: impl IntoIterator<Item = &str>) {
    for name in names {
        engine.start(limited(name.to_owned())).id(name).await.unwrap();
    }
}

/// Lets everything come to where it waits.
async fn settle(sim: &Sim) {
    sim.sleep(Duration::from_millis(1)).await;
}

async fn waiting_for_turn(engine: &Engine) -> Vec<String> {
    let turn = |run: &factum::RunInfo| matches!(run.waiting[..], [factum::Waiting { on: WaitingOn::Turn { .. }, .. }]);
    let runs = engine.list().await.unwrap();
    assert!(runs.iter().all(|run| !turn(run) || run.status == Status::Waiting));
    runs.iter().filter(|run| turn(run)).map(|run| run.id.to_string()).collect()
}

async fn status(engine: &Engine, id: &str) -> Status {
    engine.list().await.unwrap().into_iter().find(|run| run.id.as_str() == id).unwrap().status
}

#[test]
fn no_more_runs_go_on_than_the_limit_and_the_others_follow_in_the_order_of_their_starts() {
    for seed in 0..20 {
        let (sim, world) = (machine(seed), World::new());
        sim.run(async {
            let engine = open(&sim, &world).await;
            start(&engine, ["a", "b", "c", "d", "e"]).await;
            settle(&sim).await;
            assert_eq!(waiting_for_turn(&engine).await, ["c", "d", "e"]);
            let mut begun = world.done();
            begun.sort();
            assert_eq!(begun, ["begin a", "begin b", "hold a", "hold b"]);
            for (n, next) in ["c", "d", "e"].into_iter().enumerate() {
                world.gate.add_permits(1);
                settle(&sim).await;
                assert_eq!(world.count(&format!("begin {next}")), 1);
                assert_eq!(waiting_for_turn(&engine).await.len(), 2 - n);
            }
            engine.shutdown().await.unwrap();
        });
    }
}

#[test]
fn runs_of_other_keys_do_not_wait() {
    let (sim, world) = (machine(1), World::new());
    sim.run(async {
        let engine = open(&sim, &world).await;
        for (key, name) in [("ann", "a1"), ("ann", "a2"), ("bob", "b1"), ("bob", "b2")] {
            engine.start(keyed(key.into(), name.into())).id(name).await.unwrap();
        }
        settle(&sim).await;
        assert_eq!(waiting_for_turn(&engine).await, ["a2", "b2"]);
        let run = engine.attach(keyed, "b2").await.unwrap();
        assert_eq!(run.info().waiting[0].on, WaitingOn::Turn { key: Some("bob".into()) });
        world.gate.add_permits(4);
        run.outcome().await.unwrap();
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_waiting_run_is_cancelled_at_once_and_others_get_its_turn() {
    let (sim, world) = (machine(2), World::new());
    sim.run(async {
        let engine = open(&sim, &world).await;
        start(&engine, ["a", "b", "c", "d"]).await;
        settle(&sim).await;
        engine.cancel("c").await.unwrap();
        let run = engine.attach(limited, "c").await.unwrap();
        assert_eq!(run.outcome().await.unwrap().status(), Status::Cancelled);
        world.gate.add_permits(1);
        world.happened("begin d", 1).await;
        assert_eq!(world.count("begin c"), 0);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn after_a_crash_the_same_runs_go_on_and_the_others_wait_in_the_same_order() {
    for seed in 0..10 {
        let (sim, world) = (machine(seed), World::new());
        sim.run(async {
            let engine = open(&sim, &world).await;
            start(&engine, ["a", "b", "c", "d", "e"]).await;
            settle(&sim).await;
            world.gate.add_permits(1);
            settle(&sim).await;
            assert_eq!(waiting_for_turn(&engine).await, ["d", "e"]);
            std::mem::forget(engine);
        });
        sim.crash(Loss::Everything);
        sim.run(async {
            let engine = open(&sim, &world).await;
            settle(&sim).await;
            assert_eq!(waiting_for_turn(&engine).await, ["d", "e"]);
            for left in [vec!["e"], vec![], vec![], vec![]] {
                world.gate.add_permits(1);
                settle(&sim).await;
                assert_eq!(waiting_for_turn(&engine).await, left);
            }
            world.happened("end e", 1).await;
            engine.shutdown().await.unwrap();
        });
    }
}

#[test]
fn a_run_that_has_recorded_nothing_is_first_again_after_a_crash() {
    let (sim, world) = (machine(3), World::new());
    sim.run(async {
        let engine = open(&sim, &world).await;
        for name in ["a", "b"] {
            engine.start(waits(name.into())).id(name).await.unwrap();
        }
        settle(&sim).await;
        assert_eq!(waiting_for_turn(&engine).await, ["b"]);
        std::mem::forget(engine);
    });
    sim.crash(Loss::Everything);
    sim.run(async {
        let engine = open(&sim, &world).await;
        settle(&sim).await;
        assert_eq!(waiting_for_turn(&engine).await, ["b"]);
        engine.signal("b", Go).await.unwrap();
        engine.signal("a", Go).await.unwrap();
        world.happened("begin b", 1).await;
        assert_eq!(world.done(), ["begin a", "begin b"]);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_paused_run_keeps_its_place_and_one_that_waits_keeps_nobody() {
    let (sim, world) = (machine(4), World::new());
    sim.run(async {
        let engine = open(&sim, &world).await;
        start(&engine, ["a", "b", "c", "d", "e"]).await;
        settle(&sim).await;
        engine.pause("a", "wait").await.unwrap();
        engine.pause("c", "wait").await.unwrap();
        world.gate.add_permits(2);
        settle(&sim).await;
        assert_eq!(status(&engine, "a").await, Status::Paused);
        assert_eq!(waiting_for_turn(&engine).await, ["e"], "b's place is d's, as c is paused");
        engine.shutdown().await.unwrap();
        let engine = open(&sim, &world).await;
        settle(&sim).await;
        assert_eq!(waiting_for_turn(&engine).await, ["e"]);
        engine.resume("c").await.unwrap();
        settle(&sim).await;
        assert_eq!(waiting_for_turn(&engine).await, ["c", "e"]);
        engine.resume("a").await.unwrap();
        world.happened("begin c", 1).await;
        assert_eq!(world.count("begin e"), 0);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_run_that_is_paused_before_it_did_anything_gives_its_place_away() {
    let (sim, world) = (machine(13), World::new());
    sim.run(async {
        let engine = open(&sim, &world).await;
        for name in ["a", "b"] {
            engine.start(waits(name.into())).id(name).await.unwrap();
        }
        settle(&sim).await;
        engine.pause("a", "wait").await.unwrap();
        settle(&sim).await;
        assert_eq!(waiting_for_turn(&engine).await, [""; 0]);
        engine.resume("a").await.unwrap();
        settle(&sim).await;
        assert_eq!(waiting_for_turn(&engine).await, ["a"]);
        engine.signal("b", Go).await.unwrap();
        engine.signal("a", Go).await.unwrap();
        world.happened("begin a", 1).await;
        assert_eq!(world.done(), ["begin b", "begin a"]);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_run_that_is_imported_under_way_has_a_place() {
    let (sim, world) = (machine(14), World::new());
    let mut export = Vec::new();
    sim.run(async {
        let engine = open(&sim, &world).await;
        start(&engine, ["x"]).await;
        world.happened("hold x", 1).await;
        engine.export("x", &mut export).await.unwrap();
        engine.shutdown().await.unwrap();
    });
    let (sim, world) = (machine(15), World::new());
    sim.run(async {
        let engine = open(&sim, &world).await;
        start(&engine, ["a"]).await;
        engine.import(&*export).await.unwrap();
        start(&engine, ["b"]).await;
        settle(&sim).await;
        assert_eq!(waiting_for_turn(&engine).await, ["b"]);
        world.gate.add_permits(1);
        world.happened("begin b", 1).await;
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_stuck_run_keeps_its_place_until_it_is_given_up_or_comes_to_its_end() {
    let (sim, world) = (machine(5), World::new());
    sim.run(async {
        let engine = open(&sim, &world).await;
        for name in ["a", "b", "c"] {
            world.fail_next(name);
            engine.start(pivots(name.into())).id(name).await.unwrap();
        }
        settle(&sim).await;
        assert_eq!((status(&engine, "a").await, world.done()), (Status::Stuck, vec!["begin a".to_owned()]));
        engine.shutdown().await.unwrap();
        let engine = open(&sim, &world).await;
        settle(&sim).await;
        assert_eq!(waiting_for_turn(&engine).await, ["b", "c"]);
        engine.abandon("a", "nobody wants it").await.unwrap();
        settle(&sim).await;
        assert_eq!(
            (status(&engine, "b").await, waiting_for_turn(&engine).await),
            (Status::Stuck, vec!["c".to_owned()])
        );
        engine.retry("b").await.unwrap();
        world.happened("begin c", 1).await;
        assert_eq!(status(&engine, "b").await, Status::Completed);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_run_with_a_place_or_that_waits_for_one_stays_in_memory() {
    let (sim, world) = (machine(6), World::new());
    let eager = || builder(&sim, &world).checkpoint_interval(Duration::from_millis(5)).sleep_after(Duration::ZERO);
    sim.run(async {
        let engine = eager().open().await.unwrap();
        for n in 0..5 {
            engine.start(takes_time(n.to_string())).id(n.to_string()).await.unwrap();
        }
        sim.sleep(Duration::from_secs(5)).await;
        assert_eq!(engine.stats().runs_in_memory, 5);
        world.happened("end 4", 1).await;
        engine.shutdown().await.unwrap();
    });
}

/// The same workflow before and after it was given a limit.
mod before {
    use super::*;

    #[saga(app = World, name = "later")]
    pub async fn later(name: String) {
        begin(name.clone()).await;
        signal::<Go>().await;
        ends(name).await;
    }
}

mod after {
    use super::*;

    #[saga(app = World, name = "later", concurrency = 1)]
    pub async fn later(name: String) {
        begin(name.clone()).await;
        signal::<Go>().await;
        ends(name).await;
    }
}

#[test]
fn a_limit_that_is_new_counts_runs_that_sleep_already() {
    let (sim, world) = (machine(11), World::new());
    let eager = || {
        let builder = Engine::builder("/data").segment_bytes(256 << 10).app(world.clone()).sim(&sim);
        builder.checkpoint_interval(Duration::from_millis(5)).sleep_after(Duration::ZERO)
    };
    sim.run(async {
        let engine = eager().saga(before::later).open().await.unwrap();
        engine.start(before::later("a".into())).id("a").await.unwrap();
        engine.start(before::later("b".into())).id("b").await.unwrap();
        sim.sleep(Duration::from_secs(1)).await;
        assert_eq!(engine.stats().runs_in_memory, 0);
        engine.shutdown().await.unwrap();
        let engine = eager().saga(after::later).open().await.unwrap();
        engine.start(after::later("c".into())).id("c").await.unwrap();
        engine.signal("a", Go).await.unwrap();
        world.happened("end a", 1).await;
        sim.sleep(Duration::from_secs(1)).await;
        assert_eq!(waiting_for_turn(&engine).await, ["c"], "b is under way, too");
        engine.signal("b", Go).await.unwrap();
        world.happened("begin c", 1).await;
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_deadline_ends_a_wait_for_a_turn() {
    let (sim, world) = (machine(12), World::new());
    sim.run(async {
        let engine = open(&sim, &world).await;
        start(&engine, ["a", "b"]).await;
        let deadline = std::time::SystemTime::from(sim.now()) + Duration::from_secs(60);
        let error = engine.run(limited("c".into())).deadline(deadline).await.unwrap_err();
        assert_eq!(error.to_string(), "the run's deadline has passed");
        assert_eq!(world.count("begin c"), 0);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_child_waits_for_its_turn_like_any_run() {
    let (sim, world) = (machine(7), World::new());
    sim.run(async {
        let engine = open(&sim, &world).await;
        engine.run(starts_children()).await.unwrap();
        settle(&sim).await;
        assert_eq!(waiting_for_turn(&engine).await, ["c2", "c3"]);
        world.gate.add_permits(4);
        world.happened("end c3", 1).await;
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn whenever_the_power_fails_no_place_is_lost_and_none_is_given_twice() {
    const RUNS: usize = 9;
    for seed in 0..40 {
        let (sim, world) = (machine(seed), World::new());
        let mut crashes = 0;
        loop {
            let crash_after = Duration::from_millis(fastrand::Rng::with_seed(seed * 100 + crashes).u64(1..15_000));
            let done = sim.run(async {
                let engine = open(&sim, &world).await;
                for n in 0..RUNS {
                    engine.start(takes_time(n.to_string())).id(n.to_string()).await.unwrap();
                    if seed % 3 == 0 && n == 4 && crashes == 0 {
                        engine.cancel("4").await.unwrap();
                    }
                }
                let all = async {
                    for n in 0..RUNS {
                        let run = engine.attach(takes_time, n.to_string()).await.unwrap();
                        run.outcome().await.unwrap();
                    }
                };
                let done = tokio::select! {
                    biased;
                    () = all => true,
                    () = sim.sleep(crash_after), if crashes < 4 => false,
                };
                match done {
                    true => engine.shutdown().await.unwrap(),
                    false => std::mem::forget(engine),
                }
                done
            });
            if done {
                break;
            }
            sim.crash(Loss::Any);
            crashes += 1;
        }
        let mut under_way = std::collections::BTreeSet::new();
        for what in world.done() {
            match what.split_once(' ').unwrap() {
                ("begin", name) => under_way.insert(name.to_owned()),
                (_, name) => under_way.remove(name),
            };
            assert!(under_way.len() <= 3, "seed {seed}: {:?}", world.done());
        }
    }
}

#[test]
fn attempts_of_all_runs_keep_to_a_steps_rate() {
    let (sim, world) = (machine(8), World::new());
    sim.run(async {
        let engine = open(&sim, &world).await;
        for n in 0..6 {
            engine.start(at_a_rate()).id(n.to_string()).await.unwrap();
        }
        let mut counts = Vec::new();
        for _ in 0..4 {
            sim.sleep(Duration::from_millis(100)).await;
            counts.push(world.count("rated"));
            sim.sleep(Duration::from_millis(400)).await;
        }
        assert_eq!(counts, [2, 3, 4, 5]);
        world.happened("rated", 6).await;
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_wait_for_a_rate_is_seen_and_heeds_a_cancel_a_pause_and_a_shutdown() {
    let (sim, world) = (machine(9), World::new());
    sim.run(async {
        let engine = open(&sim, &world).await;
        let (first, second) = (engine.start(at_a_rate()).await.unwrap(), engine.start(at_a_rate()).await.unwrap());
        first.outcome().await.unwrap();
        second.outcome().await.unwrap();
        let cancelled = engine.start(at_a_rate()).id("cancelled").await.unwrap();
        let paused = engine.start(at_a_rate()).id("paused").await.unwrap();
        engine.start(at_a_rate()).id("parked").await.unwrap();
        settle(&sim).await;
        for run in engine.list().await.unwrap().iter().skip(2) {
            assert_eq!(run.status, Status::Waiting);
            assert!(matches!(&run.waiting[0].on, WaitingOn::Rate { step, .. } if step == "rated"), "{run:?}");
        }
        engine.cancel("cancelled").await.unwrap();
        engine.pause("paused", "wait").await.unwrap();
        assert_eq!(cancelled.outcome().await.unwrap().status(), Status::Cancelled);
        assert_eq!(paused.outcome().await.unwrap().status(), Status::Paused);
        let begun = sim.elapsed();
        engine.shutdown().await.unwrap();
        assert!(sim.elapsed() - begun < Duration::from_millis(100));
        assert_eq!(world.count("rated"), 2);
    });
}

#[test]
fn undos_keep_to_their_rate_too() {
    let (sim, world) = (machine(10), World::new());
    sim.run(async {
        let engine = open(&sim, &world).await;
        let run = engine.start(rolls_back()).await.unwrap();
        sim.sleep(Duration::from_secs(15)).await;
        assert_eq!(world.count("undone"), 2);
        assert_eq!(run.outcome().await.unwrap().status(), Status::Failed);
        assert_eq!(world.count("undone"), 3);
        engine.shutdown().await.unwrap();
    });
}
