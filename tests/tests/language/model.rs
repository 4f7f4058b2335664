//! A tree, interpreted without an engine: what a run of it may have recorded, and how it may have ended.
//!
//! What chance and time decide (which branch won, whether a signal came in time, how far a run came that was cancelled) is
//! taken from the record; everything else follows from the tree alone.

use std::collections::{BTreeMap, BTreeSet};

use factum::{Cause, Event, Payload};

use crate::tree::{Does, Kind, Node};
use crate::world::{Act, Oops, What, Work};

/// What is recorded of a step.
#[derive(Debug, Default)]
struct Step {
    name: String,
    end: Option<Result<String, Option<Oops>>>,
}

/// How a wait ended.
#[derive(Debug, PartialEq)]
enum Wait {
    Open,
    Elapsed,
    Taken,
}

/// What a run has recorded, by position.
#[derive(Debug, Default)]
struct Record {
    steps: BTreeMap<String, Step>,
    scopes: BTreeMap<String, Option<bool>>,
    won: BTreeMap<String, u32>,
    waits: BTreeMap<String, Wait>,
    undone: BTreeSet<String>,
    /// A cancel was asked for before the run had decided its end.
    cancelled: bool,
    decided: Option<Cause>,
    ended: Option<End>,
    received: usize,
}

/// How a run has ended.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    Completed,
    Failed(Option<Oops>),
    Cancelled,
}

fn decode<T: serde::de::DeserializeOwned>(payload: &Payload) -> T {
    serde_json::from_slice(payload.bytes().unwrap()).unwrap()
}

fn oops(cause: &Cause) -> Option<Oops> {
    match cause {
        Cause::Error { error, .. } | Cause::TimedOut { error, .. } => Some(decode(error)),
        _ => None,
    }
}

impl Record {
    fn of(events: &[Event]) -> Record {
        let mut record = Record::default();
        for event in events {
            match event {
                Event::StepAttempted { at, step, .. } => {
                    record.steps.entry(at.to_string()).or_default().name = step.to_string();
                }
                Event::StepDone { at, output, .. } => {
                    record.steps.entry(at.to_string()).or_default().end = Some(Ok(decode(output)));
                }
                Event::StepFailed { at, cause, .. } => {
                    record.steps.entry(at.to_string()).or_default().end = Some(Err(oops(cause)));
                }
                Event::ScopeEntered { at, .. } => {
                    record.scopes.insert(at.to_string(), None);
                }
                Event::ScopeLeft { at, result, .. } => {
                    record.scopes.insert(at.to_string(), Some(result.is_ok()));
                }
                Event::BranchWon { at, branch, .. } => {
                    record.won.insert(at.to_string(), *branch);
                }
                Event::TimerSet { at, .. } => {
                    record.waits.insert(at.to_string(), Wait::Open);
                }
                Event::TimerFired { at, .. } => {
                    record.waits.insert(at.to_string(), Wait::Elapsed);
                }
                Event::SignalConsumed { at, .. } => {
                    record.waits.insert(at.to_string(), Wait::Taken);
                }
                Event::SignalReceived { .. } => record.received += 1,
                Event::CompensationDone { of, .. } => {
                    record.undone.insert(of.to_string());
                }
                Event::CancelRequested { .. } => record.cancelled |= record.decided.is_none(),
                Event::RollbackDecided { scope, cause, .. } if scope.parts().next().is_none() => {
                    record.decided = Some(cause.clone());
                }
                Event::RunCompleted { .. } => record.ended = Some(End::Completed),
                Event::RunFailed { .. } => {
                    record.ended = Some(End::Failed(record.decided.as_ref().and_then(oops)));
                }
                Event::RunCancelled { .. } => record.ended = Some(End::Cancelled),
                _ => {}
            }
        }
        record
    }
}

/// How far a body came.
#[derive(Debug, Clone, PartialEq)]
enum Flow {
    Ended(Result<(), Oops>),
    /// It was stopped before its end.
    Cut,
}

struct Model<'r> {
    record: &'r Record,
    /// Every position that the tree has.
    seen: BTreeSet<String>,
    /// The labels of the steps, with their positions and kinds.
    labels: BTreeMap<String, (String, Kind)>,
    /// The positions of what must not stay done when the run has ended: what failed scopes did, and branches that lost.
    taken_back: Vec<String>,
    broken: Vec<String>,
}

/// Whatever a run that has ended did that its tree does not allow. Nothing is good.
pub fn judge(nodes: &[Node], events: &[Event], acts: &[Act]) -> Vec<String> {
    let record = Record::of(events);
    let mut model = Model {
        record: &record,
        seen: BTreeSet::new(),
        labels: BTreeMap::new(),
        taken_back: Vec::new(),
        broken: Vec::new(),
    };
    let flow = model.scope(nodes, "");
    model.end(&flow);
    model.world(acts);
    model.broken
}

/// Whether a position stands in a scope or branch, which is its text.
fn is_within(at: &str, scope: &str) -> bool {
    scope.is_empty() || at.strip_prefix(scope).is_some_and(|rest| rest.starts_with(['.', '/']))
}

impl Model<'_> {
    fn say(&mut self, rule: String) {
        self.broken.push(rule);
    }

    fn scope(&mut self, nodes: &[Node], scope: &str) -> Flow {
        for (ordinal, node) in nodes.iter().enumerate() {
            let at = if scope.is_empty() { ordinal.to_string() } else { format!("{scope}.{ordinal}") };
            match self.node(&node.does, &at) {
                Flow::Cut => {
                    self.untouched(nodes, scope, ordinal + 1);
                    return Flow::Cut;
                }
                Flow::Ended(Err(error)) if !node.handled => {
                    self.untouched(nodes, scope, ordinal + 1);
                    return Flow::Ended(Err(error));
                }
                Flow::Ended(_) => {}
            }
        }
        Flow::Ended(Ok(()))
    }

    /// What the body never came to has no record.
    fn untouched(&mut self, nodes: &[Node], scope: &str, from: usize) {
        for ordinal in from..nodes.len() {
            let at = if scope.is_empty() { ordinal.to_string() } else { format!("{scope}.{ordinal}") };
            let touched = self.positions().find(|known| **known == at || is_within(known, &at)).cloned();
            if let Some(touched) = touched {
                self.say(format!("{touched} is recorded, and the body never came to {at}"));
                self.seen.insert(touched);
            }
        }
    }

    fn positions(&self) -> impl Iterator<Item = &String> {
        let Record { steps, scopes, won, waits, .. } = self.record;
        steps.keys().chain(scopes.keys()).chain(won.keys()).chain(waits.keys())
    }

    fn node(&mut self, does: &Does, at: &str) -> Flow {
        self.seen.insert(at.to_owned());
        match does {
            Does::Step(kind, work) => self.step(*kind, work, at),
            Does::Nested(nodes) => self.nested(nodes, at),
            Does::Join(branches) | Does::All(branches, _) => {
                let flows = self.branches(branches, at);
                self.together(flows)
            }
            Does::AllSteps(works) => {
                let flows = self.steps(works, at);
                self.together(flows)
            }
            Does::TryAll(branches, _) => {
                let flows = self.branches(branches, at);
                self.until_one_fails(flows, at)
            }
            Does::TrySteps(works) => {
                let flows = self.steps(works, at);
                self.until_one_fails(flows, at)
            }
            Does::Race(branches) => {
                let flows = self.branches(branches, at);
                self.first(flows, at)
            }
            Does::StepOrSleep(work, _) => {
                let step = self.step(Kind::Aborted, work, &format!("{at}/0.0"));
                let sleep = self.sleep(&format!("{at}/1.0"));
                self.first(vec![step, sleep], at)
            }
            Does::SignalOrSleep(_) => {
                let signal = self.wait(&format!("{at}/0.0"), false);
                let sleep = match self.sleep(&format!("{at}/1.0")) {
                    Flow::Ended(_) => Flow::Ended(Err(Oops::Elapsed)),
                    Flow::Cut => Flow::Cut,
                };
                self.first(vec![signal, sleep], at)
            }
            Does::Sleep(_) => self.sleep(at),
            Does::Wait(limit) => self.wait(at, limit.is_some()),
        }
    }

    fn step(&mut self, kind: Kind, work: &Work, at: &str) -> Flow {
        self.seen.insert(at.to_owned());
        self.labels.insert(work.label.clone(), (at.to_owned(), kind));
        let Some(step) = self.record.steps.get(at) else { return Flow::Cut };
        if step.name != kind.name() {
            self.say(format!("step `{}` at {at} instead of `{}`", step.name, kind.name()));
        }
        let wanted = work.how.end(&work.label);
        match &step.end {
            None => Flow::Cut,
            Some(end) => {
                let told = end.clone().map(drop).map_err(|error| error.unwrap_or(Oops::Busy));
                let label = end.as_ref().is_ok_and(|label| *label != work.label);
                if told != wanted || label || matches!(end, Err(None)) {
                    self.say(format!("{at}: {end:?} instead of {wanted:?} of `{}`", work.label));
                }
                Flow::Ended(wanted)
            }
        }
    }

    fn nested(&mut self, nodes: &[Node], at: &str) -> Flow {
        self.seen.insert(at.to_owned());
        let flow = self.scope(nodes, at);
        let left = self.record.scopes.get(at).copied();
        match (left, &flow) {
            (None, _) => {
                if nodes.iter().enumerate().any(|(n, _)| self.positions().any(|known| *known == format!("{at}.{n}"))) {
                    self.say(format!("{at} has records, and was not entered"));
                }
                Flow::Cut
            }
            // Stopped before it could be left.
            (Some(None), _) => Flow::Cut,
            (Some(Some(_)), Flow::Cut) => {
                self.say(format!("{at} was left, and its body never ended"));
                Flow::Cut
            }
            (Some(Some(well)), Flow::Ended(result)) => {
                if well != result.is_ok() {
                    self.say(format!(
                        "{at} was left {} instead of {result:?}",
                        if well { "well" } else { "with an error" }
                    ));
                }
                if !well {
                    self.taken_back.push(at.to_owned());
                }
                flow
            }
        }
    }

    fn branches(&mut self, branches: &[Vec<Node>], at: &str) -> Vec<Flow> {
        (0..).zip(branches).map(|(index, nodes): (usize, _)| self.nested(nodes, &format!("{at}/{index}.0"))).collect()
    }

    fn steps(&mut self, works: &[Work], at: &str) -> Vec<Flow> {
        (0..)
            .zip(works)
            .map(|(index, work): (usize, _)| self.step(Kind::Undone, work, &format!("{at}/{index}.0")))
            .collect()
    }

    /// All of them to their ends; the first error counts.
    fn together(&mut self, flows: Vec<Flow>) -> Flow {
        let mut first = Ok(());
        for flow in flows {
            match flow {
                Flow::Cut => return Flow::Cut,
                Flow::Ended(result) => first = first.and(result),
            }
        }
        Flow::Ended(first)
    }

    fn until_one_fails(&mut self, flows: Vec<Flow>, at: &str) -> Flow {
        match self.record.won.get(at) {
            Some(won) => match flows.get(*won as usize) {
                Some(Flow::Ended(Err(error))) => self.lost(at, *won, Err(error.clone())),
                other => {
                    self.say(format!("branch {won} of {at} is to have failed, and is {other:?}"));
                    Flow::Cut
                }
            },
            None if flows.iter().any(|flow| matches!(flow, Flow::Ended(Err(_)))) => Flow::Cut,
            None => self.together(flows),
        }
    }

    fn first(&mut self, flows: Vec<Flow>, at: &str) -> Flow {
        let Some(won) = self.record.won.get(at).copied() else { return Flow::Cut };
        match flows.get(won as usize) {
            Some(Flow::Ended(result)) => self.lost(at, won, result.clone()),
            other => {
                self.say(format!("branch {won} of {at} is to have won, and is {other:?}"));
                Flow::Cut
            }
        }
    }

    /// All branches but one have lost.
    fn lost(&mut self, at: &str, won: u32, result: Result<(), Oops>) -> Flow {
        let winner = format!("{at}/{won}");
        let lost: Vec<String> =
            self.record.steps.keys().filter(|step| is_within(step, at) && !is_within(step, &winner)).cloned().collect();
        self.taken_back.extend(lost);
        Flow::Ended(result)
    }

    fn sleep(&mut self, at: &str) -> Flow {
        self.seen.insert(at.to_owned());
        match self.record.waits.get(at) {
            Some(Wait::Elapsed) => Flow::Ended(Ok(())),
            Some(Wait::Taken) => {
                self.say(format!("{at} took a signal, and is a sleep"));
                Flow::Cut
            }
            Some(Wait::Open) | None => Flow::Cut,
        }
    }

    fn wait(&mut self, at: &str, limited: bool) -> Flow {
        self.seen.insert(at.to_owned());
        match self.record.waits.get(at) {
            Some(Wait::Taken) => Flow::Ended(Ok(())),
            Some(Wait::Elapsed) if limited => Flow::Ended(Err(Oops::Elapsed)),
            Some(Wait::Elapsed) => {
                self.say(format!("{at} has no limit, and elapsed"));
                Flow::Cut
            }
            Some(Wait::Open) | None => Flow::Cut,
        }
    }

    /// How the run had to end.
    fn end(&mut self, flow: &Flow) {
        let strays: Vec<String> = self.positions().filter(|at| !self.seen.contains(*at)).cloned().collect();
        if !strays.is_empty() {
            self.say(format!("recorded where the tree has nothing: {}", strays.join(", ")));
        }
        let wanted = match flow {
            _ if self.record.decided == Some(Cause::DeadlineExceeded) => End::Failed(None),
            _ if self.record.cancelled => End::Cancelled,
            Flow::Ended(Ok(())) => End::Completed,
            Flow::Ended(Err(error)) => End::Failed(Some(error.clone())),
            Flow::Cut => return self.say(format!("{:?}, and the body never came to its end", self.record.ended)),
        };
        if self.record.ended.as_ref() != Some(&wanted) {
            self.say(format!("ended as {:?} instead of {wanted:?}", self.record.ended));
        }
    }

    /// What stands in the world is what the record says.
    fn world(&mut self, acts: &[Act]) {
        let all = self.record.ended != Some(End::Completed);
        for (label, (at, kind)) in self.labels.clone() {
            let mut of = acts.iter().filter(|act| act.label == label).map(|act| act.what);
            let did = of.clone().any(|what| what == What::Do);
            let recorded = self.record.steps.get(&at);
            if did && recorded.is_none() {
                self.say(format!("`{label}` was done at {at}, and that is not recorded"));
            }
            let done = recorded.is_some_and(|step| matches!(step.end, Some(Ok(_))));
            let back = all || self.taken_back.iter().any(|scope| *scope == at || is_within(&at, scope));
            let undone = self.record.undone.contains(&at);
            if undone && !back {
                self.say(format!("`{label}` at {at} was undone, and nothing asked for that"));
            }
            let wanted = match kind {
                Kind::Plain | Kind::Looked => false,
                Kind::Ignored => back && done,
                Kind::Undone | Kind::Aborted | Kind::ByOutput => back && did,
            };
            if wanted && !undone {
                self.say(format!("`{label}` at {at} was not undone"));
            }
            let last = of.next_back();
            if wanted && did && !matches!(last, Some(What::Undo | What::Void)) {
                self.say(format!("`{label}` at {at} stands in the world: {last:?}"));
            }
            if !undone && acts.iter().any(|act| act.label == label && act.what != What::Do) {
                self.say(format!("`{label}` at {at} was undone in the world, and that is not recorded"));
            }
            if kind == Kind::ByOutput && undone {
                let void = acts.iter().any(|act| act.label == label && act.what == What::Void);
                if void == done {
                    self.say(format!("`{label}` at {at} was undone by the wrong undo"));
                }
            }
        }
    }
}
