//! What is under a run's lock: its state, and what of it is not queued yet.
//!
//! What must always hold: every event is applied to the state before it is queued, both under one lock, so that the log
//! and the state have one order; no secret stands in what is said in words of why something is so.

use std::sync::Arc;
use std::task::Waker;

use super::operations::Operations;
use super::shown::Shown;
use crate::codec::Payload;
use crate::engine::Error;
use crate::engine::status::{Waiting, WaitingOn};
use crate::id::{Lsn, RunNumber};
use crate::io::Redaction;
use crate::journal::{Group, Journal, LogWait, SharedLog};
use crate::record::{Cause, Event};
use crate::run::{Phase, Positions, RunState};
use crate::step::Site;
use crate::time::Timestamp;

/// Why a body was told to stop.
#[derive(Debug, Clone)]
pub(crate) enum Interrupt {
    /// The run is to be cancelled.
    Cancel,
    /// The run was paused.
    Pause,
    /// The engine shuts down.
    Shutdown,
    /// Something failed that no body is told of: the run fails.
    Fail(Cause),
    /// The run is stuck or has diverged: what is to be recorded of it when everything in it has stopped.
    Park(Event),
    /// This turn of the run is over: the arguments of the next one.
    Again { input: Payload },
    /// The run leaves memory while it waits.
    Asleep,
    /// The log takes nothing any more.
    Engine(Error),
}

impl Interrupt {
    /// Whether the body is dropped at once, whatever it is at.
    pub(in crate::engine) fn is_urgent(&self) -> bool {
        matches!(self, Interrupt::Asleep | Interrupt::Engine(_))
    }

    /// Whether a rollback stops for it, too.
    pub(in crate::engine) fn stops_rollbacks(&self) -> bool {
        !matches!(self, Interrupt::Cancel | Interrupt::Fail(_) | Interrupt::Again { .. })
    }
}

/// What is under the run's lock.
pub(crate) struct Inner {
    pub(super) number: RunNumber,
    pub(super) redaction: Arc<Redaction>,
    pub(crate) state: RunState,
    /// Applied, but not queued yet: outcomes that wait for what follows from them.
    pub(super) pending: Group,
    /// The last record that was queued.
    pub(crate) last: Lsn,
    pub(crate) interrupt: Option<Interrupt>,
    /// The body gets recorded values: its events are muted.
    pub(crate) replaying: bool,
    /// What was recorded when the body began and it has not come to yet.
    pub(super) unvisited: Positions,
    /// There was something recorded when the body began.
    pub(super) replayed: bool,
    /// The operations that the body waits for.
    pub(super) operations: Operations,
    /// The groups of the body that a branch decides.
    pub(super) deciding: Positions,
    /// Where the body awaited something last.
    pub(crate) last_site: Option<Site>,
    /// It has left memory.
    pub(super) asleep: bool,
    /// An event that could not follow: nothing more is recorded of the run in this process.
    pub(super) fault: Option<String>,
}

impl Inner {
    /// Applies an outcome, which is queued together with what follows from it.
    /// A run that has left memory is somebody else's: nothing happens to it here.
    /// Every event goes through here: what it says of why something is so has no secret in it from here on.
    pub(crate) fn hold(&mut self, time: Timestamp, mut event: Event) {
        if self.asleep || self.fault.is_some() {
            return;
        }
        for text in event.texts_mut() {
            if let Some(hidden) = self.redaction.hidden_text(text) {
                *text = hidden;
            }
        }
        match self.state.apply(time, &event) {
            Ok(()) => self.pending.push(self.number, time, &event),
            Err(illegal) => self.illegal(&illegal),
        }
    }

    /// Applies events and queues them with what is pending, as one group.
    /// Nothing is queued when there is nothing.
    pub(crate) fn record(
        &mut self,
        journal: &Journal,
        time: Timestamp,
        events: impl IntoIterator<Item = Event>,
    ) -> Result<Lsn, Error> {
        if self.asleep {
            return Err(Error::Internal { reason: "a run that sleeps was to record something".to_owned() });
        }
        self.record_with(journal, time, events, None)
    }

    /// As [`record`](Self::record), and in the same group the first events of another run.
    pub(crate) fn record_with(
        &mut self,
        journal: &Journal,
        time: Timestamp,
        events: impl IntoIterator<Item = Event>,
        beside: Option<&Group>,
    ) -> Result<Lsn, Error> {
        for event in events {
            self.hold(time, event);
        }
        match beside {
            None => self.queue(journal),
            Some(beside) => {
                self.is_sound()?;
                self.last = journal.append(&[&self.pending, beside])?;
                self.pending.clear();
                Ok(self.last)
            }
        }
    }

    /// Queues what is pending, if there is anything; gives the last record that was queued.
    pub(crate) fn queue(&mut self, journal: &Journal) -> Result<Lsn, Error> {
        self.is_sound()?;
        if !self.pending.is_empty() {
            self.last = journal.append(&[&self.pending])?;
            self.pending.clear();
        }
        Ok(self.last)
    }

    /// Queues what is pending; gives a wait until all that was queued is durable, which wakes `waker` though it was not
    /// polled yet.
    pub(crate) fn queue_and_wait<'j>(
        &mut self,
        journal: &'j Journal,
        waker: &Waker,
    ) -> Result<Option<LogWait<&'j SharedLog>>, Error> {
        self.is_sound()?;
        if self.pending.is_empty() {
            return Ok(Some(journal.durable(self.last)));
        }
        let (last, wait) = journal.append_and_wait(&self.pending, waker)?;
        self.last = last;
        self.pending.clear();
        Ok(Some(wait))
    }

    fn is_sound(&self) -> Result<(), Error> {
        self.fault.as_ref().map_or(Ok(()), |reason| Err(Error::Internal { reason: reason.clone() }))
    }

    /// What others are to see when all that is queued is durable.
    pub(crate) fn to_show(&self) -> Shown {
        Shown::of(&self.state, self.last)
    }

    /// The run leaves memory; its task ends without a word.
    pub(crate) fn fall_asleep(&mut self) {
        self.asleep = true;
        self.interrupt = Some(Interrupt::Asleep);
    }

    /// Whether everything that happened is queued.
    pub(crate) fn is_settled(&self) -> bool {
        self.pending.is_empty() && self.interrupt.is_none()
    }

    /// Whether nothing happens until something comes from outside.
    pub(crate) fn is_idle(&self) -> bool {
        self.is_settled()
            && match self.state.phase {
                // An attempt comes to its end, and is recorded, before the run leaves.
                _ if self.state.paused.is_some() => self.operations.is_empty() && !self.state.attempt_in_air(),
                Phase::Forward => self.only_waits() && !self.is_owed(),
                Phase::RollingBack { .. } => false,
                _ => true,
            }
    }

    /// Whether something has come from outside that its task has not taken yet.
    pub(super) fn is_owed(&self) -> bool {
        let came = |waiting: &Waiting| match &waiting.on {
            WaitingOn::Signal { name, .. } => self.state.inbox.next(name).is_some(),
            _ => false,
        };
        self.state.cancel_requested || self.waits().any(came)
    }

    /// An event that cannot follow: the run stops here and nothing of it is
    /// recorded. This would be a fault of the engine; the log stays readable.
    pub(super) fn illegal(&mut self, illegal: &crate::run::Illegal) {
        self.state.phase = Phase::Diverged { problem: format!("a fault of the engine: {illegal}"), back: None };
        self.fault = Some(illegal.to_string());
        self.interrupt = Some(Interrupt::Engine(Error::Internal { reason: illegal.to_string() }));
    }
}
