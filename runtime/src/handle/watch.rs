//! What a run does, as it happens.

use std::fmt;

use serde::de::DeserializeOwned;
use tokio::sync::watch::Receiver;

use crate::codec::{self, Payload};
use crate::engine::{Error, Held, NextState, Result, Seen, StateSeen, States, Status};
use crate::fsm::Fsm;
use crate::id::RunId;
use crate::plan::{Graph, Plan};
use crate::record::Reason;

/// What is new of a run that is [watched](crate::Run::watch).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Update {
    /// Its status is another one.
    Status(Status),
    /// Its body has [published](crate::publish()) something.
    Progress(Progress),
    /// It has entered a state of its machine.
    State(StateUpdate),
    /// So many states were entered, and left, that were not asked for in time: of a slow reader the last 1,024 are kept.
    StatesMissed(u64),
}

/// A state that a run has entered.
#[derive(Debug, Clone)]
pub struct StateUpdate {
    run: RunId,
    name: String,
    seen: StateSeen,
}

impl StateUpdate {
    /// The state's name: that of its variant.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which of the run's visits it is, from 0.
    #[must_use]
    pub fn visit(&self) -> u32 {
        self.seen.visit
    }

    /// Why the run has entered it; none of the state that it began in.
    #[must_use]
    pub fn reason(&self) -> Option<&Reason> {
        self.seen.state.as_ref().map(|(_, reason)| reason)
    }

    /// The whole state.
    ///
    /// # Errors
    /// [`Error::Undecodable`] when what is recorded is no state of the machine any more.
    pub fn decode<M: Fsm>(&self) -> Result<M> {
        let undecodable = |source| Error::Undecodable { what: "state", id: self.run.clone(), source };
        M::read(&self.seen.value).map_err(undecodable)
    }
}

/// What a run's body has [published](crate::publish()).
#[derive(Clone)]
pub struct Progress {
    run: RunId,
    value: Payload,
}

impl Progress {
    pub(super) fn new(run: RunId, value: Payload) -> Progress {
        Progress { run, value }
    }

    /// The value.
    ///
    /// # Errors
    /// [`Error::Undecodable`] when the body has published something else than a `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T> {
        let undecodable = |source| Error::Undecodable { what: "progress", id: self.run.clone(), source };
        codec::decode(&self.value).map_err(undecodable)
    }

    /// The value as JSON.
    #[must_use]
    pub fn payload(&self) -> &Payload {
        &self.value
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Progress").field(&self.value).finish()
    }
}

/// Tells of a run as it goes on: [`Run::watch`](crate::Run::watch). The run stays in memory while this lives.
pub struct Watch {
    live: Held,
    seen: Receiver<Seen>,
    /// What was told last.
    status: Option<Status>,
    progress: Option<Payload>,
    /// Of a machine.
    states: Option<StatesOf>,
    ended: bool,
}

/// The states of a run that are to be told.
struct StatesOf {
    graph: &'static Graph,
    entered: States,
    /// The state to be told first.
    first: Option<StateSeen>,
    /// The last visit that was told.
    told: Option<u32>,
}

impl StatesOf {
    fn new(live: &Held, graph: &'static Graph) -> StatesOf {
        // First to listen, then to look: what comes in between is known by its visit.
        let entered = live.states();
        StatesOf { graph, entered, first: Some(live.seen().state), told: None }
    }

    /// The next state that was not told.
    fn next(&mut self, run: &RunId) -> Option<Update> {
        loop {
            let seen = match self.first.take() {
                Some(first) => first,
                None => match self.entered.next()? {
                    NextState::Entered(seen) => seen,
                    NextState::Missed(states) => return Some(Update::StatesMissed(states)),
                },
            };
            if self.told.is_some_and(|told| seen.visit <= told) {
                continue;
            }
            self.told = Some(seen.visit);
            let initial = || self.graph.initial().map(|state| state.name.to_owned());
            let name = seen.state.as_ref().map(|(name, _)| (**name).to_owned()).or_else(initial).unwrap_or_default();
            return Some(Update::State(StateUpdate { run: run.clone(), name, seen }));
        }
    }
}

impl Watch {
    pub(super) fn new(live: &Held, plan: &'static Plan) -> Watch {
        let states = match plan {
            Plan::Machine(graph) => Some(StatesOf::new(live, graph)),
            _ => None,
        };
        let seen = live.watch();
        Watch { live: Held::new(live), seen, status: None, progress: None, states, ended: false }
    }

    /// The next thing that is new: at first what is there now, then each change when it is
    /// durable. `None` when the run's end was told, or the engine ends before the run does.
    ///
    /// It is the newest that is told: of statuses and of published values that follow one another
    /// faster than this is called, those between are left out; of states each is told, before the status that comes with it. What is published is told before
    /// the status that the run has then. Whether a run that goes on waits or works is not
    /// recorded: it is told as it is at the moment.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Update> {
        while !self.ended {
            // Whatever comes after this look is looked at again.
            let seen = self.seen.borrow_and_update().clone();
            let Seen::Phase(shown) = seen else { break };
            // A state is sent before the status that comes with it can be seen.
            if let Some(update) = self.states.as_mut().and_then(|states| states.next(&self.live.id)) {
                return Some(update);
            }
            if let Some(value) = shown.progress.as_ref().filter(|value| !self.knows(value)) {
                self.progress = Some(value.clone());
                return Some(Update::Progress(Progress::new(self.live.id.clone(), value.clone())));
            }
            let status = self.live.status(&shown);
            if self.status != Some(status) {
                self.status = Some(status);
                self.ended = shown.phase.has_ended();
                return Some(Update::Status(status));
            }
            if self.seen.changed().await.is_err() {
                break;
            }
        }
        None
    }

    /// Whether a published value is the one that was told last; the same JSON, published again, is another one.
    fn knows(&self, value: &Payload) -> bool {
        self.progress.as_ref().is_some_and(|told| told.is(value))
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("run", &self.live.id).field("status", &self.status).finish_non_exhaustive()
    }
}
