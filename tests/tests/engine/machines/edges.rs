//! What lies at the edges: deadlines that are over together, more than a record holds, the last visit, what is not durable.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use factum::prelude::*;
use factum::testing::{Fail, Loss, Sim};
use factum::{Builder, Durability, Status};
use serde::{Deserialize, Serialize};

use super::{Bill, Count, DAY, Order, Pay, Send, comes_to, count, on_sim, placed_, simulated, waits};
use crate::world::{World, builder};

#[signal]
#[derive(Serialize, Deserialize)]
pub struct Parcel(pub String);

/// Takes parcels when it was told to twice.
#[fsm]
#[defer]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Depot {
    #[initial]
    #[next(Open)]
    #[accepts(Send)]
    Shut { note: String },
    #[next(Taking)]
    #[accepts(Send)]
    Open { note: String },
    #[next(Over)]
    #[accepts(Parcel)]
    Taking,
    #[terminal]
    Over,
}

#[state]
async fn shut(state: depot::Shut) -> Next<depot::Shut> {
    signal::<Send>().await;
    go(depot::Open { note: state.note })
}

#[state]
async fn opened(_: depot::Open) -> Next<depot::Open> {
    signal::<Send>().await;
    go(depot::Taking)
}

#[state]
async fn taking(_: depot::Taking) -> Next<depot::Taking> {
    signal::<Parcel>().await;
    go(depot::Over)
}

/// Two states in a group whose time may be over before that of the second one.
#[fsm]
#[reject]
#[group(Open, timeout("4 days" => Closed))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Shift {
    #[initial]
    #[next(Late)]
    #[parent(Open)]
    #[accepts(Send)]
    Early,
    #[next(Done)]
    #[parent(Open)]
    #[accepts(Send)]
    #[timeout("3 days" => Alone)]
    Late,
    #[terminal]
    Done,
    #[terminal]
    Alone,
    #[terminal]
    Closed,
}

#[state]
async fn early(_: shift::Early) -> Next<shift::Early> {
    signal::<Send>().await;
    go(shift::Late)
}

#[state]
async fn late(_: shift::Late) -> Next<shift::Late> {
    signal::<Send>().await;
    go(shift::Done)
}

pub fn all(sim: &Sim, world: &World) -> Builder<World> {
    on_sim(sim, world).fsm::<Depot>().fsm::<Shift>()
}

#[test]
fn of_several_deadlines_that_were_over_while_nobody_looked_the_earliest_counts() {
    for seed in 0..8 {
        let (sim, world) = (Sim::new(seed), World::new());
        sim.run(async {
            let engine = all(&sim, &world).open().await.unwrap();
            let run = engine.start(shift::Early).id("s").await.unwrap();
            waits(&run, &sim).await;
            sim.jump(2 * DAY);
            run.signal(Send).await.unwrap();
            while run.state().unwrap() != Shift::Late {
                sim.sleep(Duration::from_millis(1)).await;
            }
            waits(&run, &sim).await;
            drop(run);
            engine.shutdown().await.unwrap();
        });
        // The group's time is over after four days, the state's own after five.
        sim.jump(20 * DAY);
        sim.run(async {
            let engine = all(&sim, &world).open().await.unwrap();
            let run = engine.attach_fsm::<Shift>("s").await.unwrap();
            let Outcome::Completed(done) = run.outcome().await.unwrap() else { panic!("not completed") };
            assert_eq!(done.output(), &Shift::Closed, "seed {seed}");
            engine.shutdown().await.unwrap();
        });
    }
}

#[test]
fn a_run_that_carries_much_stops_no_engine() {
    let (sim, world) = (Sim::new(2), World::new());
    let builder = || {
        // Each value that is put aside is seen through a map, which is a copy here.
        let small = Engine::builder("/data").arena_segment_bytes(64 << 10).checkpoint_interval(Duration::from_secs(2));
        small.app(world.clone()).fsm::<Depot>().sim(&sim)
    };
    // All is as large as it may be in a record, and as much as an inbox holds.
    sim.run(async {
        let engine = builder().open().await.unwrap();
        let note = "n".repeat(60 << 10);
        let run = engine.start(depot::Shut { note }).id("d").await.unwrap();
        let parcel = "x".repeat((64 << 10) - 2);
        // 16 MiB of them.
        for _ in 0..255 {
            run.signal(Parcel(parcel.clone())).await.unwrap();
        }
        run.signal(Parcel(String::new())).await.unwrap();
        let full = run.signal(Parcel(parcel.clone())).await.unwrap_err();
        assert!(matches!(full, factum::Error::InboxFull { .. }), "{full}");
        drop(run);
        engine.shutdown().await.unwrap();
    });
    sim.run(async {
        let engine = builder().open().await.unwrap();
        engine.signal("d", Send).await.unwrap();
        sim.sleep(Duration::from_secs(30)).await;
        engine.start(depot::Shut { note: String::new() }).id("e").await.unwrap();
        engine.shutdown().await.unwrap();
    });
    sim.kill();
    sim.run(async {
        let engine = builder().open().await.unwrap();
        sim.sleep(Duration::from_secs(30)).await;
        engine.start(depot::Shut { note: String::new() }).id("f").await.unwrap();
        engine.shutdown().await.unwrap();
    });
}

/// Whatever fails, and whenever: what is shown then is on the disk.
#[test]
fn a_state_that_is_not_durable_is_shown_to_nobody_when_the_engine_has_failed() {
    let mut entered = 0;
    for at in 0..60 {
        let (sim, world) = (Sim::new(3), World::new());
        let shown = sim.run(async {
            let engine = all(&sim, &world).open().await.unwrap();
            let run = engine.start(placed_("a")).id("a").await.unwrap();
            waits(&run, &sim).await;
            sim.disk().fail(Fail::From(at));
            let _ = run.signal(Bill(1)).await;
            sim.sleep(Duration::from_secs(20)).await;
            let shown = run.state().unwrap();
            drop(run);
            drop(engine);
            shown
        });
        sim.crash(Loss::Everything);
        sim.disk().heal();
        let found = sim.run(async {
            let engine = all(&sim, &world).open().await.unwrap();
            let found = engine.state::<Order>("a").await.unwrap();
            engine.shutdown().await.unwrap();
            found
        });
        assert!(shown == found || shown.name() == "Placed", "at {at}: {shown:?} was shown, {found:?} is there");
        entered += usize::from(shown.name() != "Placed");
    }
    assert!(entered > 0, "nobody was shown another state");
}

/// Whoever asks for a run while it is started learns of it when it is there for good.
#[test]
fn a_run_that_is_not_durable_is_shown_to_nobody() {
    let mut shown = 0;
    for at in 0..10 {
        let (sim, world) = (Sim::new(4), World::new());
        let told = Arc::new(AtomicBool::new(false));
        sim.run(async {
            let engine = all(&sim, &world).open().await.unwrap();
            engine.shutdown().await.unwrap();
        });
        sim.run_until_down(async {
            let engine = all(&sim, &world).open().await.unwrap();
            sim.disk().crash_at(at);
            let start = async { engine.start(placed_("a")).id("a").await.map(drop) };
            let look = async {
                for _ in 0..1000 {
                    if engine.state::<Order>("a").await.is_ok() {
                        told.store(true, Ordering::Relaxed);
                    }
                    tokio::task::yield_now().await;
                }
            };
            let _ = tokio::join!(start, look);
            sim.sleep(Duration::from_secs(10)).await;
            std::mem::forget(engine);
        });
        sim.crash(Loss::Everything);
        sim.disk().crash_at(u64::MAX);
        let there = sim.run(async {
            let engine = all(&sim, &world).open().await.unwrap();
            let there = engine.state::<Order>("a").await.is_ok();
            engine.shutdown().await.unwrap();
            there
        });
        assert!(there || !told.load(Ordering::Relaxed), "at {at}: it was shown, and is not there");
        shown += usize::from(told.load(Ordering::Relaxed));
    }
    assert!(shown > 0, "nobody was shown it");
}

/// Placed, billed and paid, where the label cannot be printed.
async fn stuck(engine: &Engine, sim: &Sim, world: &World) -> factum::Run<Order, factum::Running> {
    let run = engine.start(placed_("a")).id("a").await.unwrap();
    run.signal(Bill(1)).await.unwrap();
    comes_to(&run, sim, "Billed").await;
    world.happened("print a", 1).await;
    world.fail_next("print");
    run.signal(Pay(9)).await.unwrap();
    let Outcome::Stuck(stuck) = run.outcome().await.unwrap() else { panic!("not stuck") };
    assert_eq!(stuck.state().unwrap().name(), "Paid");
    run
}

#[test]
fn what_failed_in_a_state_with_a_timeout_is_tried_again_on_an_operators_word() {
    for seed in 0..8 {
        simulated(seed, |sim, world| async move {
            let engine = all(&sim, &world).open().await.unwrap();
            let run = stuck(&engine, &sim, &world).await;
            engine.retry("a").await.unwrap();
            sim.sleep(Duration::from_secs(1)).await;
            assert_eq!(run.info().status, Status::Waiting, "{:?}", run.info().problem);
            assert_eq!(world.count("print label of a"), 1);
            run.signal(Send).await.unwrap();
            assert_eq!(run.outcome().await.unwrap().status(), Status::Completed);
            engine.shutdown().await.unwrap();
        });
    }
}

/// Where nothing waits for the disk, a machine that awaits nothing lets others run all the same.
#[tokio::test]
async fn a_machine_that_never_waits_holds_up_nobody() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).durability(Durability::None).fsm::<Count>().open().await.unwrap();
    let run = engine.start(count::On { n: 0, to: 100_000 }).id("c").await.unwrap();
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let Count::On { n, .. } = run.state().unwrap() else { panic!("it ran to its end before anybody else") };
    println!("{n} states in 10 ms");
    engine.shutdown().await.unwrap();
}

/// A run as it is exported, in a visit of the state that it is in.
async fn in_visit(engine: &Engine, id: &str, visit: u32) -> String {
    let mut lines = Vec::new();
    engine.export(id, &mut lines).await.unwrap();
    let lines = String::from_utf8(lines).unwrap();
    let (before, behind) = lines.split_once("\"visit\":1,").unwrap();
    format!("{before}\"visit\":{visit},{behind}")
}

#[test]
fn behind_the_last_visit_that_can_be_counted_a_run_fails() {
    simulated(1, |sim, world| async move {
        let engine = all(&sim, &world).open().await.unwrap();
        let run = engine.start(shift::Early).id("s").await.unwrap();
        run.signal(Send).await.unwrap();
        while run.state().unwrap() != Shift::Late {
            sim.sleep(Duration::from_millis(1)).await;
        }
        let lines = in_visit(&engine, "s", u32::MAX).await;
        let other = Sim::new(2);
        other.run(async {
            let engine = all(&other, &world).open().await.unwrap();
            engine.import(lines.as_bytes()).await.unwrap();
            engine.signal("s", Send).await.unwrap();
            let outcome = engine.attach_fsm::<Shift>("s").await.unwrap().outcome().await.unwrap();
            assert_eq!(outcome.status(), Status::Failed);
            drop(outcome);
            engine.shutdown().await.unwrap();
            assert_eq!(all(&other, &world).verify().await.unwrap().problems, vec![]);
        });
        engine.shutdown().await.unwrap();
    });
}

/// A share of nothing is no number that JSON holds.
#[fsm]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Share {
    #[initial]
    #[next(Told)]
    Whole { of: f64 },
    #[terminal]
    Told { share: f64 },
}

#[state]
async fn whole(state: share::Whole) -> Next<share::Whole> {
    go(share::Told { share: state.of / 0.0 })
}

#[test]
fn a_state_that_json_cannot_hold_is_told_as_a_states() {
    simulated(1, |sim, world| async move {
        let engine = all(&sim, &world).fsm::<Share>().open().await.unwrap();
        let run = engine.start(share::Whole { of: 1.0 }).await.unwrap();
        let Outcome::Failed(failed) = run.outcome().await.unwrap() else { panic!("not failed") };
        let told = failed.failure().to_string();
        assert!(told.contains("what a state's handler gives") && !told.contains("saga"), "{told}");
        engine.shutdown().await.unwrap();
    });
}

/// As of a signal with a limit: one that came in time counts, whenever it is seen.
#[test]
fn a_signal_that_was_acknowledged_in_time_counts_though_the_process_ended_before_it_was_taken() {
    let (sim, world) = (Sim::new(1), World::new());
    sim.run(async {
        let engine = all(&sim, &world).open().await.unwrap();
        let run = engine.start(placed_("a")).id("a").await.unwrap();
        waits(&run, &sim).await;
        run.signal(Bill(1)).await.unwrap();
        drop(run);
        std::mem::forget(engine);
    });
    sim.kill();
    sim.jump(5 * DAY);
    sim.run(async {
        let engine = all(&sim, &world).open().await.unwrap();
        sim.sleep(Duration::from_secs(1)).await;
        // It has three days for the bill, and that came in the first minute.
        assert_eq!(engine.state::<Order>("a").await.unwrap(), Order::Billed { item: "a".into(), paid: 1 });
        engine.shutdown().await.unwrap();
    });
}
