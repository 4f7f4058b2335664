//! What callers ask of an engine: start, signal, cancel, and looks at runs.
//!
//! Every change is acknowledged only when it is durable. A caller that goes
//! away in the middle changes nothing: what was queued stays queued.

use std::sync::Arc;

use super::core::Core;
use super::live::LiveRun;
use super::report::{HistoryEntry, Stats};
use super::status::RunInfo;
use super::{Error, Status, driver};
use crate::codec::{Digest, Payload};
use crate::id::{Lsn, MAX_RUN_ID, RunId};
use crate::plan::WorkflowMeta;
use crate::record::{Event, Name};
use crate::run::{Decision, INBOX_LIMIT, Offer, RunState};

/// A run that is asked for.
pub(crate) struct NewRun {
    pub(crate) id: Option<RunId>,
    pub(crate) workflow: &'static WorkflowMeta,
    pub(crate) input: Payload,
}

impl Core {
    /// Starts a run, or finds the one that was started with this id and input before.
    pub(crate) async fn start(self: &Arc<Self>, new: NewRun) -> Result<Arc<LiveRun>, Error> {
        let NewRun { id, workflow, input } = new;
        if self.registry.workflow(workflow.name, workflow.version).is_none() {
            return Err(Error::NotRegistered { workflow: workflow.name.to_owned(), version: workflow.version });
        }
        let id = match id {
            Some(id) => id,
            None => self.fresh_id()?,
        };
        if id.as_str().is_empty() || id.as_str().len() > MAX_RUN_ID {
            return Err(Error::InvalidId { found: id.as_str().len(), limit: MAX_RUN_ID });
        }
        self.is_open()?;
        self.journal.room().await?;
        let (run, is_new) = {
            let mut runs = self.runs();
            match runs.by_id.get(id.as_str()) {
                Some(run) => (run.clone(), false),
                None => {
                    let event = Event::RunStarted {
                        id,
                        workflow: Name::Borrowed(workflow.name),
                        version: workflow.version,
                        fingerprint: workflow.fingerprint,
                        origin: self.origin,
                        origin_run: runs.last_number + 1,
                        input: input.clone(),
                    };
                    (self.admit(&mut runs, event)?, true)
                }
            }
        };
        if is_new {
            driver::launch(self, run.clone());
        } else {
            same_start(&run, workflow, &input)?;
        }
        self.journal.durable(run.started).await?;
        Ok(run)
    }

    fn fresh_id(&self) -> Result<RunId, Error> {
        let mut bytes = [0; 16];
        self.platform.entropy.fill(&mut bytes).map_err(|e| Error::NoEntropy { reason: e.to_string() })?;
        Ok(RunId::from(uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()))
    }

    /// A run that exists, if it is of this workflow.
    pub(crate) fn attach(&self, workflow: &'static WorkflowMeta, id: &str) -> Result<Arc<LiveRun>, Error> {
        let run = self.find(id)?;
        let (differs, ended) = {
            let state = &run.lock().state;
            let differs = match &state.start {
                start if start.workflow != workflow.name => Some("workflow"),
                start if start.version != workflow.version => Some("version"),
                _ => None,
            };
            (differs, state.phase.has_ended())
        };
        if let Some(differs) = differs {
            return Err(Error::Conflict { id: run.id.clone(), differs });
        }
        if !ended && self.registry.workflow(workflow.name, workflow.version).is_none() {
            return Err(Error::NotRegistered { workflow: workflow.name.to_owned(), version: workflow.version });
        }
        Ok(run)
    }

    /// Gives a run a signal.
    pub(crate) async fn signal(
        &self,
        id: &str,
        signal: &'static str,
        payload: Payload,
        sender: Option<String>,
    ) -> Result<(), Error> {
        self.is_open()?;
        let run = self.find(id)?;
        self.journal.room().await?;
        let (last, refused) = {
            let mut inner = run.lock();
            let (last, offer) = (inner.last, inner.state.inbox.offer(signal, sender.as_deref()));
            match offer {
                // Acknowledged when the first delivery is durable.
                Offer::Duplicate => (last, None),
                _ if !inner.state.phase.is_active() => (last, Some(not_active(&run, &inner.state))),
                Offer::Full => (last, Some(Error::InboxFull { id: run.id.clone(), limit: INBOX_LIMIT })),
                Offer::Take => {
                    let event = Event::SignalReceived { signal: Name::Borrowed(signal), payload, sender };
                    (inner.record(&self.journal, run.number, self.now(), [event])?, None)
                }
            }
        };
        run.changed.notify_waiters();
        self.answer(last, refused).await
    }

    /// An answer about a run, a refusal too, is given when what it rests on is durable.
    async fn answer(&self, last: Lsn, refused: Option<Error>) -> Result<(), Error> {
        self.journal.durable(last).await?;
        refused.map_or(Ok(()), Err)
    }

    /// Asks a run to stop and undo what it did.
    pub(crate) async fn cancel(&self, id: &str) -> Result<(), Error> {
        self.is_open()?;
        let run = self.find(id)?;
        let (last, refused) = {
            let mut inner = run.lock();
            let (last, state) = (inner.last, &inner.state);
            if !state.phase.is_active() {
                (last, Some(not_active(&run, state)))
            } else if state.decide(&state.root()) == Decision::Stuck {
                (last, Some(Error::PastPivot { id: run.id.clone() }))
            } else if state.cancel_requested {
                (last, None)
            } else {
                (inner.record(&self.journal, run.number, self.now(), [Event::CancelRequested {}])?, None)
            }
        };
        run.changed.notify_waiters();
        self.answer(last, refused).await
    }

    /// Every run, in the order of their starts.
    pub(crate) fn list(&self) -> Vec<RunInfo> {
        let mut runs: Vec<Arc<LiveRun>> = self.runs().by_id.values().cloned().collect();
        runs.retain(|run| self.journal.is_durable(run.started));
        runs.sort_by_key(|run| run.number);
        runs.iter().map(|run| run.info()).collect()
    }

    /// Every durable event of a run.
    pub(crate) fn history(&self, id: &str) -> Result<Vec<HistoryEntry>, Error> {
        let run = self.find(id)?;
        let entries = self.journal.history(run.number)?;
        Ok(entries
            .into_iter()
            .map(|entry| HistoryEntry { lsn: entry.lsn, time: entry.time.into(), event: entry.event })
            .collect())
    }

    pub(crate) fn stats(&self) -> Stats {
        let wal = self.journal.stats();
        Stats { syncs: wal.syncs, frames: wal.frames, records: wal.records, bytes: wal.bytes }
    }
}

fn not_active(run: &LiveRun, state: &RunState) -> Error {
    Error::NotActive { id: run.id.clone(), status: Status::of(&state.phase, false) }
}

/// A second start of an id is the same run only with the same workflow, version and input.
fn same_start(run: &LiveRun, workflow: &WorkflowMeta, input: &Payload) -> Result<(), Error> {
    let start = run.lock().state.start.clone();
    if start.workflow != workflow.name {
        return Err(Error::Conflict { id: run.id.clone(), differs: "workflow" });
    }
    if start.version != workflow.version {
        return Err(Error::Conflict { id: run.id.clone(), differs: "version" });
    }
    let digest = |payload: &Payload| {
        Digest::of(payload).map_err(|source| Error::Undecodable { what: "input", id: run.id.clone(), source })
    };
    if start.input != *input && digest(&start.input)? != digest(input)? {
        return Err(Error::Conflict { id: run.id.clone(), differs: "input" });
    }
    Ok(())
}
