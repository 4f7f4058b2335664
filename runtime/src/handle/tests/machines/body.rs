//! A drawn machine as the engine runs it, and the world that its steps act on.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::draw::{Machine, Op, Step, Undo};

use crate::codec::{self, Payload};
use crate::engine::{BodyEnd, By, Host, Misfit, Since, Takes, Workflow};
use crate::fsm::{deadline, entering, takes};
use crate::id::Position;
use crate::io::Lent;
use crate::ops::{Cx, against, durable};
use crate::plan::WorkflowMeta;
use crate::platform::BoxFuture;
use crate::platform::sim::Sim;
use factum::prelude::*;

/// The world outside: what was done and undone in it, in order.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) acts: Arc<Mutex<Vec<(String, bool)>>>,
    pub(super) sim: Sim,
}

impl World {
    fn act(&self, label: &str, done: bool) {
        self.acts.lock().unwrap().push((label.to_owned(), done));
    }
}

/// A state: which one, and everything that the handlers before it were told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Value {
    pub(super) state: usize,
    pub(super) trail: Vec<Visit>,
}

/// A state that was left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Visit {
    pub(super) state: usize,
    /// When it was entered, as its handler's engine says.
    pub(super) entered: i64,
    pub(super) groups: Vec<(String, i64)>,
    pub(super) told: Vec<Told>,
    pub(super) exit: Exit,
}

/// What a handler was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Told {
    Signal(String, u32),
    Elapsed,
    Step(Result<String, Oops>),
    Slept,
    Drawn(u32),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Exit {
    /// To its `k`-th successor.
    Go(usize),
    Timeout(usize),
    /// It has failed.
    Fails,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Oops {
    Busy,
    No,
}

impl Oops {
    fn is_busy(&self) -> bool {
        *self == Oops::Busy
    }
}

/// What a step does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Work {
    label: String,
    fails: bool,
    flaky: bool,
    seconds: u64,
}

async fn work(io: &Io<World>, work: Work) -> Result<String, Oops> {
    if work.fails {
        io.app().sim.sleep(Duration::from_secs(work.seconds)).await;
        return Err(Oops::No);
    }
    if work.flaky && io.attempt() == 1 {
        return Err(Oops::Busy);
    }
    io.app().act(&work.label, true);
    if work.seconds > 0 {
        io.app().sim.sleep(Duration::from_secs(work.seconds)).await;
    }
    Ok(work.label)
}

#[step(retry(attempts = 9, initial = "10ms", when = Oops::is_busy))]
async fn plain(io: &mut Io<World>, of: Work) -> Result<String, Oops> {
    work(io, of).await
}

#[step(retry(attempts = 9, initial = "10ms", when = Oops::is_busy), compensate = undo(&of.label))]
pub(super) async fn finishes(io: &mut Io<World>, of: Work) -> Result<String, Oops> {
    work(io, of).await
}

#[step(retry(attempts = 9, initial = "10ms", when = Oops::is_busy), cancel = "abort", compensate = undo(&of.label))]
pub(super) async fn aborts(io: &mut Io<World>, of: Work) -> Result<String, Oops> {
    work(io, of).await
}

/// At first it cannot, sometimes.
#[step(retry(attempts = 99, initial = "10ms"))]
async fn undo(io: &mut Io<World>, label: &str) -> Result<(), Oops> {
    if io.attempt() % 2 == 1 && label.len().is_multiple_of(2) {
        return Err(Oops::Busy);
    }
    io.app().act(label, false);
    Ok(())
}

macro_rules! signals {
    ($($name:ident),*) => {$(
        #[signal]
        #[derive(Debug, Serialize, Deserialize)]
        pub(super) struct $name(pub(super) u32);
    )*};
}
signals!(A, B, C);

/// A drawn machine.
pub(super) struct Drawn {
    pub(super) machine: Arc<Machine>,
    pub(super) world: Arc<World>,
}

/// How a handler ended.
enum Ended {
    Goes(Vec<Told>, usize),
    Fails(Vec<Told>),
}

impl Workflow for Drawn {
    fn meta(&self) -> &'static WorkflowMeta {
        self.machine.meta
    }

    fn body(
        &self,
        host: Arc<dyn Host>,
        input: &Payload,
        root: Position,
        since: &Since,
    ) -> Result<BoxFuture<'static, BodyEnd>, Misfit> {
        let value: Value = codec::decode(input)?;
        let (machine, since) = (self.machine.clone(), since.clone());
        let cx = Cx::new(host, Arc::new(Lent(self.world.clone())), root);
        Ok(Box::pin(async move {
            let graph = machine.graph;
            let present = &graph.states[value.state];
            let ended = if let Some((timeout, moment)) = deadline(graph, present, &since) {
                let (machine, value) = (machine.clone(), value.clone());
                let body = move |inner: Cx<World>| -> BoxFuture<'_, Ended> {
                    Box::pin(async move { handle(&inner, &machine, &value).await })
                };
                let accepts: Vec<&'static str> = graph.accepted(present).collect();
                let fails = |ended: &Ended| matches!(ended, Ended::Fails(_));
                against(&cx, present.site, moment, &accepts, fails, body).await.ok_or(timeout)
            } else {
                Ok(handle(&cx, &machine, &value).await)
            };
            let (told, exit) = match ended {
                Ok(Ended::Goes(told, next)) => (told, Exit::Go(next)),
                Ok(Ended::Fails(told)) => (told, Exit::Fails),
                Err(timer) => (Vec::new(), Exit::Timeout(timer)),
            };
            let (next, timer) = match exit {
                Exit::Go(next) => (present.next[next], None),
                Exit::Timeout(timer) => (present.timeouts[timer].to, Some(timer)),
                Exit::Fails => (0, None),
            };
            let visit = Visit {
                state: value.state,
                entered: since.at.0,
                groups: since.groups.iter().map(|(group, since)| (group.to_string(), since.0)).collect(),
                told,
                exit,
            };
            if visit.exit == Exit::Fails {
                return BodyEnd::Failed(codec::encode(&visit).unwrap());
            }
            let mut value = Value { state: usize::from(next), trail: value.trail };
            value.trail.push(visit);
            let next = &graph.states[value.state];
            let entering = entering(graph, present, next, codec::encode(&value).unwrap(), timer);
            assert!(matches!(entering.by, By::Handler) == timer.is_none());
            BodyEnd::Enters(Box::new(entering))
        }))
    }

    fn takes(&self, state: Option<&str>, _: &Payload, signal: &str) -> Takes {
        takes(self.machine.graph, state, || None, signal)
    }
}

async fn handle(cx: &Cx<World>, machine: &Machine, value: &Value) -> Ended {
    let (visit, state) = (value.trail.len(), &machine.graph.states[value.state]);
    let mut told = Vec::new();
    if visit >= super::draw::FUEL {
        return Ended::Goes(told, state.next.len() - 1);
    }
    for (index, op) in machine.scripts[value.state].iter().enumerate() {
        match op {
            Op::Wait(signal) => told.push(wait(cx, *signal).await),
            Op::WaitFor(signal, seconds) => told.push(wait_for(cx, *signal, *seconds).await),
            Op::Either => told.push(match durable(cx, race((signal::<A>(), signal::<B>()))).await {
                First(A(n)) => Told::Signal("A".into(), n),
                Second(B(n)) => Told::Signal("B".into(), n),
            }),
            Op::Step(step) => told.push(Told::Step(perform(cx, visit, index, step).await)),
            Op::Beside(step, seconds) => {
                let sleeps = sleep(Duration::from_secs(*seconds));
                let work = of(visit, index, step);
                let done = match step.undo {
                    Undo::None => durable(cx, join((plain(work), sleeps))).await.0,
                    Undo::Finish => durable(cx, join((finishes(work), sleeps))).await.0,
                    Undo::Abort => durable(cx, join((aborts(work), sleeps))).await.0,
                };
                told.push(Told::Step(done));
            }
            Op::Sleep(seconds) => {
                durable(cx, sleep(Duration::from_secs(*seconds))).await;
                told.push(Told::Slept);
            }
            Op::Draw => told.push(Told::Drawn(durable(cx, random::<u32>()).await)),
        }
        let must = matches!(op, Op::Step(step) | Op::Beside(step, _) if step.must);
        if must && matches!(told.last(), Some(Told::Step(Err(_)))) {
            return Ended::Fails(told);
        }
    }
    let next = choice(&told, state.next.len());
    Ended::Goes(told, next)
}

/// Which successor a handler that was told all this goes to.
pub(super) fn choice(told: &[Told], successors: usize) -> usize {
    let sum: u64 = (1..)
        .zip(told)
        .map(|(place, told)| match told {
            Told::Signal(name, n) => place * (u64::from(*n) + name.len() as u64),
            Told::Elapsed => 3 * place,
            Told::Step(Ok(label)) => place * label.len() as u64,
            Told::Step(Err(_)) => 5 * place,
            Told::Slept => place,
            Told::Drawn(drawn) => u64::from(*drawn % 100),
        })
        .sum();
    // The end is the last: rarely at first.
    sum as usize % (2 * successors - 1) % successors
}

fn of(visit: usize, index: usize, step: &Step) -> Work {
    let undo = if step.undo == Undo::None { "stays" } else { "undone" };
    let label = format!("{visit:02}.{index} {undo}{}", "!".repeat(visit % 2));
    Work { label, fails: step.fails, flaky: step.flaky, seconds: step.seconds }
}

async fn perform(cx: &Cx<World>, visit: usize, index: usize, step: &Step) -> Result<String, Oops> {
    let work = of(visit, index, step);
    match step.undo {
        Undo::None => durable(cx, plain(work)).await,
        Undo::Finish => durable(cx, finishes(work)).await,
        Undo::Abort => durable(cx, aborts(work)).await,
    }
}

async fn wait(cx: &Cx<World>, which: usize) -> Told {
    match which {
        0 => Told::Signal("A".into(), durable(cx, signal::<A>()).await.0),
        1 => Told::Signal("B".into(), durable(cx, signal::<B>()).await.0),
        _ => Told::Signal("C".into(), durable(cx, signal::<C>()).await.0),
    }
}

async fn wait_for(cx: &Cx<World>, which: usize, seconds: u64) -> Told {
    let limit = Duration::from_secs(seconds);
    let told = |name: &str, n: Result<u32, _>| match n {
        Ok(n) => Told::Signal(name.into(), n),
        Err(factum::Elapsed { .. }) => Told::Elapsed,
    };
    match which {
        0 => told("A", durable(cx, signal::<A>().timeout(limit)).await.map(|signal| signal.0)),
        1 => told("B", durable(cx, signal::<B>().timeout(limit)).await.map(|signal| signal.0)),
        _ => told("C", durable(cx, signal::<C>().timeout(limit)).await.map(|signal| signal.0)),
    }
}
