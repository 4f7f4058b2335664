//! Cancel, pause, resume, deadlines and children, in each state; and what is behind a `#[commit]`.

use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use factum::prelude::*;
use factum::testing::{Loss, Sim};
use factum::{Error, Event, Run, Running, Status};
use serde::{Deserialize, Serialize};

use super::{Bill, DAY, Order, Pay, Send, comes_to, falls_asleep, new_sim, on_sim, placed_, simulated, waits};
use crate::world::World;

/// Brings an order into a state, and waits until it waits there.
pub(super) async fn brought(engine: &Engine, sim: &Sim, state: &str) -> Run<Order, Running> {
    let run = engine.start(placed_("a")).id("a").await.unwrap();
    if state != "Placed" {
        run.signal(Bill(1)).await.unwrap();
    }
    if state == "Paid" {
        run.signal(Pay(9)).await.unwrap();
    }
    comes_to(&run, sim, state).await;
    waits(&run, sim).await;
    run
}

#[test]
fn a_cancel_undoes_every_state_up_to_the_last_that_is_committed() {
    for (state, undone) in [("Placed", vec!["release a"]), ("Billed", vec!["shred a", "release a"])] {
        simulated(1, |sim, world| async move {
            let engine = on_sim(&sim, &world).open().await.unwrap();
            let run = brought(&engine, &sim, state).await;
            let before = world.done().len();
            run.cancel().await.unwrap();
            let Outcome::Cancelled(cancelled) = run.outcome().await.unwrap() else { panic!("not cancelled") };
            assert_eq!(cancelled.state().unwrap().name(), state);
            assert_eq!(world.done()[before..], undone);
            engine.shutdown().await.unwrap();
        });
    }
}

#[test]
fn what_is_committed_is_not_cancelled_over_restarts_too_and_a_failure_in_it_is_for_an_operator() {
    let (sim, world) = (new_sim(2), World::new());
    sim.run(async {
        let engine = on_sim(&sim, &world).open().await.unwrap();
        let run = brought(&engine, &sim, "Paid").await;
        assert!(matches!(run.cancel().await, Err(Error::PastPivot { .. })));
        engine.shutdown().await.unwrap();
    });
    sim.run(async {
        let engine = on_sim(&sim, &world).open().await.unwrap();
        assert!(matches!(engine.cancel("a").await, Err(Error::PastPivot { .. })));
        // Back in the first state by a timeout: still committed.
        sim.jump(DAY);
        comes_to(&engine.attach_fsm::<Order>("a").await.unwrap(), &sim, "Placed").await;
        assert_eq!(world.done(), ["hold a", "print a", "print label of a", "shred label of a", "hold a"]);
        assert!(matches!(engine.cancel("a").await, Err(Error::PastPivot { .. })));
        world.fail_next("print");
        engine.signal("a", Bill(3)).await.unwrap();
        let run = engine.attach_fsm::<Order>("a").await.unwrap();
        let Outcome::Stuck(stuck) = run.outcome().await.unwrap() else { panic!("not stuck") };
        assert_eq!(stuck.state().unwrap(), Order::Billed { item: "a".into(), paid: 3 });
        assert!(stuck.report().failed_step.is_some());
        let left: Vec<&str> = stuck.report().left.iter().map(|left| left.step.as_str()).collect();
        assert_eq!(left, ["hold"], "of what was done before the commit nothing is left to be undone");
        engine.shutdown().await.unwrap();
    });
    sim.run(async {
        let engine = on_sim(&sim, &world).open().await.unwrap();
        assert_eq!(engine.state::<Order>("a").await.unwrap(), Order::Billed { item: "a".into(), paid: 3 });
        engine.retry("a").await.unwrap();
        engine.signal("a", Pay(9)).await.unwrap();
        world.happened("print label of a", 2).await;
        engine.signal("a", Send).await.unwrap();
        let run = engine.attach_fsm::<Order>("a").await.unwrap();
        let Outcome::Completed(done) = run.outcome().await.unwrap() else { panic!("not completed") };
        assert_eq!(done.output(), &Order::Sent { item: "a".into() });
        assert_eq!(world.count("release a"), 0);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_pause_holds_a_machine_in_each_state_and_its_deadline_goes_on() {
    for state in ["Placed", "Billed", "Paid"] {
        let (sim, world) = (new_sim(3), World::new());
        sim.run(async {
            let engine = on_sim(&sim, &world).open().await.unwrap();
            let run = brought(&engine, &sim, state).await;
            run.pause("a while").await.unwrap();
            let Outcome::Paused(paused) = run.outcome().await.unwrap() else { panic!("not paused") };
            assert_eq!(paused.state().unwrap().name(), state);
            std::mem::forget(engine);
        });
        sim.crash(Loss::Everything);
        sim.run(async {
            let engine = on_sim(&sim, &world).open().await.unwrap();
            // Far behind every deadline: nothing happens while it is paused.
            sim.jump(Duration::from_secs(50 * 86_400));
            sim.sleep(Duration::from_secs(120)).await;
            let info = engine.list().await.unwrap().runs.remove(0);
            assert_eq!(info.status, Status::Paused);
            assert_eq!(engine.state::<Order>("a").await.unwrap().name(), state);
            engine.resume("a").await.unwrap();
            let run = engine.attach_fsm::<Order>("a").await.unwrap();
            let Outcome::Completed(done) = run.outcome().await.unwrap() else { panic!("not completed") };
            assert!(matches!(done.output(), Order::Expired { .. } | Order::Unpaid { .. }), "{:?}", done.output());
            engine.shutdown().await.unwrap();
        });
    }
}

#[test]
fn a_pause_that_comes_while_a_state_is_left_holds_it_there_or_in_the_next() {
    let mut held = [0, 0];
    for seed in 0..60 {
        let (sim, world) = (new_sim(seed), World::new());
        let name = sim.run(async {
            let engine = on_sim(&sim, &world).open().await.unwrap();
            let run = brought(&engine, &sim, "Placed").await;
            run.signal(Bill(1)).await.unwrap();
            run.pause("a while").await.unwrap();
            assert_eq!(run.outcome().await.unwrap().status(), Status::Paused);
            let name = run.state().unwrap().name();
            assert!(matches!(name, "Placed" | "Billed"), "{name}");
            engine.shutdown().await.unwrap();
            name
        });
        held[usize::from(name == "Billed")] += 1;
        sim.run(async {
            let engine = on_sim(&sim, &world).open().await.unwrap();
            assert_eq!(engine.state::<Order>("a").await.unwrap().name(), name);
            engine.resume("a").await.unwrap();
            world.happened("print a", 1).await;
            engine.signal("a", Pay(9)).await.unwrap();
            world.happened("print label of a", 1).await;
            assert_eq!(world.count("hold a"), 1);
            engine.shutdown().await.unwrap();
        });
    }
    assert!(held.iter().all(|times| *times > 0), "{held:?}");
}

#[test]
fn a_cancel_that_comes_while_a_state_is_left_undoes_it_or_is_refused_behind_a_commit() {
    let ends = Mutex::new((0, 0));
    for seed in 0..60 {
        let ends = &ends;
        simulated(seed, |sim, world| async move {
            let engine = on_sim(&sim, &world).open().await.unwrap();
            let run = brought(&engine, &sim, "Billed").await;
            run.signal(Pay(9)).await.unwrap();
            if seed % 2 == 0 {
                sim.sleep(Duration::ZERO).await;
            }
            match run.cancel().await {
                Ok(()) => {
                    ends.lock().unwrap().0 += 1;
                    assert_eq!(run.outcome().await.unwrap().status(), Status::Cancelled, "{seed}");
                    let undone: Vec<String> = world.done().split_off(2);
                    assert_eq!(undone, ["shred a", "release a"], "{seed}");
                }
                Err(Error::PastPivot { .. }) => {
                    ends.lock().unwrap().1 += 1;
                    world.happened("print label of a", 1).await;
                    assert_eq!(run.state().unwrap().name(), "Paid", "{seed}");
                    assert_eq!(world.count("release a") + world.count("shred a"), 0, "{seed}");
                }
                Err(other) => panic!("{other}"),
            }
            engine.shutdown().await.unwrap();
        });
    }
    let (undone, refused) = ends.into_inner().unwrap();
    assert!(undone > 0 && refused > 0, "{undone} undone, {refused} refused");
}

#[test]
fn a_run_fails_at_its_own_deadline_in_any_state_but_behind_a_commit() {
    for (state, fails) in [("Placed", true), ("Billed", true), ("Paid", false)] {
        simulated(4, |sim, world| async move {
            let engine = on_sim(&sim, &world).open().await.unwrap();
            let deadline = SystemTime::from(sim.now()) + Duration::from_secs(3_600);
            drop(engine.start(placed_("a")).id("a").deadline(deadline).await.unwrap());
            let run = brought(&engine, &sim, state).await;
            sim.jump(Duration::from_secs(3_600));
            sim.sleep(Duration::from_secs(120)).await;
            let status = run.info().status;
            assert_eq!(status == Status::Failed, fails, "{state}: {status}");
            assert_eq!(run.state().unwrap().name(), state);
            engine.shutdown().await.unwrap();
        });
    }
}

#[test]
fn a_deadline_outlives_the_states_that_a_run_leaves_also_when_it_is_not_in_memory() {
    for crashes in [false, true] {
        let (sim, world) = (new_sim(6), World::new());
        sim.run(async {
            let engine = on_sim(&sim, &world).open().await.unwrap();
            let deadline = SystemTime::from(sim.now()) + Duration::from_secs(3_600);
            drop(engine.start(placed_("a")).id("a").deadline(deadline).await.unwrap());
            drop(brought(&engine, &sim, "Billed").await);
            falls_asleep(&engine, &sim).await;
            if crashes {
                return std::mem::forget(engine);
            }
            sim.jump(Duration::from_secs(3_600));
            // Nobody looks at the run: its deadline alone brings it back.
            world.happened("release a", 1).await;
            engine.shutdown().await.unwrap();
        });
        if crashes {
            sim.crash(Loss::Everything);
            sim.jump(Duration::from_secs(3_600));
        }
        sim.run(async {
            let engine = on_sim(&sim, &world).open().await.unwrap();
            let run = engine.attach_fsm::<Order>("a").await.unwrap();
            assert_eq!(run.outcome().await.unwrap().status(), Status::Failed, "{crashes}");
            assert_eq!(run.info().state.as_deref(), Some("Billed"), "{crashes}");
            assert_eq!(world.done()[2..], ["shred a", "release a"], "{crashes}");
            engine.shutdown().await.unwrap();
        });
    }
}

/// Has a child in its first state, and may be too late there.
#[fsm]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Parent {
    #[initial]
    #[next(Later, Done)]
    #[timeout("1h" => Later { linked: state.linked, child: state.child })]
    First { linked: bool, child: String, stays: bool },
    #[next(Done)]
    #[timeout("1h" => Done { how: "late".into() })]
    Later { linked: bool, child: String },
    #[terminal]
    Done { how: String },
}

#[state]
async fn first(parent::First { linked, child, stays }: parent::First) -> Next<parent::First> {
    let call = spawn(super::order::Placed { item: child.clone() }).id(&child);
    let started = if linked { call.linked().await } else { call.await };
    if !stays {
        return go(parent::Later { linked, child });
    }
    match started.await {
        Ok(order) => go(parent::Done { how: order.name().to_owned() }),
        Err(error) => go(parent::Done { how: error.to_string() }),
    }
}

#[state]
async fn later(_: parent::Later) -> Next<parent::Later> {
    sleep(days(1)).await;
    go(parent::Done { how: "slept".into() })
}

#[test]
fn a_linked_child_is_cancelled_with_what_its_state_did_and_another_goes_on() {
    for linked in [true, false] {
        simulated(5, |sim, world| async move {
            let engine = on_sim(&sim, &world).fsm::<Parent>().open().await.unwrap();
            let first = parent::First { linked, child: "kid".into(), stays: true };
            let run = engine.start(first).id("p").await.unwrap();
            world.happened("hold kid", 1).await;
            let Outcome::Completed(done) = run.outcome().await.unwrap() else { panic!("not completed") };
            assert_eq!(done.output(), &Parent::Done { how: "late".into() });
            let kid = engine.attach_fsm::<Order>("kid").await.unwrap();
            match linked {
                true => assert_eq!(kid.outcome().await.unwrap().status(), Status::Cancelled),
                false => waits(&kid, &sim).await,
            }
            assert_eq!(world.count("release kid"), usize::from(linked));
            engine.shutdown().await.unwrap();
        });
    }
}

#[test]
fn a_child_outlives_the_state_that_started_it_and_a_cancel_still_reaches_it() {
    for linked in [true, false] {
        let (sim, world) = (new_sim(6), World::new());
        sim.run(async {
            let engine = on_sim(&sim, &world).fsm::<Parent>().open().await.unwrap();
            let first = parent::First { linked, child: "kid".into(), stays: false };
            let run = engine.start(first).id("p").await.unwrap();
            world.happened("hold kid", 1).await;
            while !matches!(run.state().unwrap(), Parent::Later { .. }) {
                sim.sleep(Duration::from_millis(1)).await;
            }
            drop(run);
            falls_asleep(&engine, &sim).await;
            let carried = engine.history("p").await.unwrap().iter().any(
                |entry| matches!(&entry.event, Event::StateEntered { carried, .. } if carried.undo.len() == usize::from(linked)),
            );
            assert!(carried);
            std::mem::forget(engine);
        });
        sim.crash(Loss::Everything);
        sim.run(async {
            let engine = on_sim(&sim, &world).fsm::<Parent>().open().await.unwrap();
            engine.cancel("p").await.unwrap();
            let run = engine.attach_fsm::<Parent>("p").await.unwrap();
            assert_eq!(run.outcome().await.unwrap().status(), Status::Cancelled);
            let kid = engine.attach_fsm::<Order>("kid").await.unwrap();
            match linked {
                true => assert_eq!(kid.outcome().await.unwrap().status(), Status::Cancelled),
                false => waits(&kid, &sim).await,
            }
            engine.shutdown().await.unwrap();
        });
    }
}
