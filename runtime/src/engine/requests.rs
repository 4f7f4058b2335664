//! What callers ask of an engine: start, attach, cancel.
//!
//! Every change is acknowledged only when it is durable. A caller that goes
//! away in the middle changes nothing: what was queued stays queued.

use std::sync::Arc;
use std::time::Duration;

use super::checkpoint::Found;
use super::core::Core;
use super::core::Runs;
use super::host::NewChild;
use super::live::{Held, LiveRun};
use super::{Error, Status, driver, signal};
use crate::codec::{Blob, Digest, INLINE_LIMIT, Payload};
use crate::id::{Lsn, MAX_RUN_ID, Position, RunId};
use crate::journal::Group;
use crate::plan::WorkflowMeta;
use crate::record::{Event, Name};
use crate::run::{Decision, RunState};
use crate::storage::StorageError;
use crate::time::Timestamp;

/// How long a large value waits before it looks for space again.
const FULL_DISK: Duration = Duration::from_secs(1);

/// A run that is asked for.
pub(crate) struct NewRun {
    pub(crate) id: Option<RunId>,
    pub(crate) workflow: Name,
    pub(crate) version: u32,
    pub(crate) input: Payload,
    pub(crate) options: StartWith,
}

/// What comes with a start.
#[derive(Debug, Default)]
pub(crate) struct StartWith {
    pub(crate) deadline: Option<Timestamp>,
    pub(crate) begin_at: Option<Timestamp>,
    pub(crate) key: Option<String>,
    /// A signal that is the run's from the start.
    pub(crate) signal: Option<NewSignal>,
}

/// A signal that is sent.
#[derive(Debug)]
pub(crate) struct NewSignal {
    pub(crate) name: &'static str,
    pub(crate) payload: Payload,
    pub(crate) sender: Option<String>,
}

impl Core {
    /// Starts a run, or finds the one that was started with this id and input before.
    pub(crate) async fn start(self: &Arc<Self>, new: NewRun) -> Result<Held, Error> {
        let NewRun { id, workflow, version, mut input, mut options } = new;
        let meta = self.runnable(&workflow, version)?;
        // A random id is nobody's.
        let (mut id, is_random) = match id {
            Some(id) => (id, false),
            None => (self.fresh_id()?, true),
        };
        valid(&id)?;
        if let Some(signal) = &options.signal {
            signal::takes(meta, &id, signal.name)?;
        }
        self.is_open()?;
        self.journal.room().await?;
        // One that is there already adds nothing.
        if is_random || !self.runs().by_id.contains_key(id.as_str()) {
            self.room_in_memory().await;
            self.is_open()?;
        }
        let asked = Asked { workflow: &workflow, version };
        loop {
            let (known, left) = match is_random {
                true => (None, 0),
                false => {
                    let runs = self.runs();
                    (runs.by_id.get(id.as_str()).map(Held::new), runs.left)
                }
            };
            let known = match known {
                None if !is_random => self.started_before(&id, asked, &input).await?,
                known => known,
            };
            if let Some(run) = known {
                let run = self.started(run, asked, &input).await?;
                if let Some(NewSignal { name, payload, sender }) = options.signal {
                    self.signal(run.id.as_str(), name, payload, sender).await?;
                }
                return Ok(run);
            }
            self.journal.has_space()?;
            // Kept: it is written once, however often others come in between.
            input = self.settle(input).await?;
            if let Some(signal) = &mut options.signal {
                signal.payload = self.settle(signal.payload.clone()).await?;
            }
            let run = {
                let mut runs = self.runs();
                if runs.by_id.contains_key(id.as_str()) || (runs.left != left && !is_random) {
                    drop(runs);
                    if is_random {
                        id = self.fresh_id()?;
                    }
                    // Somebody else has started it meanwhile; it may even have ended and left.
                    continue;
                }
                if let Some(signal) = &options.signal
                    && !self.taken_at_start(asked, &id, &input, signal.name)?
                {
                    options.signal = None;
                }
                let start = self.run_started(&runs, &id, asked, meta.fingerprint, input.clone());
                let StartWith { deadline, begin_at, key, signal } = std::mem::take(&mut options);
                let plain = deadline.is_none() && begin_at.is_none() && key.is_none();
                let with = Event::StartOptions { deadline, begin_at, key, parent: None, linked: false };
                let told = signal.map(|NewSignal { name, payload, sender }| Event::SignalReceived {
                    signal: Name::Borrowed(name),
                    payload,
                    sender,
                });
                let events: Vec<Event> = [Some(start), (!plain).then_some(with), told].into_iter().flatten().collect();
                self.admit(&mut runs, &events, |number, now| Ok(self.journal.append_events(number, now, &events)?))?
            };
            let last = run.lock().last;
            self.set_out(&run);
            self.journal.durable(last).await?;
            return Ok(run);
        }
    }

    /// The start of a run that another one starts, and the other's record of it, as one; false if there is such a run
    /// since a moment ago.
    pub(crate) async fn start_child(
        self: &Arc<Self>,
        parent: &Arc<LiveRun>,
        at: &Position,
        id: RunId,
        new: &NewChild,
    ) -> Result<bool, Error> {
        let NewChild { workflow, version, input, args, key, linked, .. } = new;
        let meta = self.runnable(workflow, *version)?;
        valid(&id)?;
        let asked = Asked { workflow, version: *version };
        let (known, left) = {
            let runs = self.runs();
            (runs.by_id.get(id.as_str()).map(Held::new), runs.left)
        };
        let known = match known {
            None => self.started_before(&id, asked, input).await,
            known => Ok(known),
        };
        let known = match known {
            // It has ended long ago.
            Err(Error::Forgotten { .. }) => Some(0),
            Err(error) => return Err(error),
            Ok(None) => None,
            Ok(Some(run)) => {
                same_start(&run, asked, input)?;
                // What is recorded of it here is not to be there without it.
                self.journal.durable(run.started).await?;
                Some(run.number.0)
            }
        };
        let record = |number| Event::ChildStarted {
            at: at.clone(),
            child: id.clone(),
            number,
            workflow: workflow.clone(),
            version: *version,
            args: *args,
            linked: *linked,
        };
        if let Some(number) = known {
            parent.lock().record(&self.journal, self.now(), [record(number)])?;
            return Ok(true);
        }
        let run = {
            let mut runs = self.runs();
            if runs.by_id.contains_key(id.as_str()) || runs.left != left {
                return Ok(false);
            }
            let start = self.run_started(&runs, &id, asked, meta.fingerprint, input.clone());
            let (key, from) = (key.clone(), Some(parent.id.clone()));
            let with = Event::StartOptions { deadline: None, begin_at: None, key, parent: from, linked: *linked };
            let events = [start, with];
            self.admit(&mut runs, &events, |number, now| {
                let mut start = Group::default();
                events.iter().for_each(|event| start.push(number, now, event));
                let mut inner = parent.lock();
                inner.record_with(&self.journal, now, [record(number.0)], Some(&start))
            })?
        };
        self.set_out(&run);
        Ok(true)
    }

    fn run_started(&self, runs: &Runs, id: &RunId, asked: Asked<'_>, fingerprint: u64, input: Payload) -> Event {
        Event::RunStarted {
            id: id.clone(),
            workflow: asked.workflow.clone(),
            version: asked.version,
            fingerprint,
            origin: self.origin,
            origin_run: runs.last_number + 1,
            input,
        }
    }

    /// A workflow that is registered.
    pub(super) fn runnable(&self, name: &Name, version: u32) -> Result<&'static WorkflowMeta, Error> {
        let workflow = self.registry.workflow(name, version).map(|workflow| workflow.meta());
        workflow.ok_or_else(|| Error::NotRegistered { workflow: name.clone().into_owned(), version })
    }

    /// Sets a run going for the first time in this process.
    pub(super) fn set_out(self: &Arc<Self>, run: &Arc<LiveRun>) {
        driver::launch(self, run.clone());
    }

    /// A run that was started with this id and is not in memory.
    async fn started_before(
        self: &Arc<Self>,
        id: &RunId,
        asked: Asked<'_>,
        input: &Payload,
    ) -> Result<Option<Held>, Error> {
        match self.checkpoint.find(id.as_str()).await? {
            Found::Nothing => Ok(None),
            Found::Run(_) => match self.obtain(id.as_str()).await {
                // It was forgotten in this moment: its tombstone is there now.
                Err(Error::UnknownRun { .. }) => Box::pin(self.started_before(id, asked, input)).await,
                run => run.map(Some),
            },
            Found::Tomb(tomb) => {
                let conflict = |differs| Err(Error::Conflict { id: id.clone(), differs });
                if tomb.workflow != *asked.workflow {
                    return conflict("workflow");
                }
                if tomb.version != asked.version {
                    return conflict("version");
                }
                if tomb.input != Some(digest(id, input)?) {
                    return conflict("input");
                }
                Err(Error::Forgotten { id: id.clone() })
            }
        }
    }

    /// A run that exists, if this start is the same. That it is another one is told, too, only when that is durable.
    async fn started(&self, run: Held, asked: Asked<'_>, input: &Payload) -> Result<Held, Error> {
        self.journal.durable(run.started).await?;
        same_start(&run, asked, input)?;
        Ok(run)
    }

    fn fresh_id(&self) -> Result<RunId, Error> {
        let mut bytes = [0; 10];
        self.platform.entropy.fill(&mut bytes).map_err(|e| Error::NoEntropy { reason: e.to_string() })?;
        // Of version 7: those that are made one after the other stand beside one another in the checkpoint.
        let millis = u64::try_from(self.now().0 / 1_000_000).unwrap_or(0);
        let id = uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid();
        Ok(RunId::from(&*id.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer())))
    }

    /// A run that exists, if it is of this workflow.
    pub(crate) async fn attach(self: &Arc<Self>, workflow: &'static WorkflowMeta, id: &str) -> Result<Held, Error> {
        let run = self.obtain(id).await?;
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
        // Whoever starts it may not know of it yet.
        self.journal.durable(run.started).await?;
        Ok(run)
    }

    /// An answer about a run, a refusal too, is given when what it rests on is durable.
    pub(super) async fn answer(&self, last: Lsn, refused: Option<Error>) -> Result<(), Error> {
        self.journal.durable(last).await?;
        refused.map_or(Ok(()), Err)
    }

    /// Asks a run to stop and undo what it did.
    pub(crate) async fn cancel(self: &Arc<Self>, id: &str) -> Result<(), Error> {
        self.verb(id, |inner, run| match &inner.state {
            state if !state.phase.is_active() => Err(not_active(run, state)),
            state if state.decide(&state.root()) == Decision::Stuck => Err(Error::PastPivot { id: run.id.clone() }),
            state if state.cancel_requested => Ok(Vec::new()),
            _ => Ok(vec![Event::CancelRequested {}]),
        })
        .await
    }

    /// Puts bytes into the arena.
    pub(crate) async fn put(&self, bytes: Vec<u8>) -> Result<Blob, Error> {
        self.is_open()?;
        Ok(self.checkpoint.arena.put(Box::new(bytes), 0).await?)
    }

    /// A value that is about to be recorded: a large one goes into the arena first, and is durable there.
    ///
    /// While the disk is full it waits: what has happened must not be lost.
    pub(crate) async fn settle(&self, payload: Payload) -> Result<Payload, Error> {
        self.settle_above(payload, INLINE_LIMIT).await
    }

    /// As [`settle`](Self::settle), of a value with more bytes than that.
    pub(super) async fn settle_above(&self, payload: Payload, limit: usize) -> Result<Payload, Error> {
        for at in payload.named() {
            // A handle of another engine, or of an earlier one whose bytes were given back.
            let here = self.checkpoint.arena.place(at.id)?;
            if here.content() != at.content() {
                return Err(StorageError::MissingBlob { id: at.id }.into());
            }
        }
        let Some(json) = payload.inline().filter(|json| json.len() > limit) else { return Ok(payload) };
        let mut told = false;
        loop {
            match self.checkpoint.arena.put(Box::new(json.clone()), payload.schema()).await {
                Err(StorageError::Io { source, .. })
                    if matches!(source.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
                        && self.is_open().is_ok() =>
                {
                    if !std::mem::replace(&mut told, true) {
                        tracing::warn!("the disk is full: a large value waits for space");
                    }
                    self.platform.clock.sleep(FULL_DISK).await;
                }
                Ok(blob) => return Ok(payload.moved_to(blob.into())),
                Err(error) => {
                    // A write or a sync that failed stops everything: what has happened cannot be recorded.
                    if matches!(error, StorageError::Io { .. }) {
                        self.journal.poison(error.clone());
                    }
                    return Err(error.into());
                }
            }
        }
    }
}

/// The workflow of a run that is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) workflow: &'a Name,
    pub(super) version: u32,
}

fn valid(id: &RunId) -> Result<(), Error> {
    match id.as_str().len() {
        1..=MAX_RUN_ID => Ok(()),
        found => Err(Error::InvalidId { found, limit: MAX_RUN_ID }),
    }
}

pub(super) fn not_active(run: &LiveRun, state: &RunState) -> Error {
    Error::NotActive { id: run.id.clone(), status: Status::of(&state.phase, state.paused.is_some(), false) }
}

/// A second start of an id is the same run only with the same workflow, version and input.
fn same_start(run: &LiveRun, asked: Asked<'_>, input: &Payload) -> Result<(), Error> {
    let start = run.lock().state.start.clone();
    if start.workflow != *asked.workflow {
        return Err(Error::Conflict { id: run.id.clone(), differs: "workflow" });
    }
    if start.version != asked.version {
        return Err(Error::Conflict { id: run.id.clone(), differs: "version" });
    }
    if start.input != *input && digest(&run.id, &start.input)? != digest(&run.id, input)? {
        return Err(Error::Conflict { id: run.id.clone(), differs: "input" });
    }
    Ok(())
}

fn digest(id: &RunId, input: &Payload) -> Result<Digest, Error> {
    Digest::of(input).map_err(|source| Error::Undecodable { what: "input", id: id.clone(), source })
}
