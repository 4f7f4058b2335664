//! The world that survives every crash, and the steps that act on it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use factum::prelude::*;
use factum::testing::Sim;
use serde::{Deserialize, Serialize};

/// One act on the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    pub run: String,
    pub what: What,
    pub label: String,
    pub key: String,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Do,
    Undo,
    /// The undo of what perhaps was done.
    Void,
}

/// The world outside: it forgets nothing.
#[derive(Debug, Clone)]
pub struct World {
    acts: Arc<Mutex<Vec<Act>>>,
    /// What a step of a run, by its key, was given by chance.
    given: Arc<Mutex<BTreeMap<String, u64>>>,
    sim: Sim,
}

impl World {
    pub fn new(sim: &Sim) -> World {
        World { acts: Arc::default(), given: Arc::default(), sim: sim.clone() }
    }

    pub fn acts(&self) -> Vec<Act> {
        self.acts.lock().unwrap().clone()
    }

    pub fn did(&self, io: &Io<World>, label: &str) {
        self.act(io, What::Do, label);
    }

    /// Somebody calls; how often it was called.
    pub fn called(&self, call: &factum::Call, label: &str) -> usize {
        let (run, key) = (call.run_id().to_string(), call.key().to_string());
        let mut acts = self.acts.lock().unwrap();
        acts.push(Act { run, what: What::Do, label: label.to_owned(), key });
        acts.iter().filter(|act| act.label == label).count()
    }

    fn act(&self, io: &Io<World>, what: What, label: &str) {
        let (run, key) = (io.run_id().to_string(), io.key().to_string());
        self.acts.lock().unwrap().push(Act { run, what, label: label.to_owned(), key });
    }
}

/// A body does something with a value.
pub fn act(io: &Io<World>, label: &str, value: impl std::fmt::Display) {
    io.app().act(io, What::Do, &format!("{label}={value}"));
}

/// How a step ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum How {
    Well,
    /// Well, at every other attempt.
    Flaky,
    /// With an error that no further attempt mends.
    Refused,
    /// With an error, at every attempt.
    Hopeless,
    /// With an error behind which the act may stand.
    Unclear,
    /// Not within its timeout.
    Late,
}

impl How {
    /// What the body is told.
    pub fn end(self, label: &str) -> Result<(), Oops> {
        match self {
            How::Well | How::Flaky => Ok(()),
            How::Refused => Err(Oops::Refused(label.to_owned())),
            How::Hopeless => Err(Oops::Busy),
            How::Unclear => Err(Oops::Unclear),
            How::Late => Err(Oops::Late),
        }
    }
}

/// A step's work: its name in the world, how it ends, and how long it takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    pub label: String,
    pub how: How,
    pub millis: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Oops {
    Busy,
    Refused(String),
    Unclear,
    Late,
    Elapsed,
    Child(String),
}

impl Oops {
    fn is_transient(&self) -> bool {
        matches!(self, Oops::Busy | Oops::Late)
    }

    fn is_unclear(&self) -> bool {
        matches!(self, Oops::Unclear)
    }
}

impl From<TimedOut> for Oops {
    fn from(_: TimedOut) -> Oops {
        Oops::Late
    }
}

/// Some steps, and some undos, are given something by chance: the same in every attempt, by every process.
async fn given(io: &Io<World>, label: &str) {
    if label.len() % 3 == 1 {
        let value = io.random::<u64>().await;
        let before = *io.app().given.lock().unwrap().entry(io.key().to_string()).or_insert(value);
        assert_eq!(before, value, "`{label}` was given something else before");
    }
}

/// What a step does: it acts, takes its time, and ends as it is to end. Its output is its label.
async fn work(io: &Io<World>, work: &Work) -> Result<String, Oops> {
    given(io, &work.label).await;
    let world = io.app();
    match work.how {
        How::Refused => return Err(Oops::Refused(work.label.clone())),
        How::Hopeless => return Err(Oops::Busy),
        How::Flaky if io.attempt() % 2 == 1 => return Err(Oops::Busy),
        _ => world.act(io, What::Do, &work.label),
    }
    if work.millis > 0 {
        world.sim.sleep(Duration::from_millis(work.millis)).await;
    }
    match work.how {
        How::Late => std::future::pending().await,
        How::Unclear => Err(Oops::Unclear),
        _ => Ok(work.label.clone()),
    }
}

/// Nothing undoes it.
#[step(
    retry(attempts = 7, initial = "10ms", when = Oops::is_transient),
    timeout = "5s",
    unknown_when = Oops::is_unclear
)]
pub async fn plain(io: &mut Io<World>, of: Work) -> Result<String, Oops> {
    work(io, &of).await
}

/// Its undo serves for an unknown end, too.
#[step(
    retry(attempts = 7, initial = "10ms", when = Oops::is_transient),
    timeout = "5s",
    unknown_when = Oops::is_unclear,
    compensate = undo(&of.label)
)]
pub async fn undone(io: &mut Io<World>, of: Work) -> Result<String, Oops> {
    work(io, &of).await
}

/// A cancel drops it.
#[step(
    retry(attempts = 7, initial = "10ms", when = Oops::is_transient),
    timeout = "5s",
    unknown_when = Oops::is_unclear,
    cancel = "abort",
    compensate = undo(&of.label)
)]
pub async fn aborted(io: &mut Io<World>, of: Work) -> Result<String, Oops> {
    work(io, &of).await
}

/// Its undo needs the output; an unknown end has one of its own.
#[step(
    retry(attempts = 7, initial = "10ms", when = Oops::is_transient),
    timeout = "5s",
    unknown_when = Oops::is_unclear,
    compensate = undo(&output),
    unknown = void(&of.label)
)]
pub async fn by_output(io: &mut Io<World>, of: Work) -> Result<String, Oops> {
    work(io, &of).await
}

/// What perhaps was done stays.
#[step(
    retry(attempts = 7, initial = "10ms", when = Oops::is_transient),
    timeout = "5s",
    unknown_when = Oops::is_unclear,
    compensate = undo(&output),
    unknown = ignore
)]
pub async fn ignored(io: &mut Io<World>, of: Work) -> Result<String, Oops> {
    work(io, &of).await
}

/// It does nothing to the world, and need not be durable before it begins.
#[step(pure)]
pub async fn looked(of: Work) -> Result<String, Oops> {
    of.how.end(&of.label).map(|()| of.label.clone())
}

/// The undo of some labels fails at first.
#[step(retry(attempts = 9, initial = "10ms"))]
pub async fn undo(io: &mut Io<World>, label: &str) -> Result<(), Oops> {
    given(io, label).await;
    if io.attempt() % 2 == 1 && label.len().is_multiple_of(2) {
        return Err(Oops::Busy);
    }
    io.app().act(io, What::Undo, label);
    Ok(())
}

#[step(retry(attempts = 9, initial = "10ms"))]
pub async fn void(io: &mut Io<World>, label: &str) -> Result<(), Oops> {
    io.app().act(io, What::Void, label);
    Ok(())
}

/// What a run waits for.
#[factum::signal]
#[derive(Debug, Serialize, Deserialize)]
pub struct Go {
    pub n: u32,
}
