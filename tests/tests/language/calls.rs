//! The process ends at every operation of the disk while a step makes three calls, and its undo two: no call whose answer
//! is on the disk is made again, and whatever a body did with a fact it did with one and the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use factum::prelude::*;
use factum::testing::Sim;
use factum::{Call, CallFailure, Event, Result, Transport};
use serde::{Deserialize, Serialize};

use crate::disk::{self, History, Left};
use crate::places::{Place, Scene, play};
use crate::rules;
use crate::world::{World, act};

const RUN: &str = "c";

/// What goes wrong: nothing, the step at last, the second call in every other attempt, and both.
const FAULTS: [(bool, bool); 4] = [(false, false), (true, false), (false, true), (true, true)];

/// The world answers with how often it was asked.
struct Asking(World);

#[derive(Debug, Serialize)]
struct Ask {
    label: String,
    fails: bool,
}

/// The answer to a call, which the disk's judge reads, too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub label: String,
    pub nth: usize,
}

#[derive(Debug, thiserror::Error)]
#[error("nobody knows")]
struct Unclear;

impl Transport for Asking {
    const NAMESPACE: &'static str = "ask";
    type Request = Ask;
    type Response = Answer;
    type Error = Unclear;

    async fn call(&self, request: &Ask, call: &Call) -> std::result::Result<Answer, Unclear> {
        let nth = self.0.called(call, &request.label);
        match request.fails && call.attempt() % 2 == 1 {
            true => Err(Unclear),
            false => Ok(Answer { label: request.label.clone(), nth }),
        }
    }

    fn is_unknown(_: &Unclear) -> bool {
        true
    }
}

async fn asked(io: &Io<World>, label: &str, fails: bool) -> std::result::Result<usize, CallFailure> {
    let transport = Asking(io.app().clone());
    let answer = io.call(&transport, Ask { label: label.to_owned(), fails }).await?;
    assert_eq!(answer.label, label);
    // What a body does with a fact nobody sees: it must be on the disk already.
    act(io, &format!("used {label}"), answer.nth);
    Ok(answer.nth)
}

#[step(
    retry(attempts = 99, initial = "10ms"),
    compensate = gives_back("back 1", "back 2"),
    unknown = gives_back("void 1", "void 2"),
)]
async fn three_calls(io: &mut Io<World>, unclear: bool) -> std::result::Result<Vec<usize>, CallFailure> {
    let first = asked(io, "call 1", false).await?;
    let id = io.uuid().await;
    act(io, "used uuid", id);
    let (second, third) = tokio::join!(asked(io, "call 2", unclear), asked(io, "call 3", false));
    let moment = io.now().await;
    act(io, "used now", format!("{moment:?}"));
    Ok(vec![first, second?, third?])
}

#[step(retry(attempts = 99, initial = "10ms"))]
async fn gives_back(io: &mut Io<World>, one: &str, two: &str) -> std::result::Result<(), CallFailure> {
    asked(io, one, false).await?;
    asked(io, two, true).await?;
    Ok(())
}

#[step]
async fn refuses(_io: &mut Io<World>) -> std::result::Result<(), CallFailure> {
    Err(CallFailure::from(factum::CallError::<Asking>::Ended))
}

#[saga(app = World)]
async fn calls(fails: bool, unclear: bool) -> std::result::Result<Vec<usize>, CallFailure> {
    let all = three_calls(unclear).await?;
    if fails {
        refuses().await?;
    }
    Ok(all)
}

struct Calls;

#[derive(Debug, Default)]
struct Told {
    opened: bool,
    started: bool,
    ended: bool,
}

impl Scene for Calls {
    const VARIABLE: &'static str = "FACTUM_CALLS";
    const FAULTS: usize = FAULTS.len();
    const RUNS: &'static [&'static str] = &[RUN];
    const STRIDE: u64 = 1;
    const RECOVERY: usize = 60;
    const LEAST: u64 = 20;

    type Told = Told;
    type Seen = (Option<Vec<usize>>, History);

    async fn process(sim: &Sim, world: &World, place: Place, told: &Mutex<Told>) -> Result<Self::Seen> {
        told.lock().unwrap().opened = false;
        let engine = disk::builder().app(world.clone()).saga(calls).sim(sim).open().await?;
        told.lock().unwrap().opened = true;
        let (fails, unclear) = FAULTS[place.fault as usize];
        let run = engine.start(calls(fails, unclear)).id(RUN).await?;
        told.lock().unwrap().started = true;
        let output = match run.outcome().await? {
            Outcome::Completed(run) => Some(run.output().clone()),
            Outcome::Failed(_) => None,
            other => panic!("{other:?}"),
        };
        told.lock().unwrap().ended = true;
        let history = disk::history(&engine.history(RUN).await?);
        engine.shutdown().await?;
        Ok((output, history))
    }

    fn has_opened(told: &Told) -> bool {
        told.opened
    }

    fn kept(told: &Told, now: &Left) {
        let empty = History::new();
        let run = now.runs.get(RUN).unwrap_or(&empty);
        assert!(!told.started || !run.is_empty(), "an acknowledged start is lost");
        let ended = run.iter().any(|(_, event)| matches!(event, Event::RunCompleted { .. } | Event::RunFailed { .. }));
        assert!(!told.ended || ended, "an end is lost");
    }

    fn judge(place: Place, (output, history): &Self::Seen, world: &World) {
        let broken = rules::broken(&disk::events(history));
        assert!(broken.is_empty(), "{broken:#?}");
        let (fails, _) = FAULTS[place.fault as usize];
        assert_eq!(output.is_none(), fails);
        let mut bound: BTreeMap<String, usize> = BTreeMap::new();
        for (_, event) in history {
            if let Event::FactBound { fact, value, .. } = event
                && fact.name.starts_with("call:")
            {
                let answer: Answer = serde_json::from_str(&value.to_text()).unwrap();
                assert_eq!(bound.insert(answer.label.clone(), answer.nth), None, "{answer:?} is bound twice");
            }
        }
        let calls = |what: [&str; 3]| what.map(|label| bound[label]).to_vec();
        if let Some(output) = output {
            assert_eq!(*output, calls(["call 1", "call 2", "call 3"]));
        } else {
            assert!(bound.contains_key("back 1") && bound.contains_key("back 2"), "{bound:?}");
            assert!(!bound.contains_key("void 1"));
        }
        // Everything that was done with a fact was done with what is bound.
        let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for act in world.acts() {
            if let Some((label, value)) = act.label.split_once('=') {
                used.entry(label.to_owned()).or_default().insert(value.to_owned());
            }
        }
        assert!(used.len() >= 5, "{used:?}");
        for (label, values) in &used {
            assert_eq!(values.len(), 1, "{label}: {values:?}");
            if let Some(nth) = label.strip_prefix("used ").and_then(|label| bound.get(label)) {
                assert!(values.contains(&nth.to_string()), "{label}: {values:?}, but {nth} is bound");
            }
        }
    }
}

#[test]
fn wherever_the_process_ends_no_call_whose_answer_is_on_the_disk_is_made_again() {
    play::<Calls>();
}
