//! Deadlines of states and of groups: over restarts, over moves, and against handlers.

use std::time::{Duration, SystemTime};

use factum::prelude::*;
use factum::testing::{Loss, Sim};
use factum::{Event, Reason};
use serde::{Deserialize, Serialize};

use super::{Bill, DAY, Order, Pay, comes_to, new_sim, on_sim, placed_, simulated, waits};
use crate::world::{Oops, World};

const MINUTE: Duration = Duration::from_secs(60);

/// Lets time go by: the clock jumps, and everybody gets the time to notice it.
async fn pass(sim: &Sim, time: Duration) {
    sim.jump(time.saturating_sub(2 * MINUTE));
    sim.sleep(time.min(2 * MINUTE)).await;
}

/// The state in which a machine has ended, if that comes within so much time.
async fn ends_after(engine: &Engine, sim: &Sim, id: &str, time: Duration) -> Order {
    pass(sim, time - 2 * MINUTE).await;
    assert_eq!(engine.list().await.unwrap()[0].status, factum::Status::Waiting, "it has ended too early");
    let before = sim.elapsed();
    let state = ended(engine, id).await;
    assert!(sim.elapsed() - before < 5 * MINUTE, "it ends late");
    state
}

/// The state in which a machine has ended.
async fn ended(engine: &Engine, id: &str) -> Order {
    match engine.attach_fsm::<Order>(id).await.unwrap().outcome().await.unwrap() {
        Outcome::Completed(run) => run.into_output(),
        other => panic!("{other:?}"),
    }
}

/// How the state that the run is in was entered.
async fn last_entry(engine: &Engine, id: &str) -> (String, Reason, SystemTime) {
    let history = engine.history(id).await.unwrap();
    let entered = history.iter().rev().find_map(|entry| match &entry.event {
        Event::StateEntered { state, reason, .. } => Some((state.to_string(), reason.clone(), entry.time)),
        _ => None,
    });
    entered.unwrap()
}

#[test]
fn a_timeout_keeps_its_moment_over_a_shutdown_a_kill_and_a_loss_of_power() {
    let (sim, world) = (new_sim(3), World::new());
    sim.run(async {
        let engine = on_sim(&sim, &world).open().await.unwrap();
        let run = engine.start(placed_("a")).id("a").await.unwrap();
        waits(&run, &sim).await;
        pass(&sim, DAY).await;
        engine.shutdown().await.unwrap();
    });
    for end in [None, Some(Loss::Everything)] {
        sim.run(async {
            let engine = on_sim(&sim, &world).open().await.unwrap();
            pass(&sim, DAY / 2).await;
            assert_eq!(engine.state::<Order>("a").await.unwrap().name(), "Placed");
            std::mem::forget(engine);
        });
        match end {
            None => sim.kill(),
            Some(loss) => sim.crash(loss),
        }
    }
    sim.run(async {
        let engine = on_sim(&sim, &world).open().await.unwrap();
        assert_eq!(ends_after(&engine, &sim, "a", DAY).await, Order::Expired { of: "a left alone".into() });
        assert_eq!(last_entry(&engine, "a").await.1, Reason::Timeout { group: None });
        engine.shutdown().await.unwrap();
    });
    assert_eq!(world.done(), ["hold a", "release a"]);
}

#[test]
fn a_timeout_that_was_over_while_nobody_looked_is_over_at_once() {
    let (sim, world) = (new_sim(3), World::new());
    sim.run(async {
        let engine = on_sim(&sim, &world).open().await.unwrap();
        waits(&engine.start(placed_("a")).id("a").await.unwrap(), &sim).await;
        engine.shutdown().await.unwrap();
    });
    sim.jump(20 * DAY);
    sim.run(async {
        let before = sim.elapsed();
        let engine = on_sim(&sim, &world).open().await.unwrap();
        ended(&engine, "a").await;
        assert!(sim.elapsed() - before < MINUTE);
        engine.shutdown().await.unwrap();
    });
}

/// Wherever the power fails around the moment in which a state is entered, its time counts from that record on.
#[test]
fn power_that_fails_between_a_state_and_its_timer_changes_no_deadline() {
    let mut entered_before = 0;
    for at in 0..60 {
        let (sim, world) = (new_sim(at), World::new());
        sim.run(async {
            let engine = on_sim(&sim, &world).open().await.unwrap();
            let run = engine.start(placed_("a")).id("a").await.unwrap();
            waits(&run, &sim).await;
            drop(run);
            engine.shutdown().await.unwrap();
        });
        sim.disk().crash_at(at);
        let told = sim.run_until_down(async {
            let engine = on_sim(&sim, &world).open().await?;
            engine.signal("a", Bill(1)).sender_id("once").await?;
            sim.sleep(MINUTE).await;
            std::mem::forget(engine);
            Ok::<_, factum::Error>(())
        });
        sim.crash(Loss::Everything);
        sim.disk().crash_at(u64::MAX);
        // The power is back nine days later.
        sim.jump(9 * DAY);
        sim.run(async {
            let engine = on_sim(&sim, &world).open().await.unwrap();
            let is_billed = engine.state::<Order>("a").await.unwrap().name() == "Billed";
            let now = SystemTime::from(sim.now());
            if !is_billed || last_entry(&engine, "a").await.2 > now - DAY {
                // Not begun before the power failed.
                engine.shutdown().await.unwrap();
                return;
            }
            entered_before += 1;
            engine.signal("a", Bill(1)).sender_id("once").await.unwrap();
            let billed = last_entry(&engine, "a").await.2;
            assert_eq!(ends_after(&engine, &sim, "a", DAY - 2 * MINUTE).await, Order::Unpaid { paid: 1 }, "{at}");
            let after = last_entry(&engine, "a").await.2.duration_since(billed).unwrap();
            assert!(after >= 10 * DAY && after < 10 * DAY + MINUTE, "{at}: {after:?}");
            engine.shutdown().await.unwrap();
        });
        if told.is_some() {
            break;
        }
    }
    assert!(entered_before > 0, "no power failed between a state and its timer");
}

#[test]
fn a_group_counts_from_its_first_state_and_anew_when_it_is_entered_again() {
    simulated(5, |sim, world| async move {
        let engine = on_sim(&sim, &world).open().await.unwrap();
        let run = engine.start(placed_("a")).id("a").await.unwrap();
        pass(&sim, 2 * DAY).await;
        run.signal(Bill(1)).await.unwrap();
        comes_to(&run, &sim, "Billed").await;
        pass(&sim, 7 * DAY).await;
        // A move to itself restarts nothing.
        run.signal(Pay(1)).await.unwrap();
        sim.sleep(MINUTE).await;
        pass(&sim, 2 * DAY).await;
        assert_eq!(engine.state::<Order>("a").await.unwrap(), Order::Billed { item: "a".into(), paid: 2 });
        // On the last day it is paid, and out of the inner group; then nobody sends it, and it is placed again.
        run.signal(Pay(9)).await.unwrap();
        comes_to(&run, &sim, "Paid").await;
        pass(&sim, DAY + DAY / 4).await;
        assert_eq!(engine.state::<Order>("a").await.unwrap(), Order::Placed { item: "a".into() });
        assert_eq!(last_entry(&engine, "a").await.1, Reason::Timeout { group: None });
        run.signal(Bill(0)).await.unwrap();
        comes_to(&run, &sim, "Billed").await;
        // The inner group counts anew: eight days in it are not ten.
        pass(&sim, 8 * DAY).await;
        assert_eq!(engine.state::<Order>("a").await.unwrap(), Order::Billed { item: "a".into(), paid: 0 });
        assert_eq!(ends_after(&engine, &sim, "a", 2 * DAY).await, Order::Unpaid { paid: 0 });
        assert_eq!(last_entry(&engine, "a").await.1, Reason::Timeout { group: Some("Billing".into()) });
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn of_several_deadlines_the_first_counts_whatever_the_others_are() {
    simulated(6, |sim, world| async move {
        let engine = on_sim(&sim, &world).open().await.unwrap();
        let run = engine.start(placed_("a")).id("a").await.unwrap();
        // Nine turns through all states, so that the outermost group's time comes first.
        for _ in 0..9 {
            pass(&sim, 2 * DAY).await;
            run.signal(Bill(9)).await.unwrap();
            run.signal(Pay(9)).await.unwrap();
            pass(&sim, DAY + 4 * MINUTE).await;
        }
        pass(&sim, 2 * DAY).await;
        assert_eq!(engine.state::<Order>("a").await.unwrap(), Order::Placed { item: "a".into() });
        // Of the thirty days 29 have gone by, and some minutes.
        let outcome = ends_after(&engine, &sim, "a", DAY - 9 * 4 * MINUTE).await;
        assert_eq!(outcome, Order::Expired { of: "Placed".into() });
        assert_eq!(last_entry(&engine, "a").await.1, Reason::Timeout { group: Some("Open".into()) });
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn what_a_handler_did_that_is_out_of_time_is_undone_and_what_came_before_is_not() {
    simulated(7, |sim, world| async move {
        let engine = on_sim(&sim, &world).open().await.unwrap();
        let run = engine.start(placed_("a")).id("a").await.unwrap();
        run.signal(Bill(3)).await.unwrap();
        world.happened("print a", 1).await;
        assert_eq!(ends_after(&engine, &sim, "a", 10 * DAY).await, Order::Unpaid { paid: 3 });
        assert_eq!(world.done(), ["hold a", "print a", "shred a"]);
        engine.shutdown().await.unwrap();
    });
}

/// Its handler is at work when its time is over.
#[fsm(error = Oops, app = World)]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Busy {
    #[initial]
    #[next(Done)]
    #[timeout("10s" => Late { by: state.by })]
    Finishes { by: u32 },
    #[next(Done)]
    #[timeout("10s" => Done { late: true })]
    Late { by: u32 },
    #[terminal]
    Done { late: bool },
}

/// Ends when the world's gate lets it.
#[step(compensate = unwork(), retry(attempts = 3, initial = "1s"))]
async fn works(io: &mut Io<World>) -> Result<(), Oops> {
    io.app().act("work begins");
    io.app().gate.acquire().await.unwrap().forget();
    io.app().act("work ends");
    Ok(())
}

#[step(compensate = unwork(), cancel = "abort")]
async fn works_until_told(io: &mut Io<World>) {
    io.app().act("work begins");
    io.app().gate.acquire().await.unwrap().forget();
    io.app().act("work ends");
}

/// Ends badly, when it ends.
#[step(compensate = unwork())]
async fn works_in_vain(io: &mut Io<World>) -> Result<(), Oops> {
    io.app().act("work begins");
    io.app().gate.acquire().await.unwrap().forget();
    Err(Oops::Failed("in vain".into()))
}

#[step]
async fn unwork(io: &mut Io<World>) {
    io.app().act("undone");
}

#[state]
async fn finishes(state: busy::Finishes) -> Result<Next<busy::Finishes>, Oops> {
    if state.by == 0 {
        super::print("x".into()).await?;
        works_in_vain().await?;
    }
    works().await?;
    sleep(days(1)).await;
    Ok(go(busy::Done { late: false }))
}

#[state]
async fn late(_: busy::Late) -> Result<Next<busy::Late>, Oops> {
    works_until_told().await;
    Ok(go(busy::Done { late: false }))
}

#[test]
fn an_attempt_in_the_air_when_time_is_over_ends_or_is_dropped_as_its_step_says_and_is_undone() {
    simulated(8, |sim, world| async move {
        let engine = on_sim(&sim, &world).fsm::<Busy>().open().await.unwrap();
        let run = engine.start(busy::Finishes { by: 4 }).id("b").await.unwrap();
        sim.sleep(MINUTE).await;
        // It may finish: so long the machine stays.
        assert_eq!(run.state().unwrap(), Busy::Finishes { by: 4 });
        world.gate.add_permits(1);
        world.happened("undone", 1).await;
        assert_eq!(world.done(), ["work begins", "work ends", "undone"]);
        while run.state().unwrap() != (Busy::Late { by: 4 }) {
            sim.sleep(Duration::from_millis(10)).await;
        }
        let Outcome::Completed(done) = run.outcome().await.unwrap() else { panic!("not completed") };
        assert_eq!(done.output(), &Busy::Done { late: true });
        assert_eq!(world.done()[3..], ["work begins", "undone"], "it was dropped");
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_handler_that_fails_when_its_time_is_over_already_fails_nothing() {
    simulated(8, |sim, world| async move {
        let engine = on_sim(&sim, &world).fsm::<Busy>().open().await.unwrap();
        let run = engine.start(busy::Finishes { by: 0 }).id("b").await.unwrap();
        sim.sleep(MINUTE).await;
        world.gate.add_permits(1);
        let outcome = run.outcome().await.unwrap();
        assert!(matches!(outcome, Outcome::Completed(_)), "{outcome:?}");
        assert_eq!(world.done()[..3], ["print x", "work begins", "shred x"]);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn an_undo_of_what_was_out_of_time_goes_on_after_a_crash() {
    for at in 0..80 {
        let (sim, world) = (new_sim(at), World::new());
        sim.run(async {
            let engine = on_sim(&sim, &world).open().await.unwrap();
            let run = engine.start(placed_("a")).id("a").await.unwrap();
            run.signal(Bill(3)).await.unwrap();
            world.happened("print a", 1).await;
            drop(run);
            engine.shutdown().await.unwrap();
        });
        sim.jump(10 * DAY);
        sim.disk().crash_at(at);
        let end = async |world: &World| {
            let engine = on_sim(&sim, world).open().await?;
            let run = engine.attach_fsm::<Order>("a").await?;
            let outcome = run.outcome().await?;
            engine.shutdown().await?;
            Ok::<_, factum::Error>(outcome)
        };
        let done = sim.run_until_down(end(&world)).is_some();
        sim.crash(Loss::Any);
        sim.disk().crash_at(u64::MAX);
        let Outcome::Completed(run) = sim.run(end(&world)).unwrap() else { panic!("{at}") };
        assert_eq!(run.output(), &Order::Unpaid { paid: 3 });
        let (shred, release) = (world.count("shred a"), world.count("release a"));
        assert!((1..=2).contains(&shred) && release == 0, "{at}: {:?}", world.done());
        if done {
            return;
        }
    }
    panic!("it never ends");
}

/// Its handler ends in the very moment in which its time is over.
#[fsm]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Tie {
    #[initial]
    #[next(Handled)]
    #[timeout("1h" => TimedOut)]
    Both,
    #[terminal]
    Handled,
    #[terminal]
    TimedOut,
}

#[state]
async fn both(_: tie::Both) -> Next<tie::Both> {
    sleep(hours(1)).await;
    go(tie::Handled)
}

#[test]
fn whoever_comes_first_in_one_moment_is_recorded_and_nobody_else() {
    let mut ends = [0, 0];
    for seed in 0..40 {
        let (sim, world) = (new_sim(seed), World::new());
        sim.run(async {
            let engine = on_sim(&sim, &world).fsm::<Tie>().open().await.unwrap();
            drop(engine.start(tie::Both {}).id("t").await.unwrap());
            sim.sleep(MINUTE).await;
            engine.shutdown().await.unwrap();
        });
        sim.disk().crash_at(seed % 20 + 5);
        let end = async || {
            let engine = on_sim(&sim, &world).fsm::<Tie>().open().await?;
            let outcome = engine.attach_fsm::<Tie>("t").await?.outcome().await?;
            engine.shutdown().await?;
            Ok::<_, factum::Error>(outcome)
        };
        let first = sim.run_until_down(end());
        sim.crash(Loss::Any);
        sim.disk().crash_at(u64::MAX);
        let Outcome::Completed(second) = sim.run(end()).unwrap() else { panic!("{seed}") };
        if let Some(Ok(Outcome::Completed(first))) = first {
            assert_eq!(first.output(), second.output(), "{seed}");
        }
        ends[usize::from(*second.output() == Tie::Handled)] += 1;
    }
    assert!(ends.iter().all(|ends| *ends > 0), "{ends:?}");
}

/// Whoever sent it was told that the run has it, and the deadline was not over then.
#[test]
fn a_signal_that_came_in_time_counts_although_nobody_looked_in_time() {
    for seed in 0..20 {
        let (sim, world) = (Sim::new(seed), World::new());
        sim.run(async {
            let engine = on_sim(&sim, &world).open().await.unwrap();
            let run = engine.start(placed_("a")).id("a").await.unwrap();
            waits(&run, &sim).await;
            run.signal(Bill(1)).await.unwrap();
            sim.jump(4 * DAY);
            while run.state().unwrap().name() == "Placed" {
                sim.sleep(MINUTE).await;
            }
            assert_eq!(run.state().unwrap().name(), "Billed", "seed {seed}");
            drop(run);
            engine.shutdown().await.unwrap();
        });
    }
}
