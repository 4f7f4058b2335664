//! What the facts' steps act on: a world that counts, a transport that does as it is told, and machines to run on.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use factum::prelude::*;
use factum::testing::Sim;
use factum::{Builder, Call, Event, Transport};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

/// The outside world: it remembers everything, across engines.
#[derive(Clone)]
pub struct Outside {
    pub sim: Sim,
    done: Arc<Mutex<Vec<String>>>,
    /// What the next calls of the transport come to; then they succeed.
    script: Arc<Mutex<VecDeque<Act>>>,
    /// What the next attempts do when they have all their facts.
    pub ends: Arc<Mutex<VecDeque<End>>>,
    /// What was told and nobody has heard yet.
    told: Arc<Semaphore>,
    gate: Arc<Semaphore>,
    /// What is asked of the world, where code is to change.
    pub asks: Arc<Mutex<String>>,
}

/// How an attempt ends that has all its facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With an error.
    Fails,
    /// By a panic.
    Panics,
    /// Not at all.
    Hangs,
}

/// What a call of the transport comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Answer,
    /// A response that is no answer yet.
    Later,
    /// An error, after which nobody knows.
    Unclear,
    /// An error, with which nothing has happened.
    Refused,
    Panic,
    /// A panic before there is a future.
    PanicAtOnce,
    Never,
    /// A response that cannot be read back.
    Garbled,
    /// A response of so many bytes.
    Large(usize),
}

impl Outside {
    pub fn new(sim: &Sim) -> Outside {
        let shut = || Arc::new(Semaphore::new(0));
        Outside {
            sim: sim.clone(),
            done: Arc::default(),
            script: Arc::default(),
            ends: Arc::default(),
            told: shut(),
            gate: shut(),
            asks: Arc::default(),
        }
    }

    pub fn tell(&self) {
        self.told.add_permits(1);
    }

    /// Completes when something was told that nobody has heard.
    pub async fn hear(&self) {
        self.told.acquire().await.unwrap().forget();
    }

    /// Lets one go on that waits.
    pub fn let_go(&self) {
        self.gate.add_permits(1);
    }

    pub async fn wait(&self) {
        self.gate.acquire().await.unwrap().forget();
    }

    pub fn act(&self, what: impl Into<String>) {
        self.done.lock().unwrap().push(what.into());
    }

    pub fn done(&self) -> Vec<String> {
        self.done.lock().unwrap().clone()
    }

    pub fn count(&self, what: &str) -> usize {
        self.done().iter().filter(|done| *done == what).count()
    }

    /// What was done that begins so.
    pub fn done_of(&self, of: &str) -> Vec<String> {
        self.done().into_iter().filter(|done| done.starts_with(of)).collect()
    }

    pub fn script(&self, acts: impl IntoIterator<Item = Act>) {
        self.script.lock().unwrap().extend(acts);
    }

    pub fn ends(&self, ends: impl IntoIterator<Item = End>) {
        self.ends.lock().unwrap().extend(ends);
    }

    /// What the next call comes to.
    pub fn next_act(&self) -> Act {
        self.script.lock().unwrap().pop_front().unwrap_or(Act::Answer)
    }

    /// Completes, if it is to, when something was done.
    pub async fn fail_when(&self, is_to: bool, what: &str) {
        while !is_to || self.count(what) == 0 {
            self.sim.sleep(Duration::from_millis(1)).await;
        }
        // Long behind it.
        self.sim.sleep(Duration::from_secs(5)).await;
    }

    /// The end of an attempt, if it is to have one of its own.
    pub async fn end(&self) -> Result<(), Oops> {
        let end = self.ends.lock().unwrap().pop_front();
        match end {
            None => Ok(()),
            Some(End::Fails) => Err(Oops("not yet".into())),
            Some(End::Panics) => panic!("on purpose"),
            Some(End::Hangs) => {
                self.tell();
                std::future::pending().await
            }
        }
    }
}

/// Everything that goes wrong in a step, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{0}")]
pub struct Oops(pub String);

macro_rules! from {
    ($($error:ty),*) => {
        $(impl From<$error> for Oops {
            fn from(error: $error) -> Oops {
                Oops(error.to_string())
            }
        })*
    };
}
from!(factum::FactError, factum::CallFailure, factum::NoTransport, TimedOut);

impl<T: Transport> From<factum::CallError<T>> for Oops {
    fn from(error: factum::CallError<T>) -> Oops {
        Oops(error.to_string())
    }
}

/// Asks the world, which answers with how often it was asked.
#[derive(Clone)]
pub struct Asking(pub Outside);

#[derive(Debug, Clone, Serialize)]
pub struct Ask {
    pub what: String,
}

pub fn ask(what: &str) -> Ask {
    Ask { what: what.to_owned() }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    pub text: String,
    pub is_later: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_garbled: bool,
}

impl<'de> Deserialize<'de> for Answer {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Answer, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Form {
            text: String,
            is_later: bool,
        }
        let Form { text, is_later } = Form::deserialize(deserializer)?;
        Ok(Answer { text, is_later, is_garbled: false })
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    #[error("nobody knows whether it was heard")]
    Unclear,
    #[error("refused")]
    Refused,
}

impl Transport for Asking {
    const NAMESPACE: &'static str = "ask";
    type Request = Ask;
    type Response = Answer;
    type Error = NoAnswer;

    // Not an `async fn`, so that it can panic before there is a future.
    fn call(&self, request: &Ask, call: &Call) -> impl Future<Output = Result<Answer, NoAnswer>> + Send {
        let act = self.0.next_act();
        self.0.act(format!("ask {}", request.what));
        self.0.act(format!("key {} {}", request.what, call.key()));
        assert!(act != Act::PanicAtOnce, "at once");
        let times = self.0.count(&format!("ask {}", request.what));
        let text = format!("{} {times}", request.what);
        async move {
            let answer = Answer { text, is_later: false, is_garbled: false };
            match act {
                Act::Answer => Ok(answer),
                Act::Later => Ok(Answer { is_later: true, ..answer }),
                Act::Garbled => Ok(Answer { is_garbled: true, ..answer }),
                Act::Large(bytes) => Ok(Answer { text: "x".repeat(bytes), ..answer }),
                Act::Unclear => Err(NoAnswer::Unclear),
                Act::Refused => Err(NoAnswer::Refused),
                Act::Panic | Act::PanicAtOnce => panic!("in the middle"),
                Act::Never => std::future::pending().await,
            }
        }
    }

    fn binds(&self, response: &Answer) -> bool {
        !response.is_later
    }

    fn is_unknown(error: &NoAnswer) -> bool {
        *error == NoAnswer::Unclear
    }

    fn is_unknown_response(_: &Answer) -> bool {
        false
    }
}

/// An engine's builder on a simulated machine.
pub fn builder(sim: &Sim, world: &Outside) -> Builder<Outside> {
    let small = Engine::builder("/data").segment_bytes(64 << 10).checkpoint_interval(Duration::from_secs(2));
    small.app(world.clone()).sim(sim)
}

/// The facts of a run, in the order in which they were bound: where, key, what was asked, the value.
pub async fn facts(engine: &Engine, id: &str) -> Vec<(String, String, String, String)> {
    let history = engine.history(id).await.unwrap();
    let facts = history.iter().filter_map(|entry| match &entry.event {
        Event::FactBound { at, fact, asked, value, .. } => {
            Some((at.to_string(), fact.to_string(), asked.clone(), value.to_text()))
        }
        _ => None,
    });
    facts.collect()
}

/// Their keys alone.
pub async fn keys(engine: &Engine, id: &str) -> Vec<String> {
    facts(engine, id).await.into_iter().map(|(_, key, ..)| key).collect()
}
