//! From a run that was read to one that this engine has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::read::{Bytes, Import};
use crate::codec::{INLINE_LIMIT, NamedBlob, Payload};
use crate::engine::core::Core;
use crate::engine::error::MissingStep;
use crate::engine::live::{CAUTIOUS_ATTEMPTS, Held, LiveRun};
use crate::engine::status::RunInfo;
use crate::engine::{Error, driver, recovery};
use crate::id::{Lsn, RunId, RunNumber};
use crate::journal::Group;
use crate::record::Event;
use crate::run::RunState;
use crate::time::Timestamp;

impl Core {
    /// Records a run that was read, as one group, and sets it going if it goes on.
    pub(crate) async fn import(self: &Arc<Self>, import: Import) -> Result<RunInfo, Error> {
        self.is_open()?;
        let Import { mut events, blobs, mut state } = import;
        let id = state.start.id.clone();
        self.is_free(&id, &state).await?;
        let now = self.now();
        let crashed = recovery::crashed(&state, &self.limits);
        for event in &crashed {
            state.apply(now, event).map_err(|illegal| Error::Internal { reason: illegal.to_string() })?;
        }
        self.can_go_on(&state)?;
        self.journal.room().await?;
        self.journal.has_space()?;
        self.place(&mut events, blobs).await?;
        events.extend(crashed.iter().map(|event| (now, event.clone())));
        let state = added_up(&events)?;
        let (run, shown, last) = loop {
            let left = self.runs().left;
            self.is_free(&id, &state).await?;
            let mut runs = self.runs();
            if runs.by_id.contains_key(id.as_str()) || runs.left != left {
                // Somebody else has started it meanwhile; it may even have ended and left.
                continue;
            }
            let number = RunNumber(runs.last_number + 1);
            let mut group = Group::default();
            events.iter().for_each(|(time, event)| group.push(number, *time, event));
            let last = self.journal.append(&[&group])?;
            runs.last_number = number.0;
            // The records of a group follow one another.
            let first = Lsn(last.0 + 1 - events.len() as u64);
            let run = LiveRun::new(number, state, first, last, &self.outside.redaction);
            // What it was elsewhere is not durable here yet.
            run.conceal();
            if !crashed.is_empty() {
                run.be_cautious(CAUTIOUS_ATTEMPTS);
            }
            runs.by_id.insert(run.id.clone(), run.clone());
            self.flow.enter(&self.registry, number, &run.lock().state, now);
            let shown = run.lock().to_show();
            break (Held::new(&run), shown, last);
        };
        if self.runs().by_id.len() > self.checkpoint.resident() {
            self.checkpoint.nudge();
        }
        // Also one that has ended is shown by its task, should the caller go away.
        driver::launch(self, run.clone());
        self.journal.durable(last).await?;
        run.publish(shown);
        Ok(self.told(run.info()))
    }

    /// Nobody has, or had, a run of this id.
    async fn is_free(self: &Arc<Self>, id: &RunId, state: &RunState) -> Result<(), Error> {
        let found = match self.obtain(id.as_str()).await {
            Err(Error::UnknownRun { .. }) => return Ok(()),
            found => found?,
        };
        let start = found.lock().state.start.clone();
        let same = (start.origin, start.origin_run) == (state.start.origin, state.start.origin_run);
        self.journal.durable(found.started).await?;
        match same {
            true => Err(Error::AlreadyHere { id: id.clone() }),
            false => Err(Error::Conflict { id: id.clone(), differs: "origin" }),
        }
    }

    /// What a run that goes on needs is registered.
    fn can_go_on(&self, state: &RunState) -> Result<(), Error> {
        if !state.phase.is_active() {
            return Ok(());
        }
        let start = &state.start;
        if let Some((workflow, version)) = self.registry.missing(&start.workflow, start.version, &state.input) {
            return Err(Error::NotRegistered { workflow, version });
        }
        let missing: Vec<MissingStep> = state
            .undos_needed()
            .filter(|(step, kind)| !self.registry.undoes(step, *kind))
            .map(|(step, _)| MissingStep { step: step.to_string(), run: start.id.clone() })
            .collect();
        if missing.is_empty() { Ok(()) } else { Err(Error::UnknownSteps { missing }) }
    }

    /// Puts the blobs into this arena, and what is too long for a record; the records name them as they are called here.
    async fn place(&self, events: &mut [(Timestamp, Event)], blobs: BTreeMap<u64, Bytes>) -> Result<(), Error> {
        let arena = &self.checkpoint.arena;
        let artifacts: BTreeSet<u64> = events.iter().filter_map(|(_, event)| artifact(event)).collect();
        // All of them are asked for first, so that they share syncs.
        let (mut puts, mut contents) = (Vec::new(), Vec::new());
        for (id, Bytes { bytes, at }) in blobs {
            match artifacts.contains(&id) {
                true => contents.push((id, arena.put_content(Box::new(bytes)))),
                false => puts.push((id, arena.put(Box::new(bytes), at.schema))),
            }
        }
        let mut placed: BTreeMap<u64, NamedBlob> = BTreeMap::new();
        for (id, put) in puts {
            placed.insert(id, put.await?.into());
        }
        for (id, put) in contents {
            placed.insert(id, put.await?.1.into());
        }
        for (_, event) in events.iter_mut() {
            let here = artifact(event).and_then(|id| placed.get(&id));
            if let (Event::ArtifactPut { bytes, .. }, Some(here)) = (event, here) {
                *bytes = Payload::in_arena(here.clone());
            }
        }
        let mut long = Vec::new();
        for payload in events.iter_mut().flat_map(|(_, event)| event.payloads_mut()) {
            let here = payload.with_other_blobs(|id| placed.get(&id).cloned());
            *payload = here.map_err(|id| Error::Internal { reason: format!("blob {id} has no place") })?;
            if let Some(json) = payload.inline().filter(|json| json.len() > INLINE_LIMIT) {
                let put = arena.put(Box::new(json.clone()), payload.schema());
                long.push((payload, put));
            }
        }
        for (payload, put) in long {
            *payload = payload.moved_to(put.await?.into());
        }
        Ok(())
    }
}

/// The blob of the artifact that an event puts.
fn artifact(event: &Event) -> Option<u64> {
    match event {
        Event::ArtifactPut { bytes, .. } => bytes.json_blob().map(|at| at.id),
        _ => None,
    }
}

/// The state of the run by the records that it has here.
fn added_up(events: &[(Timestamp, Event)]) -> Result<RunState, Error> {
    let internal = |reason: String| Error::Internal { reason };
    let mut events = events.iter();
    let (time, first) = events.next().ok_or_else(|| internal("a run without records".to_owned()))?;
    let mut state = RunState::new(first, *time).map_err(|illegal| internal(illegal.to_string()))?;
    for (time, event) in events {
        state.apply(*time, event).map_err(|illegal| internal(illegal.to_string()))?;
    }
    Ok(state)
}
