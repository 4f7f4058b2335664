//! What each state does with a signal, and signals that come while a state is left.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use factum::prelude::*;
use factum::testing::Loss;
use factum::{Error, Reason, Status, Update};
use serde::{Deserialize, Serialize};

use super::{
    Bill, Order, Pay, Send, Withdraw, comes_to, falls_asleep, new_sim, on_sim, order, placed_, simulated, waits,
};
use crate::world::{Oops, World, builder, open};

/// What the sender is told.
fn told(answer: Result<(), Error>) -> String {
    match answer {
        Ok(()) => "taken".into(),
        Err(Error::Rejected { state, signal, .. }) => format!("{state} rejects {signal}"),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn each_state_does_with_each_signal_what_its_table_says() {
    simulated(1, |sim, world| async move {
        let engine = on_sim(&sim, &world).open().await.unwrap();
        let run = engine.start(placed_("a")).id("a").await.unwrap();
        waits(&run, &sim).await;
        assert_eq!(told(engine.signal("a", Send).await), "Placed rejects Send");
        // Kept for a state that waits for it.
        assert_eq!(told(engine.signal("a", Pay(2)).await), "taken");
        assert_eq!(told(engine.signal("a", Pay(3)).await), "taken");
        assert_eq!(engine.state::<Order>("a").await.unwrap().name(), "Placed");
        let mut watch = run.watch();
        run.signal(Bill(1)).await.unwrap();
        let mut paid = Vec::new();
        while paid.last() != Some(&6) {
            if let Some(Update::State(state)) = watch.next().await
                && state.name() == "Billed"
            {
                paid.push(state.decode::<Order>().unwrap().paid());
            }
        }
        assert_eq!(paid, [1, 3, 6], "in the order in which they came");
        assert_eq!(told(engine.signal("a", Send).await), "Billed rejects Send");
        // No effect, now and later.
        assert_eq!(told(engine.signal("a", Bill(100)).await), "taken");
        sim.sleep(Duration::from_secs(1)).await;
        assert_eq!(engine.state::<Order>("a").await.unwrap(), Order::Billed { item: "a".into(), paid: 6 });
        run.signal(Pay(4)).await.unwrap();
        comes_to(&run, &sim, "Paid").await;
        for signal in [told(engine.signal("a", Pay(7)).await), told(engine.signal("a", Bill(7)).await)] {
            assert_eq!(signal, "taken");
        }
        assert_eq!(told(engine.signal("a", Withdraw).await), "taken");
        let Outcome::Completed(done) = run.outcome().await.unwrap() else { panic!("not completed") };
        assert_eq!(done.output(), &Order::Withdrawn);
        assert!(matches!(engine.signal("a", Withdraw).await, Err(Error::NotActive { .. })));
        let error = engine.signal("a", Send).await.unwrap_err();
        assert!(matches!(error, Error::NotActive { .. }), "{error}");
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_signal_that_waits_is_dropped_by_a_state_that_ignores_it() {
    simulated(2, |sim, world| async move {
        let engine = on_sim(&sim, &world).open().await.unwrap();
        let run = engine.start(placed_("a")).id("a").await.unwrap();
        // The second is left when the state is entered that ignores it; the third time there is nothing to take.
        run.signal(Pay(9)).await.unwrap();
        run.signal(Pay(8)).await.unwrap();
        run.signal(Bill(1)).await.unwrap();
        comes_to(&run, &sim, "Paid").await;
        sim.jump(Duration::from_secs(86_400));
        comes_to(&run, &sim, "Placed").await;
        run.signal(Bill(1)).await.unwrap();
        comes_to(&run, &sim, "Billed").await;
        waits(&run, &sim).await;
        assert_eq!(engine.state::<Order>("a").await.unwrap(), Order::Billed { item: "a".into(), paid: 1 });
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_start_with_a_signal_is_judged_by_the_initial_state() {
    simulated(3, |sim, world| async move {
        let engine = on_sim(&sim, &world).open().await.unwrap();
        let error = engine.signal_with_start(placed_("a"), Send).id("a").await.unwrap_err();
        assert!(matches!(&error, Error::Rejected { state, .. } if state == "Placed"), "{error}");
        assert!(matches!(engine.state::<Order>("a").await, Err(Error::UnknownRun { .. })), "nothing was started");
        let run = engine.signal_with_start(placed_("a"), Bill(5)).id("a").await.unwrap();
        while run.state().unwrap() != (Order::Billed { item: "a".into(), paid: 5 }) {
            sim.sleep(Duration::from_millis(1)).await;
        }
        // The run that exists gets the signal alone, by the state that it is in.
        engine.signal_with_start(placed_("a"), Pay(5)).id("a").await.unwrap();
        comes_to(&run, &sim, "Paid").await;
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_second_delivery_is_recognised_three_states_and_a_restart_later() {
    let (sim, world) = (new_sim(4), World::new());
    sim.run(async {
        let engine = on_sim(&sim, &world).open().await.unwrap();
        let run = engine.start(placed_("a")).id("a").await.unwrap();
        engine.signal("a", Bill(0)).sender_id("bill").await.unwrap();
        for n in 0..3 {
            engine.signal("a", Pay(1)).sender_id(format!("pay {n}")).await.unwrap();
        }
        while run.state().unwrap().paid() < 3 {
            sim.sleep(Duration::from_millis(1)).await;
        }
        // Into the checkpoint, and out of memory.
        drop(run);
        falls_asleep(&engine, &sim).await;
        std::mem::forget(engine);
    });
    sim.crash(Loss::Everything);
    sim.run(async {
        let engine = on_sim(&sim, &world).open().await.unwrap();
        for n in 0..3 {
            engine.signal("a", Pay(1)).sender_id(format!("pay {n}")).await.unwrap();
        }
        engine.signal("a", Pay(0)).sender_id("pay 1").await.unwrap();
        sim.sleep(Duration::from_secs(1)).await;
        assert_eq!(engine.state::<Order>("a").await.unwrap(), Order::Billed { item: "a".into(), paid: 3 });
        // Another signal's id is another one.
        engine.signal("a", Withdraw).sender_id("pay 1").await.unwrap();
        let outcome = engine.attach_fsm::<Order>("a").await.unwrap().outcome().await.unwrap();
        assert_eq!(outcome.status(), Status::Completed);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn an_inbox_is_full_of_what_is_deferred_and_has_room_when_that_is_taken() {
    simulated(5, |sim, world| async move {
        let engine = on_sim(&sim, &world).open().await.unwrap();
        let run = engine.start(placed_("a")).id("a").await.unwrap();
        for _ in 0..1024 {
            run.signal(Pay(9)).await.unwrap();
        }
        assert!(matches!(run.signal(Pay(9)).await, Err(Error::InboxFull { limit: 1024, .. })));
        assert!(matches!(run.signal(Bill(9)).await, Err(Error::InboxFull { .. })));
        // What is refused for another reason is refused for that one.
        assert!(matches!(run.signal(Send).await, Err(Error::Rejected { .. })));
        sim.jump(Duration::from_secs(3 * 86_400));
        assert_eq!(run.outcome().await.unwrap().status(), Status::Completed);
        engine.shutdown().await.unwrap();
    });
}

/// Adds up what it is sent, in one state and then in the other.
#[fsm]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Sum {
    #[initial]
    #[next(Odd, Total)]
    #[accepts(Add, Close)]
    Even { sum: u64, taken: u32, of: u32 },
    #[next(Even, Total)]
    #[accepts(Add)]
    #[defer(Close)]
    Odd { sum: u64, taken: u32, of: u32 },
    #[terminal]
    Total { sum: u64 },
}

#[signal]
#[derive(Debug, Serialize, Deserialize)]
pub struct Add(u64);

#[signal]
#[derive(Debug, Serialize, Deserialize)]
pub struct Close;

#[state]
async fn even(sum::Even { sum, taken, of }: sum::Even) -> Next<sum::Even> {
    if taken == of {
        signal::<Close>().await;
        return go(sum::Total { sum });
    }
    let Add(more) = signal::<Add>().await;
    go(sum::Odd { sum: sum + more, taken: taken + 1, of })
}

#[state]
async fn odd(sum::Odd { sum, taken, of }: sum::Odd) -> Next<sum::Odd> {
    if taken == of {
        return go(sum::Total { sum });
    }
    let Add(more) = signal::<Add>().await;
    go(sum::Even { sum: sum + more, taken: taken + 1, of })
}

/// Signals come from many threads while the machine goes from state to state, and while engines come and go.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn signals_that_come_while_states_are_left_are_neither_lost_nor_taken_twice() {
    const SENDERS: u64 = 8;
    const EACH: u64 = 40;
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let eager = || {
        let eager = builder(dir.path(), &world).checkpoint_interval(Duration::from_millis(2));
        eager.sleep_after(Duration::ZERO).fsm::<Sum>()
    };
    let of = u32::try_from(SENDERS * EACH).unwrap();
    let engine = eager().open().await.unwrap();
    drop(engine.start(sum::Even { sum: 0, taken: 0, of }).id("s").await.unwrap());
    engine.shutdown().await.unwrap();
    let refused = std::sync::Arc::new(AtomicU32::new(0));
    for round in 0..2 {
        let engine = open(&eager).await;
        let sends = (0..SENDERS).map(|sender| {
            let (engine, refused) = (engine.clone(), refused.clone());
            tokio::spawn(async move {
                for n in round * EACH / 2..(round + 1) * EACH / 2 {
                    let value = sender * EACH + n;
                    // Each is delivered twice.
                    for _ in 0..2 {
                        if engine.signal("s", Add(value)).sender_id(value.to_string()).await.is_err() {
                            refused.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                }
            })
        });
        for send in sends.collect::<Vec<_>>() {
            send.await.unwrap();
        }
        // With whatever is not taken yet.
        drop(engine);
    }
    let engine = open(&eager).await;
    engine.signal("s", Close).await.unwrap();
    let run = engine.attach_fsm::<Sum>("s").await.unwrap();
    let Outcome::Completed(done) = run.outcome().await.unwrap() else { panic!("not completed") };
    let all = SENDERS * EACH;
    assert_eq!(done.output(), &Sum::Total { sum: all * (all - 1) / 2 });
    assert_eq!(refused.load(Ordering::Relaxed), 0);
    engine.shutdown().await.unwrap();
}

#[test]
fn the_signal_that_was_taken_is_the_reason_and_not_the_one_of_a_branch_that_lost() {
    simulated(6, |sim, world| async move {
        let engine = on_sim(&sim, &world).fsm::<Pick>().open().await.unwrap();
        let run = engine.start(pick::Both { n: 0 }).id("p").await.unwrap();
        let mut watch = run.watch();
        run.signal(Close).await.unwrap();
        let mut reasons = Vec::new();
        while let Some(update) = watch.next().await {
            if let Update::State(state) = update {
                reasons.push((state.visit(), state.reason().cloned()));
            }
        }
        let taken = Reason::Signal { name: "Close".into() };
        assert_eq!(reasons, [(0, None), (1, Some(taken)), (2, Some(Reason::Handler))]);
        engine.shutdown().await.unwrap();
    });
}

/// Waits for one of two signals, and then for nothing.
#[fsm]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Pick {
    #[initial]
    #[next(Both, Picked)]
    #[accepts(Add, Close)]
    Both { n: u32 },
    #[terminal]
    Picked,
}

#[state]
async fn both(pick::Both { n }: pick::Both) -> Next<pick::Both> {
    if n == 1 {
        return go(pick::Picked);
    }
    race((signal::<Add>(), signal::<Close>())).await;
    go(pick::Both { n: n + 1 })
}

/// The machine of the tests names its error, and a handler's failure is the run's.
#[test]
fn what_a_handler_fails_with_undoes_every_state() {
    simulated(7, |sim, world| async move {
        let engine = on_sim(&sim, &world).open().await.unwrap();
        let run = engine.start(order::Placed { item: "a".into() }).id("a").await.unwrap();
        for signal in [Pay(1), Pay(1), Pay(0)] {
            run.signal(signal).await.unwrap();
        }
        run.signal(Bill(1)).await.unwrap();
        let Outcome::Failed(failed) = run.outcome().await.unwrap() else { panic!("not failed") };
        assert_eq!(failed.failure().to_string(), Oops::Failed("no money".into()).to_string());
        let undone = ["shred a", "shred a", "shred a", "release a"];
        assert_eq!(world.done()[4..], undone, "the newest first, over all states");
        assert_eq!(failed.state().unwrap(), Order::Billed { item: "a".into(), paid: 3 });
        engine.shutdown().await.unwrap();
    });
}
