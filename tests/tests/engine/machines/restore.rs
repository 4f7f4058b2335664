//! A machine that is stopped in any state, in whatever way, is there again, and waits for the same.

use std::collections::BTreeSet;
use std::time::Duration;

use factum::prelude::*;
use factum::testing::Loss;
use factum::{Durability, MemoryCheckpoint, Missed, Run, Running, Status, WaitingOn};
use serde::{Deserialize, Serialize};

use super::verbs::brought;
use super::{
    Bill, Count, Order, Pay, Withdraw, comes_to, count, falls_asleep, new_sim, on_sim, placed_, simulated, waits,
};
use crate::world::{World, builder, open};

/// What a run waits for: signals, and moments.
fn waiting(run: &Run<Order, Running>) -> Vec<String> {
    let mut on: Vec<String> = run.info().waiting.iter().map(|waiting| format!("{:?}", waiting.on)).collect();
    on.sort();
    on
}

/// How a process ends.
#[derive(Debug, Clone, Copy)]
enum End {
    Shutdown,
    Kill,
    Power(Loss),
    /// The run had left memory before.
    Asleep(Loss),
}

#[test]
fn every_state_is_restored_with_its_data_its_deadlines_and_what_it_waits_for() {
    let ends =
        [End::Shutdown, End::Kill, End::Power(Loss::Everything), End::Power(Loss::Any), End::Asleep(Loss::Everything)];
    // Of its deadlines, the first is waited for.
    for (state, deadlines) in [("Placed", 1), ("Billed", 1), ("Paid", 1)] {
        for end in ends {
            let (sim, world) = (new_sim(7), World::new());
            let before = sim.run(async {
                let engine = on_sim(&sim, &world).open().await.unwrap();
                let run = engine.start(placed_("a")).id("a").await.unwrap();
                sim.sleep(Duration::from_secs(100)).await;
                if state != "Placed" {
                    run.signal(Bill(1)).await.unwrap();
                    sim.sleep(Duration::from_secs(100)).await;
                }
                if state == "Paid" {
                    run.signal(Pay(9)).await.unwrap();
                }
                comes_to(&run, &sim, state).await;
                waits(&run, &sim).await;
                let before = (run.state().unwrap(), waiting(&run));
                drop(run);
                if matches!(end, End::Asleep(_)) {
                    falls_asleep(&engine, &sim).await;
                }
                match end {
                    End::Shutdown => engine.shutdown().await.unwrap(),
                    _ => std::mem::forget(engine),
                }
                before
            });
            assert_eq!(before.1.iter().filter(|on| on.starts_with("Timer")).count(), deadlines, "{before:?}");
            match end {
                End::Shutdown => {}
                End::Kill => sim.kill(),
                End::Power(loss) | End::Asleep(loss) => sim.crash(loss),
            }
            let did = world.done();
            sim.jump(Duration::from_secs(3_600));
            sim.run(async {
                let engine = on_sim(&sim, &world).open().await.unwrap();
                let run = engine.attach_fsm::<Order>("a").await.unwrap();
                waits(&run, &sim).await;
                assert_eq!((run.state().unwrap(), waiting(&run)), before, "{state} {end:?}");
                assert_eq!(world.done(), did, "nothing is done again");
                run.signal(Withdraw).await.unwrap();
                let Outcome::Completed(done) = run.outcome().await.unwrap() else { panic!("{state} {end:?}") };
                assert_eq!(done.output(), &Order::Withdrawn);
                engine.shutdown().await.unwrap();
            });
        }
    }
}

#[test]
fn every_end_is_restored() {
    let ends = [("Placed", 0, "Withdrawn"), ("Paid", 0, "Sent"), ("Billed", 10, "Unpaid"), ("Placed", 3, "Expired")];
    for (state, days, end) in ends {
        let (sim, world) = (new_sim(8), World::new());
        let before = sim.run(async {
            let engine = on_sim(&sim, &world).open().await.unwrap();
            let run = brought(&engine, &sim, state).await;
            match end {
                "Withdrawn" => run.signal(Withdraw).await.unwrap(),
                "Sent" => run.signal(super::Send).await.unwrap(),
                _ => sim.jump(Duration::from_secs(days * 86_400)),
            }
            let Outcome::Completed(done) = run.outcome().await.unwrap() else { panic!("{end}") };
            std::mem::forget(engine);
            done.output().clone()
        });
        assert_eq!(before.name(), end);
        sim.crash(Loss::Everything);
        sim.run(async {
            let engine = on_sim(&sim, &world).open().await.unwrap();
            assert_eq!(engine.state::<Order>("a").await.unwrap(), before);
            engine.shutdown().await.unwrap();
        });
    }
    // With the three states of the test above, these are all.
    let all = ["Placed", "Billed", "Paid"].into_iter().chain(ends.map(|(.., end)| end));
    assert_eq!(all.collect::<BTreeSet<_>>(), <Order as factum::Fsm>::state_names().into_iter().collect());
}

#[tokio::test]
async fn on_the_real_disk_a_machine_goes_on_from_engine_to_engine() {
    for durability in [Durability::Commit, Durability::None] {
        let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
        let eager = || {
            let eager = builder(dir.path(), &world).checkpoint_interval(Duration::from_millis(5));
            eager.sleep_after(Duration::ZERO).durability(durability).fsm::<Order>().fsm::<Count>()
        };
        let engine = eager().open().await.unwrap();
        drop(engine.start(placed_("a")).id("a").await.unwrap());
        let counts = engine.start(count::On { n: 0, to: 300 }).id("c").await.unwrap();
        engine.signal("a", Bill(1)).await.unwrap();
        world.happened("print a", 1).await;
        drop((counts, engine));
        for paid in [3, 5, 7] {
            let engine = open(&eager).await;
            engine.signal("a", Pay(2)).await.unwrap();
            while engine.state::<Order>("a").await.unwrap().paid() != paid {
                tokio::task::yield_now().await;
            }
            drop(engine);
        }
        let engine = open(&eager).await;
        let run = engine.attach_fsm::<Order>("a").await.unwrap();
        run.signal(Withdraw).await.unwrap();
        assert_eq!(run.outcome().await.unwrap().status(), Status::Completed);
        let run = engine.attach_fsm::<Count>("c").await.unwrap();
        let Outcome::Completed(done) = run.outcome().await.unwrap() else { panic!("not completed") };
        assert_eq!(done.output(), &Count::Done { n: 300 });
        drop((run, done));
        engine.shutdown().await.unwrap();
        let report = eager().verify().await.unwrap();
        assert_eq!(report.problems, vec![]);
    }
}

#[tokio::test]
async fn a_backup_of_a_machine_goes_on_where_it_was_taken_and_a_store_of_ones_own_serves() {
    let (dir, to, world, store) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), World::new(), MemoryCheckpoint::new());
    let engine = builder(dir.path(), &world).fsm::<Order>().open().await.unwrap();
    let run = engine.start(placed_("a")).id("a").await.unwrap();
    run.signal(Bill(4)).await.unwrap();
    world.happened("print a", 1).await;
    let copy = to.path().join("copy");
    engine.backup(&copy).await.unwrap();
    drop(run);
    engine.shutdown().await.unwrap();
    let engine = builder(&copy, &world).fsm::<Order>().restore().open().await.unwrap();
    assert_eq!(engine.state::<Order>("a").await.unwrap(), Order::Billed { item: "a".into(), paid: 4 });
    engine.signal("a", Withdraw).await.unwrap();
    let run = engine.attach_fsm::<Order>("a").await.unwrap();
    assert_eq!(run.outcome().await.unwrap().status(), Status::Completed);
    assert_eq!(world.done(), ["hold a", "print a"]);
    drop(run);
    engine.shutdown().await.unwrap();

    let dir = tempfile::tempdir().unwrap();
    let with_store = || {
        let eager = builder(dir.path(), &world).checkpoint_interval(Duration::from_millis(5));
        eager.sleep_after(Duration::ZERO).checkpoint_store(store.clone()).fsm::<Order>()
    };
    let engine = with_store().open().await.unwrap();
    drop(engine.start(placed_("b")).id("b").await.unwrap());
    engine.signal("b", Bill(4)).await.unwrap();
    world.happened("print b", 1).await;
    while engine.stats().runs_in_memory > 0 {
        tokio::task::yield_now().await;
    }
    drop(engine);
    let engine = open(with_store).await;
    assert_eq!(engine.state::<Order>("b").await.unwrap(), Order::Billed { item: "b".into(), paid: 4 });
    engine.shutdown().await.unwrap();
}

#[test]
fn a_machine_is_run_to_its_end_and_started_by_a_schedule() {
    simulated(8, |sim, world| async move {
        let engine = on_sim(&sim, &world).open().await.unwrap();
        assert_eq!(engine.run(count::On { n: 0, to: 3 }).await.unwrap(), Count::Done { n: 3 });
        engine.schedule(count::On { n: 0, to: 2 }, "* * * * *").id("each minute").missed(Missed::Skip).await.unwrap();
        sim.sleep(Duration::from_secs(200)).await;
        let runs = engine.list().workflow("Count").await.unwrap().runs;
        assert!((4..=5).contains(&runs.len()), "{runs:?}");
        assert!(runs.iter().all(|run| run.status == Status::Completed), "{runs:?}");
        engine.shutdown().await.unwrap();
    });
}

/// Its group's time leads to a state of the group.
#[fsm]
#[group(Open, timeout("1h" => Reminded { times: state.times() + 1 }))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Nag {
    #[initial]
    #[next(Over)]
    #[parent(Open)]
    #[accepts(Withdraw)]
    Quiet,
    #[next(Over)]
    #[parent(Open)]
    #[accepts(Withdraw)]
    Reminded { times: u32 },
    #[terminal]
    Over,
}

impl Nag {
    fn times(&self) -> u32 {
        if let Nag::Reminded { times } = self { *times } else { 0 }
    }
}

#[state]
async fn quiet(_: nag::Quiet) -> Next<nag::Quiet> {
    signal::<Withdraw>().await;
    go(nag::Over)
}

#[state]
async fn reminded(state: nag::Reminded) -> Next<nag::Reminded> {
    if state.times > 50 {
        return go(nag::Over);
    }
    signal::<Withdraw>().await;
    go(nag::Over)
}

#[test]
fn a_groups_deadline_that_leads_into_the_group_is_met_once_an_hour_and_not_for_ever() {
    simulated(9, |sim, world| async move {
        let engine = on_sim(&sim, &world).fsm::<Nag>().open().await.unwrap();
        let run = engine.start(nag::Quiet).id("n").await.unwrap();
        for times in 1..4 {
            sim.sleep(Duration::from_secs(3_660)).await;
            assert_eq!(run.state().unwrap(), Nag::Reminded { times });
        }
        let info = run.info();
        assert!(info.waiting.iter().any(|waiting| matches!(waiting.on, WaitingOn::Timer { .. })), "{info:?}");
        engine.shutdown().await.unwrap();
    });
}
