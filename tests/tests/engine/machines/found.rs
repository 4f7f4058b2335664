//! What tests of machines have found.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use factum::prelude::*;
use factum::{History, Status, Update};

use super::{Bill, Count, Order, Pay, count, falls_asleep, on_sim, placed_, simulated, waits};

#[test]
fn a_failed_machine_of_which_the_outcome_alone_is_kept_is_still_known() {
    simulated(1, |sim, world| async move {
        let engine = on_sim(&sim, &world).history(History::Outcome).open().await.unwrap();
        let run = engine.start(placed_("a")).id("a").await.unwrap();
        run.signal(Bill(0)).await.unwrap();
        run.signal(Pay(1)).await.unwrap();
        world.happened("print a", 2).await;
        run.signal(Pay(0)).await.unwrap();
        let Outcome::Failed(failed) = run.outcome().await.unwrap() else { panic!("not failed") };
        assert_eq!(failed.failure().to_string(), "no money");
        drop((run, failed));
        assert_eq!(world.done(), ["hold a", "print a", "print a", "shred a", "shred a", "release a"]);
        sim.sleep(Duration::from_secs(60)).await;
        engine.shutdown().await.unwrap();
        assert_eq!(on_sim(&sim, &world).verify().await.unwrap().problems, vec![]);
        let engine = on_sim(&sim, &world).open().await.unwrap();
        assert_eq!(engine.state::<Order>("a").await.unwrap(), Order::Billed { item: "a".into(), paid: 1 });
        let run = engine.attach_fsm::<Order>("a").await.unwrap();
        assert_eq!(run.outcome().await.unwrap().status(), Status::Failed);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn an_abandoned_machine_of_which_the_outcome_alone_is_kept_is_still_known() {
    simulated(1, |sim, world| async move {
        let engine = on_sim(&sim, &world).history(History::Outcome).open().await.unwrap();
        let run = engine.start(placed_("a")).id("a").await.unwrap();
        run.signal(Bill(1)).await.unwrap();
        world.happened("print a", 1).await;
        // What was done in an earlier state cannot be undone.
        world.fail_next("release");
        run.signal(Pay(0)).await.unwrap();
        let Outcome::Stuck(stuck) = run.outcome().await.unwrap() else { panic!("not stuck") };
        assert_eq!(stuck.state().unwrap(), Order::Billed { item: "a".into(), paid: 1 });
        drop(stuck);
        engine.abandon("a", "enough").await.unwrap();
        drop(run);
        sim.sleep(Duration::from_secs(60)).await;
        engine.shutdown().await.unwrap();
        assert_eq!(on_sim(&sim, &world).verify().await.unwrap().problems, vec![]);
        let engine = on_sim(&sim, &world).open().await.unwrap();
        assert_eq!(engine.state::<Order>("a").await.unwrap(), Order::Billed { item: "a".into(), paid: 1 });
        engine.shutdown().await.unwrap();
    });
}

/// Enough that nobody comes to it who stops when told to.
const FAR: u32 = 5_000;

#[test]
fn a_machine_that_awaits_nothing_stops_for_a_shutdown() {
    simulated(1, |sim, world| async move {
        let engine = on_sim(&sim, &world).open().await.unwrap();
        let run = engine.start(count::On { n: 0, to: FAR }).id("c").await.unwrap();
        let mut watch = run.watch();
        for _ in 0..10 {
            watch.next().await;
        }
        engine.shutdown().await.unwrap();
        let Count::On { n, .. } = run.state().unwrap() else { panic!("it ran to its end") };
        assert!(n < FAR / 2, "{n}");
    });
}

#[test]
fn a_machine_that_awaits_nothing_fails_at_its_deadline() {
    simulated(1, |sim, world| async move {
        let engine = on_sim(&sim, &world).open().await.unwrap();
        let past = SystemTime::from(sim.now()) - Duration::from_secs(1);
        let run = engine.start(count::On { n: 0, to: 100 }).id("c").deadline(past).await.unwrap();
        assert_eq!(run.outcome().await.unwrap().status(), Status::Failed);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_state_is_told_before_a_pause_that_comes_with_it() {
    for seed in 0..100 {
        simulated(seed, |sim, world| async move {
            let engine = on_sim(&sim, &world).open().await.unwrap();
            let run = engine.start(placed_("a")).id("a").await.unwrap();
            waits(&run, &sim).await;
            let mut watch = run.watch();
            run.signal(Bill(1)).await.unwrap();
            run.pause("a while").await.unwrap();
            let mut last = String::new();
            loop {
                match watch.next().await.unwrap() {
                    Update::State(state) => last = state.name().to_owned(),
                    Update::Status(Status::Paused) => break,
                    _ => {}
                }
            }
            let now = engine.state::<Order>("a").await.unwrap();
            assert_eq!(last, now.name(), "seed {seed}");
            engine.shutdown().await.unwrap();
        });
    }
}

#[test]
fn an_observer_is_told_of_the_first_state_once_in_a_process() {
    simulated(1, |sim, world| async move {
        let told = Arc::new(Mutex::new(0));
        let count = told.clone();
        let hooked = on_sim(&sim, &world).fsm::<waiting::Idle>();
        let engine = hooked.on_enter(move |_, _: &waiting::Idle| *count.lock().unwrap() += 1).open().await.unwrap();
        let run = engine.start(waiting::idle::Rests {}).id("i").await.unwrap();
        waits(&run, &sim).await;
        assert_eq!(*told.lock().unwrap(), 1);
        run.pause("a while").await.unwrap();
        assert_eq!(run.outcome().await.unwrap().status(), Status::Paused);
        engine.resume("i").await.unwrap();
        waits(&run, &sim).await;
        assert_eq!(*told.lock().unwrap(), 1, "after a pause");
        drop(run);
        falls_asleep(&engine, &sim).await;
        let run = engine.attach_fsm::<waiting::Idle>("i").await.unwrap();
        waits(&run, &sim).await;
        assert_eq!(*told.lock().unwrap(), 1, "after it has slept");
        engine.shutdown().await.unwrap();
    });
}

mod waiting {
    use super::super::Send;
    use super::*;
    use serde::{Deserialize, Serialize};

    #[fsm]
    #[derive(Debug, Serialize, Deserialize)]
    pub enum Idle {
        #[initial]
        #[next(Over)]
        #[accepts(Send)]
        Rests,
        #[terminal]
        Over,
    }

    #[state]
    async fn rests(_: idle::Rests) -> Next<idle::Rests> {
        signal::<Send>().await;
        go(idle::Over)
    }
}
