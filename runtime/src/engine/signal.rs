//! Messages to runs.
//!
//! What must always hold: a signal is acknowledged when it is durable, and is
//! the run's then; one that no body of its workflow ever waits for is refused.

use std::sync::Arc;

use super::Error;
use super::core::Core;
use super::live::LiveRun;
use super::registry::Takes;
use super::requests::{Asked, not_active};
use crate::codec::Payload;
use crate::id::RunId;
use crate::plan::{self, WorkflowMeta};
use crate::record::{Event, Name};
use crate::run::{INBOX_LIMIT, Offer, RunState};

impl Core {
    /// Gives a run a signal.
    pub(crate) async fn signal(
        self: &Arc<Self>,
        id: &str,
        signal: &'static str,
        payload: Payload,
        sender: Option<String>,
    ) -> Result<(), Error> {
        self.is_open()?;
        let run = self.obtain(id).await?;
        let unasked = self.never_taken(&run, signal);
        self.journal.room().await?;
        let payload = self.settle(payload).await?;
        let (last, refused) = {
            let mut inner = run.lock();
            let (last, offer) = (inner.last, inner.state.inbox.offer(signal, sender.as_deref()));
            // What the state does with it, in which the run is when the signal comes.
            let taken = self.taken(&inner.state, signal);
            match offer {
                // Acknowledged when the first delivery is durable.
                Offer::Duplicate => (last, None),
                _ if !inner.state.phase.is_active() => (last, Some(not_active(&run, &inner.state))),
                _ if unasked.is_some() => (last, unasked),
                _ if let Takes::No { state, accepts } = taken => {
                    (last, Some(rejected(&run.id, state, signal, &accepts)))
                }
                _ if matches!(taken, Takes::Ignored { .. }) => {
                    tracing::debug!(run_id = %run.id, signal, "the run's state ignores a signal");
                    (last, None)
                }
                Offer::Full => (last, Some(Error::InboxFull { id: run.id.clone(), limit: INBOX_LIMIT })),
                Offer::Take if !inner.state.inbox.has_room(&payload) => {
                    (last, Some(Error::InboxFull { id: run.id.clone(), limit: INBOX_LIMIT }))
                }
                Offer::Take => {
                    let event = Event::SignalReceived { signal: Name::Borrowed(signal), payload, sender };
                    (inner.record(&self.journal, self.now(), [event])?, None)
                }
            }
        };
        run.changed.notify_waiters();
        self.answer(last, refused).await
    }

    /// What a run does with a signal where it stands.
    fn taken(&self, state: &RunState, signal: &str) -> Takes {
        let workflow = self.registry.workflow(&state.start.workflow, state.start.version);
        workflow.map_or(Takes::Yes, |workflow| workflow.takes(state.since.name(), &state.input, signal))
    }

    /// Why a body cannot wait for a signal where its run stands: nobody could send it. The compiler does not see each wait.
    pub(super) fn never_comes(&self, state: &RunState, signal: &str) -> Option<String> {
        let taken = self.taken(state, signal);
        let (Takes::No { state, .. } | Takes::Later { state } | Takes::Ignored { state }) = taken else { return None };
        Some(format!("the handler of state `{state}` waits for signal `{signal}`, which the state does not accept"))
    }

    /// What a run that is started with this input does with a signal.
    ///
    /// # Errors
    /// When it does not take it.
    pub(super) fn taken_at_start(
        &self,
        new: Asked<'_>,
        id: &RunId,
        input: &Payload,
        signal: &str,
    ) -> Result<bool, Error> {
        let Some(workflow) = self.registry.workflow(new.workflow, new.version) else { return Ok(true) };
        match workflow.takes(None, input, signal) {
            Takes::Yes | Takes::Later { .. } => Ok(true),
            Takes::Ignored { .. } => Ok(false),
            Takes::No { state, accepts } => Err(rejected(id, state, signal, &accepts)),
        }
    }

    /// Why a signal is of no use to a run, if its workflow is known and never waits for it.
    fn never_taken(&self, run: &LiveRun, signal: &'static str) -> Option<Error> {
        let (workflow, version) = {
            let start = &run.lock().state.start;
            (start.workflow.clone(), start.version)
        };
        // Of a workflow that is not registered nobody knows what it waits for.
        let meta = self.registry.workflow(&workflow, version)?.meta();
        takes(meta, &run.id, signal).err()
    }
}

fn rejected(id: &RunId, state: &str, signal: &str, accepts: &[&'static str]) -> Error {
    let accepts = accepts.iter().map(|name| (*name).to_owned()).collect();
    Error::Rejected { id: id.clone(), state: state.to_owned(), signal: signal.to_owned(), accepts }
}

/// Refuses a signal that a workflow never waits for.
pub(super) fn takes(meta: &WorkflowMeta, id: &RunId, signal: &str) -> Result<(), Error> {
    let accepts = plan::signals(meta);
    if accepts.may_receive(signal) {
        return Ok(());
    }
    let names = accepts.names.into_iter().map(str::to_owned).collect();
    Err(Error::NotAccepted {
        id: id.clone(),
        workflow: meta.name.to_owned(),
        signal: signal.to_owned(),
        accepts: names,
    })
}
