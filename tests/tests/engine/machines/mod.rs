//! State machines, on the real disk and on a simulated one: timeouts, signals, an operator's word, what others see.

mod blobs;
mod change;
mod children;
mod edges;
mod flat;
mod found;
mod gone;
mod restore;
mod signals;
mod timeouts;
mod verbs;
mod views;

use std::future::Future;
use std::time::Duration;

use factum::prelude::*;
use factum::testing::Sim;
use factum::{Builder, Fsm as _, Run, Running};
use serde::{Deserialize, Serialize};

use crate::world::{Oops, World};

/// A shop's order, with work in each of its states.
#[fsm(error = Oops, app = World)]
#[group(Open, next(Withdrawn), accepts(Withdraw), timeout("30 days" => Expired { of: state.name().to_owned() }))]
#[group(Billing, parent(Open), timeout("10 days" => Unpaid { paid: state.paid() }))]
#[reject]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Order {
    #[initial]
    #[next(Billed)]
    #[parent(Open)]
    #[accepts(Bill)]
    #[defer(Pay)]
    #[timeout("3 days" => Expired { of: format!("{} left alone", state.item) })]
    Placed { item: String },
    #[next(Billed, Paid)]
    #[parent(Billing)]
    #[accepts(Pay)]
    #[ignore(Bill)]
    Billed { item: String, paid: u32 },
    #[next(Sent, Placed)]
    #[parent(Open)]
    #[commit]
    #[accepts(Send)]
    #[ignore]
    #[timeout("1 day" => Placed { item: state.item })]
    Paid { item: String, paid: u32 },
    #[terminal]
    Sent { item: String },
    #[terminal]
    Unpaid { paid: u32 },
    #[terminal]
    Withdrawn,
    #[terminal]
    Expired { of: String },
}

impl Order {
    fn name(&self) -> &'static str {
        self.state_name()
    }

    fn paid(&self) -> u32 {
        match self {
            Order::Billed { paid, .. } | Order::Paid { paid, .. } => *paid,
            _ => 0,
        }
    }
}

#[signal]
#[derive(Debug, Serialize, Deserialize)]
pub struct Bill(pub u32);

#[signal]
#[derive(Debug, Serialize, Deserialize)]
pub struct Pay(pub u32);

#[signal]
#[derive(Debug, Serialize, Deserialize)]
pub struct Send;

#[signal]
#[derive(Debug, Serialize, Deserialize)]
pub struct Withdraw;

/// What is in the shop is set aside.
#[step(compensate = release(&item))]
async fn hold(io: &mut Io<World>, item: String) {
    io.app().act(format!("hold {item}"));
}

#[step]
async fn release(io: &mut Io<World>, item: &str) -> Result<(), Oops> {
    if io.app().fails("release") {
        return Err(Oops::Failed(format!("{item} is locked in")));
    }
    io.app().act(format!("release {item}"));
    Ok(())
}

/// It is printed, unless the world wants it to fail.
#[step(compensate = shred(&item))]
async fn print(io: &mut Io<World>, item: String) -> Result<(), Oops> {
    if io.app().fails("print") {
        return Err(Oops::Failed(format!("no paper for {item}")));
    }
    io.app().act(format!("print {item}"));
    Ok(())
}

#[step]
async fn shred(io: &mut Io<World>, item: &str) {
    io.app().act(format!("shred {item}"));
}

#[state]
async fn placed(order: order::Placed) -> Result<Next<order::Placed>, Oops> {
    hold(order.item.clone()).await;
    match race((signal::<Bill>(), signal::<Withdraw>())).await {
        First(Bill(paid)) => Ok(go(order::Billed { item: order.item, paid })),
        Second(Withdraw) => Ok(go(order::Withdrawn)),
    }
}

#[state]
async fn billed(order::Billed { item, paid }: order::Billed) -> Result<Next<order::Billed>, Oops> {
    print(item.clone()).await?;
    match race((signal::<Pay>(), signal::<Withdraw>())).await {
        First(Pay(0)) => Err(Oops::Failed("no money".into())),
        First(Pay(more)) if paid + more < 10 => Ok(go(order::Billed { item, paid: paid + more })),
        First(Pay(more)) => Ok(go(order::Paid { item, paid: paid + more })),
        Second(Withdraw) => Ok(go(order::Withdrawn)),
    }
}

#[state]
async fn paid(order: order::Paid) -> Result<Next<order::Paid>, Oops> {
    print(format!("label of {}", order.item)).await?;
    match race((signal::<Send>(), signal::<Withdraw>())).await {
        First(Send) => Ok(go(order::Sent { item: order.item })),
        Second(Withdraw) => Ok(go(order::Withdrawn)),
    }
}

pub fn placed_(item: &str) -> order::Placed {
    order::Placed { item: item.into() }
}

/// Goes on with itself until it has counted so far; awaits nothing.
#[fsm]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Count {
    #[initial]
    #[next(On, Done)]
    On { n: u32, to: u32 },
    #[terminal]
    Done { n: u32 },
}

#[state]
async fn on(state: count::On) -> Next<count::On> {
    match state {
        count::On { n, to } if n == to => go(count::Done { n }),
        count::On { n, to } => go(count::On { n: n + 1, to }),
    }
}

pub const DIR: &str = "/data";
pub const DAY: Duration = Duration::from_secs(86_400);

/// An engine on a simulated machine, which lets go of everything as soon as it can.
pub fn on_sim(sim: &Sim, world: &World) -> Builder<World> {
    let small = Engine::builder(DIR).segment_bytes(64 << 10).arena_segment_bytes(64 << 10);
    let eager = small.checkpoint_interval(Duration::from_secs(2)).sleep_after(Duration::from_secs(3));
    eager.app(world.clone()).fsm::<Order>().fsm::<Count>().sim(sim)
}

/// A simulated machine; a test that waits for what never comes fails within some hours of its time.
pub fn new_sim(seed: u64) -> Sim {
    let sim = Sim::new(seed);
    sim.set_patience(Duration::from_secs(6 * 3_600));
    sim
}

/// Until an order is in a state: time that goes by before it has heard a signal may outrun it.
pub async fn comes_to(run: &Run<Order, Running>, sim: &Sim, state: &str) {
    while run.state().unwrap().name() != state {
        sim.sleep(Duration::from_millis(1)).await;
    }
}

/// Until no run is in memory.
pub async fn falls_asleep(engine: &Engine, sim: &Sim) {
    while engine.stats().runs_in_memory > 0 {
        sim.sleep(Duration::from_secs(1)).await;
    }
}

/// Runs a test on a simulated machine.
pub fn simulated<F: Future<Output = ()>>(seed: u64, test: impl FnOnce(Sim, World) -> F) {
    let sim = new_sim(seed);
    let world = World::new();
    let main = test(sim.clone(), world);
    sim.run(main);
}

/// As [`simulated`], for days of the machine's time.
pub fn for_days<F: Future<Output = ()>>(seed: u64, test: impl FnOnce(Sim, World) -> F) {
    let sim = Sim::new(seed);
    sim.set_patience(Duration::from_secs(30 * 86_400));
    let main = test(sim.clone(), World::new());
    sim.run(main);
}

/// Waits until a run waits for a signal.
pub async fn waits<M: factum::Fsm>(run: &factum::Run<M, factum::Running>, sim: &Sim) {
    // Not for its deadline alone: something may still be done.
    let waits = |run: &factum::Run<M, factum::Running>| {
        run.info().waiting.iter().any(|waiting| matches!(waiting.on, factum::WaitingOn::Signal { .. }))
    };
    while !waits(run) {
        sim.sleep(Duration::from_millis(1)).await;
    }
}
