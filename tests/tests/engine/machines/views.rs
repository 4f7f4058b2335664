//! What others see of a machine: its state in every phase, each state that it enters, and its observers.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use factum::prelude::*;
use factum::testing::{Loss, Sim};
use factum::{Error, History, Status, Update};

use super::{
    Bill, Count, Order, Pay, Send, Withdraw, comes_to, count, falls_asleep, new_sim, on_sim, placed_, simulated, waits,
};
use crate::world::World;

/// Every state that is told until the run has ended, and how many were missed.
async fn states(watch: &mut factum::Watch) -> (Vec<u32>, u64) {
    let (mut visits, mut missed) = (Vec::new(), 0);
    while let Some(update) = watch.next().await {
        match update {
            Update::State(state) => visits.push(state.visit()),
            Update::StatesMissed(states) => missed += states,
            _ => {}
        }
    }
    (visits, missed)
}

#[test]
fn a_quick_reader_is_told_of_every_state_once_and_in_order() {
    for seed in 0..4 {
        simulated(seed, |sim, world| async move {
            let engine = on_sim(&sim, &world).open().await.unwrap();
            let run = engine.start(count::On { n: 0, to: 1_500 }).id("c").await.unwrap();
            let mut watch = run.watch();
            let (visits, missed) = states(&mut watch).await;
            assert_eq!((missed, visits.last()), (0, Some(&1_501)));
            // It may have left the first one before anybody watched.
            assert!(visits[0] < 100, "{}", visits[0]);
            assert!(visits.windows(2).all(|two| two[1] == two[0] + 1), "a state is missing, or told twice");
            engine.shutdown().await.unwrap();
        });
    }
}

#[test]
fn a_slow_reader_is_told_how_many_states_it_has_missed_and_then_the_last_ones() {
    simulated(2, |sim, world| async move {
        let engine = on_sim(&sim, &world).open().await.unwrap();
        let run = engine.start(count::On { n: 0, to: 1_500 }).id("c").await.unwrap();
        let mut watch = run.watch();
        run.outcome().await.unwrap();
        let (visits, missed) = states(&mut watch).await;
        assert_eq!(visits.len() as u64 + missed, 1_502);
        assert!(visits.len() >= 1_024, "{}", visits.len());
        assert!(visits.is_sorted() && visits.last() == Some(&1_501));
        // One who comes late is told of the last state alone, and of the end.
        assert_eq!(states(&mut run.watch()).await, (vec![1_501], 0));
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn nobody_is_told_of_a_state_that_a_loss_of_power_takes_back() {
    let mut most = (0, 0);
    for at in 0..40 {
        let (sim, world) = (new_sim(at), World::new());
        let told = Arc::new(Mutex::new((0, 0)));
        let hears = told.clone();
        sim.run(async {
            let engine = on_sim(&sim, &world).open().await.unwrap();
            drop(engine.start(count::On { n: 0, to: 30 }).id("c").at(far(&sim)).await.unwrap());
            engine.shutdown().await.unwrap();
        });
        sim.jump(Duration::from_secs(7_200));
        sim.disk().crash_at(at + 4);
        sim.run_until_down(async {
            let hooked = on_sim(&sim, &world).on_enter(move |_, state: &Count| {
                if let Count::On { n, .. } = state {
                    hears.lock().unwrap().0 = *n;
                }
            });
            let Ok(engine) = hooked.open().await else { return std::future::pending().await };
            let Ok(run) = engine.attach_fsm::<Count>("c").await else { return std::future::pending().await };
            let mut watch = run.watch();
            while let Some(update) = watch.next().await {
                if let Update::State(state) = update {
                    told.lock().unwrap().1 = state.visit();
                    assert!(
                        matches!(run.state().unwrap(), Count::On { n, .. } if n >= state.visit())
                            || state.visit() == 31
                    );
                }
            }
            std::future::pending::<()>().await;
        });
        sim.crash(Loss::Everything);
        sim.disk().crash_at(u64::MAX);
        sim.run(async {
            // Nothing runs: what is there was durable.
            let engine = Engine::builder(super::DIR).keep_unknown_workflows().sim(&sim).open().await.unwrap();
            let history = engine.history("c").await.unwrap();
            let visit = history.iter().rev().find_map(|entry| match &entry.event {
                factum::Event::StateEntered { visit, .. } => Some(*visit),
                _ => None,
            });
            let (hook, watched) = *told.lock().unwrap();
            most = (hook.max(most.0), watched.max(most.1));
            let visit = visit.unwrap_or(0);
            assert!(
                hook <= visit && watched <= visit,
                "at {at}: the hook {hook}, the watch {watched}, the disk {visit}"
            );
            engine.shutdown().await.unwrap();
        });
    }
    assert!(most.0 > 0 && most.1 > 0, "nobody was told anything: {most:?}");
}

fn far(sim: &Sim) -> std::time::SystemTime {
    std::time::SystemTime::from(sim.now()) + Duration::from_secs(3_600)
}

#[test]
fn observers_are_told_in_order_outlive_their_panics_and_are_not_told_by_a_replay() {
    let (sim, world) = (new_sim(4), World::new());
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let hooked = |sim: &Sim, world: &World| {
        let [a, b, c] = std::array::from_fn(|_| seen.clone());
        on_sim(sim, world)
            .on_enter(move |id, state: &Order| a.lock().unwrap().push(format!("{id} in {}", state.name())))
            .on_enter(|_, state: &Order| assert!(state.name() != "Billed", "an observer that fails"))
            .on_enter(move |_, state: &Order| b.lock().unwrap().push(format!("second {}", state.name())))
            .on_exit(move |id, state: &Order| c.lock().unwrap().push(format!("{id} out {}", state.name())))
    };
    sim.run(async {
        let engine = hooked(&sim, &world).open().await.unwrap();
        let run = engine.start(placed_("a")).id("a").await.unwrap();
        run.signal(Bill(1)).await.unwrap();
        world.happened("print a", 1).await;
        engine.shutdown().await.unwrap();
    });
    let first = ["a in Placed", "second Placed", "a out Placed", "a in Billed", "second Billed"];
    assert_eq!(*seen.lock().unwrap(), first);
    sim.run(async {
        let engine = hooked(&sim, &world).open().await.unwrap();
        let run = engine.attach_fsm::<Order>("a").await.unwrap();
        waits(&run, &sim).await;
        assert_eq!(*seen.lock().unwrap(), first, "a replay tells nobody");
        run.signal(Withdraw).await.unwrap();
        assert_eq!(run.outcome().await.unwrap().status(), Status::Completed);
        // Told when its end is: behind it, maybe.
        while seen.lock().unwrap().len() < 8 {
            sim.sleep(Duration::from_millis(1)).await;
        }
        engine.shutdown().await.unwrap();
    });
    assert_eq!(seen.lock().unwrap()[5..], ["a out Billed", "a in Withdrawn", "second Withdrawn"]);
}

#[test]
fn observers_of_a_machine_that_is_not_registered_are_an_error() {
    simulated(5, |sim, _| async move {
        let error = Engine::builder(super::DIR).sim(&sim).on_enter(|_, _: &Count| {}).open().await.unwrap_err();
        assert!(matches!(error, Error::NotObserved), "{error}");
    });
}

#[test]
fn a_watch_goes_on_over_what_would_be_sleep_and_a_sleeping_machine_shows_its_state() {
    simulated(6, |sim, world| async move {
        let engine = on_sim(&sim, &world).open().await.unwrap();
        let run = engine.start(placed_("a")).id("a").await.unwrap();
        let mut watch = run.watch();
        sim.sleep(Duration::from_secs(60)).await;
        engine.signal("a", Bill(1)).await.unwrap();
        sim.sleep(Duration::from_secs(60)).await;
        engine.signal("a", Pay(1)).await.unwrap();
        sim.sleep(Duration::from_secs(60)).await;
        engine.signal("a", Withdraw).await.unwrap();
        assert_eq!(states(&mut watch).await.0, [0, 1, 2, 3]);
        drop((watch, run));
        drop(engine.start(placed_("b")).id("b").await.unwrap());
        engine.signal("b", Bill(1)).await.unwrap();
        world.happened("print b", 1).await;
        falls_asleep(&engine, &sim).await;
        assert_eq!(engine.state::<Order>("b").await.unwrap(), Order::Billed { item: "b".into(), paid: 1 });
        let run = engine.attach_fsm::<Order>("b").await.unwrap();
        let mut watch = run.watch();
        let Some(Update::State(state)) = watch.next().await else { panic!("the state comes first") };
        assert_eq!((state.name(), state.visit()), ("Billed", 1));
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_sleeping_machine_wakes_for_its_deadline() {
    simulated(7, |sim, world| async move {
        let engine = on_sim(&sim, &world).open().await.unwrap();
        drop(engine.start(placed_("a")).id("a").await.unwrap());
        falls_asleep(&engine, &sim).await;
        let info = engine.list().await.unwrap().runs.remove(0);
        assert_eq!(info.status, Status::Waiting);
        sim.jump(Duration::from_secs(3 * 86_400));
        while engine.list().await.unwrap()[0].status != Status::Completed {
            sim.sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(engine.state::<Order>("a").await.unwrap(), Order::Expired { of: "a left alone".into() });
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_state_is_shown_in_every_phase_whatever_is_kept_and_goes_elsewhere_with_an_export() {
    for history in [History::Full, History::Outcome] {
        let (sim, world) = (new_sim(8), World::new());
        let wanted = [
            ("sent", Status::Completed, Order::Sent { item: "a".into() }),
            ("failed", Status::Failed, Order::Billed { item: "a".into(), paid: 2 }),
            ("cancelled", Status::Cancelled, Order::Billed { item: "a".into(), paid: 2 }),
            ("stuck", Status::Stuck, Order::Paid { item: "a".into(), paid: 11 }),
            ("paused", Status::Paused, Order::Billed { item: "a".into(), paid: 2 }),
            ("waits", Status::Waiting, Order::Billed { item: "a".into(), paid: 2 }),
        ];
        let exported = sim.run(async {
            let engine = on_sim(&sim, &world).history(history).open().await.unwrap();
            for (id, status, _) in &wanted {
                let run = engine.start(placed_("a")).id(*id).await.unwrap();
                run.signal(Bill(1)).await.unwrap();
                run.signal(Pay(1)).await.unwrap();
                while run.state().unwrap().paid() < 2 {
                    sim.sleep(Duration::from_millis(1)).await;
                }
                waits(&run, &sim).await;
                match status {
                    Status::Completed => {
                        run.signal(Pay(9)).await.unwrap();
                        comes_to(&run, &sim, "Paid").await;
                        run.signal(Send).await.unwrap();
                    }
                    Status::Failed => run.signal(Pay(0)).await.unwrap(),
                    Status::Cancelled => run.cancel().await.unwrap(),
                    Status::Stuck => {
                        world.fail_next("print");
                        run.signal(Pay(9)).await.unwrap();
                    }
                    Status::Paused => run.pause("a while").await.unwrap(),
                    _ => continue,
                }
                assert_eq!(run.outcome().await.unwrap().status(), *status);
            }
            falls_asleep(&engine, &sim).await;
            let mut exported = Vec::new();
            for (id, status, state) in &wanted {
                assert_eq!(&engine.state::<Order>(id).await.unwrap(), state, "{id}");
                let run = engine.attach_fsm::<Order>(id).await.unwrap();
                assert!(run.info().status == *status || *id == "waits", "{id}");
                let mut out = Vec::new();
                engine.export(id, &mut out).await.unwrap();
                exported.push(out);
            }
            std::mem::forget(engine);
            exported
        });
        sim.crash(Loss::Everything);
        let report = sim.run(async { on_sim(&sim, &world).verify().await.unwrap() });
        assert_eq!(report.problems, vec![]);
        let other = new_sim(9);
        for sim in [&sim, &other] {
            sim.run(async {
                let engine = on_sim(sim, &world).open().await.unwrap();
                for ((id, _, state), exported) in wanted.iter().zip(&exported) {
                    if std::ptr::eq(sim, &other) {
                        engine.import(exported.as_slice()).await.unwrap();
                    }
                    assert_eq!(&engine.state::<Order>(id).await.unwrap(), state, "{id}");
                }
                engine.signal("waits", Pay(1)).await.unwrap();
                while engine.state::<Order>("waits").await.unwrap().paid() < 3 {
                    sim.sleep(Duration::from_millis(1)).await;
                }
                engine.shutdown().await.unwrap();
            });
        }
    }
}
