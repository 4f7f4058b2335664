//! A machine as `#[fsm]` and `#[state]` expand it, written by hand, on a simulated machine.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::engine::Status;
use crate::fsm::{Fsm as _, Handler, HandlerReturn, Next, State, Transition, go};
use crate::platform::sim::Sim;
use crate::record::{Event, Reason};
use factum::__private as p;
use factum::Update;
use factum::prelude::*;

#[signal]
#[derive(Debug, Serialize, Deserialize)]
struct Pay(u32);

#[signal]
#[derive(Debug, Serialize, Deserialize)]
struct Cancel;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Order {
    Placed { total: u32 },
    Paid { total: u32, paid: u32 },
    Shipped(String),
    Cancelled,
    Expired,
}

struct Placed {
    total: u32,
}
struct Paid {
    total: u32,
    paid: u32,
}
struct Shipped(String);
struct Cancelled;
struct Expired;

enum PlacedNext {
    Paid(Paid),
    Cancelled(Cancelled),
}
enum PaidNext {
    Paid(Paid),
    Shipped(Shipped),
}

macro_rules! into_order {
    ($($from:pat => $ty:ty, $to:expr;)*) => {
        $(impl From<$ty> for Order { fn from($from: $ty) -> Order { $to } })*
    };
}
into_order! {
    Placed { total } => Placed, Order::Placed { total };
    Paid { total, paid } => Paid, Order::Paid { total, paid };
    Shipped(tracking) => Shipped, Order::Shipped(tracking);
    Cancelled => Cancelled, Order::Cancelled;
    Expired => Expired, Order::Expired;
}
impl From<PlacedNext> for Order {
    fn from(next: PlacedNext) -> Order {
        match next {
            PlacedNext::Paid(state) => state.into(),
            PlacedNext::Cancelled(state) => state.into(),
        }
    }
}
impl From<PaidNext> for Order {
    fn from(next: PaidNext) -> Order {
        match next {
            PaidNext::Paid(state) => state.into(),
            PaidNext::Shipped(state) => state.into(),
        }
    }
}

const NOTHING: p::StateMeta = p::StateMeta {
    name: "",
    site: p::Site::new(p::file!(), p::line!()),
    initial: false,
    terminal: true,
    commit: false,
    next: &[],
    timeouts: &[],
    group: None,
    signals: b"rr",
    plan: &p::Plan::Seq(&[]),
    exits: &[],
};
const GRAPH: p::Graph = p::Graph {
    states: &[
        p::StateMeta {
            name: "Placed",
            initial: true,
            terminal: false,
            next: &[1, 3],
            timeouts: &[p::TimeoutMeta { after: Duration::from_secs(3 * 86400), to: 4, group: None }],
            group: Some(0),
            signals: b"AA",
            plan: <Placed as Handler>::PLAN,
            ..NOTHING
        },
        p::StateMeta {
            name: "Paid",
            terminal: false,
            commit: true,
            next: &[1, 2],
            timeouts: &[p::TimeoutMeta { after: Duration::from_secs(30 * 86400), to: 4, group: Some(0) }],
            group: Some(0),
            signals: b"Ar",
            plan: <Paid as Handler>::PLAN,
            ..NOTHING
        },
        p::StateMeta { name: "Shipped", ..NOTHING },
        p::StateMeta { name: "Cancelled", ..NOTHING },
        p::StateMeta { name: "Expired", ..NOTHING },
    ],
    groups: &[p::GroupMeta { name: "Open", parent: None }],
    signals: &["Pay", "Cancel"],
    drawing: p::Drawing { mermaid: "", dot: "", table: "" },
};
const PLAN: p::Plan = p::Plan::Machine(&GRAPH);
static META: p::WorkflowMeta = p::WorkflowMeta {
    name: "Order",
    version: 1,
    site: p::Site::new(p::file!(), p::line!()),
    identity: p::TypeId::of::<Order>,
    plan: &PLAN,
    fingerprint: p::fingerprint("Order", 1, &PLAN),
    concurrency: None,
    strict: false,
    exits: &[],
};
const PROBLEMS: p::GraphProblems = p::graph_problems(&GRAPH);
const _: () = p::refuse_state(&PROBLEMS, 0);

impl p::WorkflowSig for Order {
    type Output = Order;
    type Error = String;
    const NAME: &'static str = "Order";
    const VERSION: u32 = 1;
    const PLAN: &'static p::Plan = &PLAN;
    fn meta() -> &'static p::WorkflowMeta {
        &META
    }
}
impl p::Fsm for Order {
    type App = p::NoApp;
    const GRAPH: &'static p::Graph = &GRAPH;
    fn index(&self) -> usize {
        match self {
            Order::Placed { .. } => 0,
            Order::Paid { .. } => 1,
            Order::Shipped(_) => 2,
            Order::Cancelled => 3,
            Order::Expired => 4,
        }
    }
}
impl<A: Send + Sync + 'static> p::FsmOn<A> for Order {
    fn visit(self, visit: p::Visit<A>) -> p::BoxFuture<'static, Result<p::Turn<Self>, String>> {
        let visit = visit.without_app();
        match self {
            Order::Placed { total } => p::visit(visit, Placed { total }),
            Order::Paid { total, paid } => p::visit(visit, Paid { total, paid }),
            ended => p::ended(ended),
        }
    }
}

impl State for Placed {
    type Machine = Order;
    type Itself = Self;
    type Successor = PlacedNext;
    const NAME: &'static str = "Placed";
    const INDEX: usize = 0;
    const TERMINAL: bool = false;
    const ACCEPTS: &'static [&'static str] = &["Pay", "Cancel"];
    const TIMEOUTS: &'static [fn(Order) -> Order] = &[|_| Expired.into()];
}
impl State for Paid {
    type Machine = Order;
    type Itself = Self;
    type Successor = PaidNext;
    const NAME: &'static str = "Paid";
    const INDEX: usize = 1;
    const TERMINAL: bool = false;
    const ACCEPTS: &'static [&'static str] = &["Pay"];
    const TIMEOUTS: &'static [fn(Order) -> Order] = &[|_| Expired.into()];
}
impl Transition<Paid> for Placed {
    fn successor(to: Paid) -> PlacedNext {
        PlacedNext::Paid(to)
    }
}
impl Transition<Cancelled> for Placed {
    fn successor(to: Cancelled) -> PlacedNext {
        PlacedNext::Cancelled(to)
    }
}
impl Transition<Paid> for Paid {
    fn successor(to: Paid) -> PaidNext {
        PaidNext::Paid(to)
    }
}
impl Transition<Shipped> for Paid {
    fn successor(to: Shipped) -> PaidNext {
        PaidNext::Shipped(to)
    }
}
impl p::Startable for Placed {
    type Workflow = Order;
    fn into_start(self) -> p::StartArgs {
        p::start_state(&Order::from(self))
    }
}

impl Handler for Placed {
    type Of = Order;
    const PLAN: &'static p::Plan = &p::Plan::Seq(&[p::Plan::Signal("Pay"), p::Plan::Signal("Cancel")]);
    const EXITS: &'static [p::Exit] = &[];
    fn handle<'c>(cx: &'c p::Cx<p::NoApp>, state: Self) -> p::BoxFuture<'c, Result<Order, String>> {
        async fn body(cx: &p::Cx<p::NoApp>, state: Placed) -> Result<Next<Placed>, String> {
            match p::durable(cx, race((signal::<Pay>(), signal::<Cancel>()))).await {
                First(Pay(0)) => Err("nothing paid".to_owned()),
                First(Pay(paid)) => Ok(go(Paid { total: state.total, paid })),
                Second(Cancel) => Ok(go(Cancelled)),
            }
        }
        Box::pin(async move { HandlerReturn::<Placed>::into_result(body(cx, state).await) })
    }
}
impl Handler for Paid {
    type Of = Order;
    const PLAN: &'static p::Plan = &p::Plan::Signal("Pay");
    const EXITS: &'static [p::Exit] = &[];
    fn handle<'c>(cx: &'c p::Cx<p::NoApp>, state: Self) -> p::BoxFuture<'c, Result<Order, String>> {
        async fn body(cx: &p::Cx<p::NoApp>, state: Paid) -> Result<Next<Paid>, String> {
            let Paid { total, paid } = state;
            if paid >= total {
                return Ok(go(Shipped(format!("track-{paid}"))));
            }
            let Pay(more) = p::durable(cx, signal::<Pay>()).await;
            Ok(go(Paid { total, paid: paid + more }))
        }
        Box::pin(async move { HandlerReturn::<Paid>::into_result(body(cx, state).await) })
    }
}

fn opened(sim: &Sim) -> factum::Builder {
    Engine::builder("data").sim(sim).fsm::<Order>()
}

#[test]
fn a_machine_goes_from_state_to_state_over_restarts() {
    let sim = Sim::new(1);
    sim.run(async {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (enters, exits) = (seen.clone(), seen.clone());
        let hooked = opened(&sim)
            .on_enter(move |_, state: &Order| enters.lock().unwrap().push(format!("in {state:?}")))
            .on_exit(move |_, state: &Order| exits.lock().unwrap().push(format!("out {state:?}")));
        let engine = hooked.open().await.unwrap();
        let run = engine.start(Placed { total: 5 }).id("o").await.unwrap();
        let mut watch = run.watch();
        assert_eq!(engine.state::<Order>("o").await.unwrap(), Order::Placed { total: 5 });
        run.signal(Pay(2)).await.unwrap();
        loop {
            match watch.next().await.unwrap() {
                Update::State(state) if state.name() == "Paid" => {
                    assert_eq!(state.reason(), Some(&Reason::Signal { name: "Pay".into() }));
                    assert_eq!(state.decode::<Order>().unwrap(), Order::Paid { total: 5, paid: 2 });
                    break;
                }
                _ => {}
            }
        }
        let refused = run.signal(Cancel).await.unwrap_err();
        assert_eq!(refused.to_string(), "run `o` is in state `Paid`, which rejects signal `Cancel`; it accepts `Pay`");
        assert!(engine.cancel("o").await.is_err(), "what is committed is not cancelled");
        drop((run, watch));
        engine.shutdown().await.unwrap();
        assert_eq!(
            *seen.lock().unwrap(),
            ["in Placed { total: 5 }", "out Placed { total: 5 }", "in Paid { total: 5, paid: 2 }"]
        );

        let engine = opened(&sim).open().await.unwrap();
        assert_eq!(engine.state::<Order>("o").await.unwrap(), Order::Paid { total: 5, paid: 2 });
        engine.signal("o", Pay(3)).await.unwrap();
        let run = engine.attach_fsm::<Order>("o").await.unwrap();
        let Outcome::Completed(done) = run.outcome().await.unwrap() else { panic!("not completed") };
        assert_eq!(done.output(), &Order::Shipped("track-5".into()));
        assert_eq!(run.state().unwrap(), Order::Shipped("track-5".into()));
        assert_eq!(run.state().unwrap().state_name(), "Shipped");
        assert_eq!((done.output().accepts(), Order::Placed { total: 1 }.accepts()), (vec![], vec!["Pay", "Cancel"]));
        assert_eq!(Order::state_names(), ["Placed", "Paid", "Shipped", "Cancelled", "Expired"]);
        let history = engine.history("o").await.unwrap();
        assert!(history.iter().any(|entry| matches!(&entry.event, Event::StateEntered { .. })));
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_timeout_moves_a_machine_that_waits() {
    let sim = Sim::new(2);
    sim.run(async {
        let engine = opened(&sim).open().await.unwrap();
        let run = engine.start(Placed { total: 5 }).id("o").await.unwrap();
        let begun = sim.now();
        let Outcome::Completed(done) = run.outcome().await.unwrap() else { panic!("not completed") };
        assert_eq!(done.output(), &Order::Expired);
        assert_eq!(sim.now().since(begun).as_secs() / 3600, 72);
        // The group's time counts from its first state on.
        let run = engine.start(Placed { total: 5 }).id("p").await.unwrap();
        let begun = sim.now();
        sim.sleep(Duration::from_secs(2 * 86400)).await;
        run.signal(Pay(1)).await.unwrap();
        let Outcome::Completed(done) = run.outcome().await.unwrap() else { panic!("not completed") };
        assert_eq!(done.output(), &Order::Expired);
        let days = sim.now().since(begun).as_secs() / 86400;
        assert_eq!(days, 30);
        let ended = engine.list().state("Expired").await.unwrap();
        assert_eq!(ended.iter().map(|run| run.id.as_str()).collect::<Vec<_>>(), ["o", "p"]);
        let failed = engine.start(Placed { total: 5 }).id("q").await.unwrap();
        assert_eq!(failed.info().state.as_deref(), Some("Placed"));
        assert_eq!(engine.list().state("Placed").await.unwrap()[0].id.as_str(), "q");
        failed.signal(Pay(0)).await.unwrap();
        let Outcome::Failed(failed) = failed.outcome().await.unwrap() else { panic!("not failed") };
        assert_eq!(failed.info().status, Status::Failed);
        assert_eq!(failed.state().unwrap(), Order::Placed { total: 5 });
        engine.shutdown().await.unwrap();
    });
}

/// Two states of one form, as serde has it, and a handler that waits for what its state does not accept.
mod twisted {
    use super::*;

    #[fsm]
    #[ignore]
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(from = "String", into = "String")]
    enum Light {
        #[initial]
        #[next(Green, Waits)]
        #[accepts(Pay)]
        Red,
        #[next(Off)]
        Green,
        #[next(Off)]
        Waits,
        #[terminal]
        Off,
    }

    impl From<String> for Light {
        fn from(text: String) -> Light {
            if text == "Waits" { Light::Waits } else { Light::Red }
        }
    }
    impl From<Light> for String {
        fn from(light: Light) -> String {
            format!("{light:?}")
        }
    }

    #[state]
    async fn red(_: light::Red) -> Next<light::Red> {
        match signal::<Pay>().await {
            Pay(0) => go(light::Waits),
            Pay(_) => go(light::Green),
        }
    }

    #[state]
    async fn green(_: light::Green) -> Next<light::Green> {
        go(light::Off)
    }

    /// What it waits for its plan does not say.
    #[saga]
    async fn hidden() {
        let pay = signal::<Pay>();
        let Pay(_) = pay.await;
    }

    #[state]
    async fn waits(_: light::Waits) -> Next<light::Waits> {
        hidden().await;
        go(light::Off)
    }

    #[test]
    fn what_would_not_be_read_back_or_never_come_fails_the_run_and_says_why() {
        let sim = Sim::new(3);
        sim.run(async {
            let engine = Engine::builder("data").sim(&sim).fsm::<Light>().open().await.unwrap();
            let problem = async |pay| {
                let id = format!("light-{pay}");
                let run = engine.start(light::Red).id(id).await.unwrap();
                run.signal(Pay(pay)).await.unwrap();
                let Outcome::Failed(run) = run.outcome().await.unwrap() else { panic!("not failed") };
                run.info().problem.unwrap()
            };
            let text = problem(1).await;
            assert!(text.contains("state `Green` would be read back as `Red`: serde gives both one form"), "{text}");
            let text = problem(0).await;
            let why = "the handler of state `Waits` waits for signal `Pay`, which the state does not accept";
            assert!(text.contains(why), "{text}");
            engine.shutdown().await.unwrap();
        });
    }
}
