//! What days of waiting do, on a simulated machine whose clock jumps to the next timer; and what a silent bank does.
#![allow(clippy::unwrap_used, reason = "a test panics where it fails")]

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use factum::testing::{Loss, Sim};
use factum::{Engine, Fsm as _, Outcome, Run, Update};
use order_lifecycle::ledger::{Ledger, Operation, path_in, read_entries};
use order_lifecycle::machine::{Cancel, DeliveryReport, Order, Packed, Pay, ReturnRequest, Why, order};
use order_lifecycle::purchase::{Basket, Purchase};
use order_lifecycle::steps::Shop;
use tempfile::TempDir;

const DAY: Duration = Duration::from_secs(86400);

/// A machine with a ledger, and the states that its orders have entered.
struct World {
    sim: Sim,
    ledger: TempDir,
    entered: Arc<Mutex<Vec<String>>>,
}

impl World {
    fn new() -> World {
        World { sim: Sim::new(7), ledger: tempfile::tempdir().unwrap(), entered: Arc::default() }
    }

    async fn open(&self) -> Engine {
        let entered = self.entered.clone();
        let ledger = Ledger::open(&path_in(self.ledger.path()), None).unwrap();
        let builder =
            Engine::builder("data").app(Shop { ledger }).fsm::<Order>().sim(&self.sim).checkpoint_interval(DAY);
        builder
            .on_enter(move |_, state: &Order| entered.lock().unwrap().push(state.state_name().to_owned()))
            .open()
            .await
            .unwrap()
    }

    /// An order of ten dollars.
    async fn placed(&self, engine: &Engine) -> Run<Order> {
        let (customer, date) = ("c".to_owned(), "1997-01-01".to_owned());
        let basket = Basket { order: "o".to_owned(), customer, date, quantity: 1, amount_cents: 1000 };
        engine.start(order::Placed { purchase: Purchase::new(basket) }).id("o").await.unwrap()
    }

    /// How many days a run takes from now on to its end, and the state that it ends in.
    async fn end(&self, run: &Run<Order>) -> (u64, Order) {
        let begun = SystemTime::from(self.sim.now());
        let Outcome::Completed(ended) = run.outcome().await.unwrap() else { panic!("{:?}", run.info()) };
        let took = SystemTime::from(self.sim.now()).duration_since(begun).unwrap();
        (took.as_secs() / 86400, ended.into_output())
    }

    /// What the provider and the carrier did.
    fn did(&self) -> Vec<(Operation, u64)> {
        let entries = read_entries(&path_in(self.ledger.path())).unwrap();
        entries.into_iter().map(|entry| (entry.operation, entry.cents)).collect()
    }

    fn entered(&self) -> Vec<String> {
        self.entered.lock().unwrap().clone()
    }
}

fn why(order: &Order) -> &Why {
    match order {
        Order::Cancelled { why, .. } | Order::Refunded { why, .. } => why,
        other => panic!("{other:?}"),
    }
}

fn pay(cents: impl Into<Option<u64>>) -> Pay {
    Pay { amount_cents: cents.into(), card: "4000".to_owned() }
}

async fn until(run: &Run<Order>, state: &str) {
    let mut watch = run.watch();
    while let Some(update) = watch.next().await {
        if matches!(&update, Update::State(seen) if seen.name() == state) {
            return;
        }
    }
    panic!("it has never come to {state}");
}

#[test]
fn who_does_not_pay_has_three_days() {
    let world = World::new();
    world.sim.run(async {
        let engine = world.open().await;
        let (days, ended) = world.end(&world.placed(&engine).await).await;
        assert_eq!((days, ended.state_name(), why(&ended)), (3, "Cancelled", &Why::NotPaid));
        engine.shutdown().await.unwrap();
    });
    assert_eq!(world.did(), []);
    assert_eq!(world.entered(), ["Placed", "Refunding", "Cancelled"]);
}

#[test]
fn a_part_payment_does_not_begin_the_three_days_anew_nor_does_a_crash() {
    let world = World::new();
    world.sim.run(async {
        let engine = world.open().await;
        let run = world.placed(&engine).await;
        world.sim.sleep(2 * DAY).await;
        run.signal(pay(400)).await.unwrap();
        let mut watch = run.watch();
        while let Some(update) = watch.next().await {
            if matches!(update, Update::State(seen) if seen.visit() == 1) {
                return;
            }
        }
        panic!("the part is not paid");
    });
    world.sim.crash(Loss::Any);
    world.sim.run(async {
        let engine = world.open().await;
        let run = engine.attach_fsm::<Order>("o").await.unwrap();
        let (days, ended) = world.end(&run).await;
        assert_eq!((days, why(&ended)), (1, &Why::NotPaid));
        assert!(matches!(ended, Order::Refunded { refunded_cents: 400, .. }));
        engine.shutdown().await.unwrap();
    });
    assert_eq!(world.did(), [(Operation::Charge, 400), (Operation::Refund, 400)]);
}

#[test]
fn what_is_not_packed_is_refunded_and_what_is_paid_is_not_cancelled_behind_the_machine() {
    let world = World::new();
    world.sim.run(async {
        let engine = world.open().await;
        let run = world.placed(&engine).await;
        run.signal(pay(None)).await.unwrap();
        until(&run, "Paid").await;
        assert!(run.cancel().await.is_err(), "the machine's own signal is the way back from here on");
        let (days, ended) = world.end(&run).await;
        assert_eq!((days, why(&ended)), (5, &Why::NotPacked));
        engine.shutdown().await.unwrap();
    });
    assert_eq!(world.did(), [(Operation::Charge, 1000), (Operation::Refund, 1000)]);
}

#[test]
fn what_never_comes_is_refunded_although_somebody_wants_to_send_it_back() {
    let world = World::new();
    world.sim.run(async {
        let engine = world.open().await;
        let run = world.placed(&engine).await;
        run.signal(pay(None)).await.unwrap();
        until(&run, "Paid").await;
        run.signal(Packed {}).await.unwrap();
        until(&run, "Shipped").await;
        run.signal(ReturnRequest { reason: "late".to_owned() }).await.unwrap();
        let (days, ended) = world.end(&run).await;
        assert_eq!((days, why(&ended)), (14, &Why::Lost));
        engine.shutdown().await.unwrap();
    });
    assert_eq!(world.did(), [(Operation::Charge, 1000), (Operation::Ship, 0), (Operation::Refund, 1000)]);
}

#[test]
fn what_is_kept_is_bought_whether_or_not_a_label_was_made() {
    for wants_to_return in [false, true] {
        let world = World::new();
        world.sim.run(async {
            let engine = world.open().await;
            let run = world.placed(&engine).await;
            run.signal(pay(None)).await.unwrap();
            until(&run, "Paid").await;
            run.signal(Packed {}).await.unwrap();
            until(&run, "Shipped").await;
            run.signal(DeliveryReport {}).await.unwrap();
            until(&run, "Delivered").await;
            if wants_to_return {
                run.signal(ReturnRequest { reason: "no use".to_owned() }).await.unwrap();
                until(&run, "Returning").await;
            }
            let (days, ended) = world.end(&run).await;
            assert_eq!((days, ended.state_name()), (if wants_to_return { 14 } else { 30 }, "Completed"));
            engine.shutdown().await.unwrap();
        });
        assert!(world.did().iter().all(|(operation, _)| *operation != Operation::Refund));
    }
}

#[test]
fn a_silent_bank_fails_the_order_and_everything_that_was_paid_is_given_back() {
    let world = World::new();
    world.sim.run(async {
        let engine = world.open().await;
        let run = world.placed(&engine).await;
        run.signal(pay(300)).await.unwrap();
        run.signal(Pay { card: "silent".to_owned(), ..pay(200) }).await.unwrap();
        let Outcome::Failed(failed) = run.outcome().await.unwrap() else { panic!("{:?}", run.info()) };
        assert_eq!(failed.state().unwrap().state_name(), "Placed");
        assert!(run.signal(Cancel {}).await.is_err());
        engine.shutdown().await.unwrap();
    });
    // The last payment first: nobody knew of it, and it had been taken.
    let due = [(Operation::Charge, 300), (Operation::Charge, 200), (Operation::Refund, 200), (Operation::Refund, 300)];
    assert_eq!(world.did(), due);
}
