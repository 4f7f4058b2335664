//! What the scenarios' steps act on, and the steps that most of them use.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use factum::prelude::*;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// The outside world: it remembers what was done to it, by all processes. What is done has a name; what has this name
/// can be held, and can be made to fail.
#[derive(Clone)]
pub struct World {
    done: Arc<watch::Sender<Vec<String>>>,
    held: Arc<watch::Sender<Vec<(String, usize)>>>,
    failures: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl World {
    pub fn new() -> Self {
        World { done: Arc::default(), held: Arc::default(), failures: Arc::default() }
    }

    /// Something is done to the world.
    pub fn act(&self, what: impl Into<String>) {
        let what = what.into();
        self.done.send_modify(|done| done.push(what));
    }

    /// Everything that was done, in order.
    pub fn done(&self) -> Vec<String> {
        self.done.borrow().clone()
    }

    pub fn count(&self, what: &str) -> usize {
        self.done.borrow().iter().filter(|done| *done == what).count()
    }

    /// What was done of this, in order.
    pub fn done_of(&self, of: &str) -> Vec<String> {
        self.done().into_iter().filter(|done| done.contains(of)).collect()
    }

    /// Completes when something has been done `n` times.
    pub async fn happened(&self, what: &str, n: usize) {
        let mut done = self.done.subscribe();
        done.wait_for(|done| done.iter().filter(|d| *d == what).count() >= n).await.unwrap();
    }

    /// Whoever does this does not come to its end until it is let go.
    pub fn hold(&self, what: &str) {
        self.hold_from(what, 1);
    }

    /// As [`hold`](Self::hold), from the `n`th time on.
    pub fn hold_from(&self, what: &str, n: usize) {
        self.held.send_modify(|held| held.push((what.to_owned(), n)));
    }

    pub fn let_go(&self, what: &str) {
        self.held.send_modify(|held| held.retain(|(held, _)| held != what));
    }

    /// The next `n` times it fails.
    pub fn fail(&self, what: &str, n: usize) {
        self.failures.lock().unwrap().insert(what.to_owned(), n);
    }

    fn fails(&self, what: &str) -> bool {
        let mut failures = self.failures.lock().unwrap();
        let left = failures.get_mut(what).filter(|left| **left > 0);
        left.map(|left| *left -= 1).is_some()
    }

    /// Does it: notes it, is held if it is to be held, and fails if it is to fail.
    pub async fn perform(&self, what: &str) -> Result<(), Oops> {
        self.act(what);
        let time = self.count(what);
        let mut held = self.held.subscribe();
        held.wait_for(|held| !held.iter().any(|(of, from)| of == what && time >= *from)).await.unwrap();
        if self.fails(what) { Err(Oops::Failed(what.to_owned())) } else { Ok(()) }
    }

    /// How many have a hold on the world: who has the engine has it too.
    pub fn holders(&self) -> usize {
        Arc::strong_count(&self.done)
    }
}

/// The bodies that were begun, by the names that they were given: all machines share this process.
static BODIES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// What a body says that wants to be counted. No body can tell whether it is replayed.
pub fn body_begins(name: &str) {
    BODIES.lock().unwrap().push(name.to_owned());
}

pub fn bodies_begun(name: &str) -> usize {
    BODIES.lock().unwrap().iter().filter(|begun| *begun == name).count()
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum Oops {
    #[error("{0}")]
    Failed(String),
    #[error("timed out")]
    TimedOut,
}

impl From<TimedOut> for Oops {
    fn from(_: TimedOut) -> Self {
        Oops::TimedOut
    }
}

/// Acts on the world, and cannot be undone; gives the idempotency key that it had.
#[step]
pub async fn acts(io: &mut Io<World>, what: &str) -> String {
    // It may be held, but has no error.
    let _ = io.app().perform(what).await;
    io.key().to_string()
}

/// The same with an argument of its own, for many at once.
#[step]
pub async fn acts_on(io: &mut Io<World>, what: String) -> u64 {
    let _ = io.app().perform(&what).await;
    what.len() as u64
}

/// Acts on the world so that it can be undone, and fails if the world says so.
#[step(compensate = undoes(&output, &what), unknown = finds_out(&what))]
pub async fn does(io: &mut Io<World>, what: String) -> Result<String, Oops> {
    io.app().perform(&what).await?;
    Ok(format!("{what}'s receipt"))
}

/// As [`does`], with three attempts.
#[step(retry(attempts = 3, initial = "1ms", max = "2ms"), compensate = undoes(&output, &what), unknown = finds_out(&what))]
pub async fn insists(io: &mut Io<World>, what: String) -> Result<String, Oops> {
    io.app().perform(&what).await?;
    Ok(format!("{what}'s receipt"))
}

#[step(retry(attempts = 3, initial = "1ms", max = "2ms"))]
pub async fn undoes(io: &mut Io<World>, receipt: &str, what: &str) -> Result<(), Oops> {
    io.app().act(format!("with {receipt}"));
    io.app().perform(&format!("undo {what}")).await
}

/// Undoes what may have happened.
#[step]
pub async fn finds_out(io: &mut Io<World>, what: &str) -> Result<(), Oops> {
    io.app().perform(&format!("find out about {what}")).await
}

/// Refuses: everything before it is undone.
#[step]
pub async fn refuses(io: &mut Io<World>) -> Result<(), Oops> {
    io.app().act("refuses");
    Err(Oops::Failed("refused".to_owned()))
}

#[signal]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Go(pub u32);
