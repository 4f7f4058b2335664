//! Replay: a recorded run's body once more, over its records and without any effect.
//!
//! Owns the records as a host ([`host`]) and as a step's world ([`step`], [`io`]), the records by visits ([`visits`]),
//! where a body comes to ([`drive`]) and whether that is where it came to before ([`judge`]); and the same for every
//! run in flight of a directory that nobody has open ([`directory`]). What must always hold: nothing is recorded, no
//! transport called and no time waited for; everything runs in the caller's own task, so that a debugger can follow it.

mod directory;
mod drive;
mod host;
mod io;
mod judge;
mod report;
mod step;
mod visits;

use std::sync::Arc;

use tracing::Instrument;

pub(crate) use directory::verify_replay;
pub(crate) use host::Bodies;
pub use report::{Awaited, DivergingRun, MissingFact, ReplayEnd, ReplayError, ReplayReport, Replayed};

use super::core::{Core, Outside};
use super::export::Import;
use super::history::RunHistory;
use super::registry::{Registry, Workflow};
use crate::io::{Memory, Shelf};
use crate::record::{Cause, Event};
use crate::step::Site;
use crate::time::Timestamp;
use drive::{Came, Voice};
use host::{How, ReplayHost};
use judge::Judged;
use visits::{Visit, VisitEnd};

/// The records of a run, in order.
pub(crate) type Records = Vec<(Timestamp, Event)>;

/// What the bodies of a replay come from. Not an engine: whoever has a replay does not keep its directory.
pub(crate) struct Code {
    pub(crate) registry: Arc<Registry>,
    pub(crate) outside: Outside,
}

impl Code {
    /// An engine's.
    pub(crate) fn of(core: &Core) -> Code {
        Code { registry: core.registry.clone(), outside: core.outside.clone() }
    }
}

/// The records of a history.
pub(crate) fn of_history(history: &RunHistory) -> Records {
    history.iter().map(|entry| (entry.time.into(), entry.event.clone())).collect()
}

/// The records of an export.
///
/// # Errors
/// [`Error::Import`](super::Error::Import), with the line.
pub(crate) fn of_export(reader: impl std::io::BufRead) -> Result<Records, ReplayError> {
    Ok(Import::read(reader)?.into_records()?)
}

/// Replays a run: each of its visits whose records are there.
///
/// # Errors
/// Where it does not fit what is recorded.
pub(crate) async fn replay(records: &Records, code: &Code, bodies: Bodies) -> Result<Replayed, ReplayError> {
    let Code { registry, outside } = code;
    let visits = visits::split(records)?;
    let Some(Visit { state, .. }) = visits.first() else {
        return Err(ReplayError::Records { reason: "there are none".to_owned() });
    };
    let start = state.start.clone();
    let (id, workflow, version) = (start.id, start.workflow.into_owned(), start.version);
    let unknown = |(workflow, version)| ReplayError::UnknownWorkflow { id: id.clone(), workflow, version };
    if let Some(missing) = registry.missing(&workflow, version, &start.input) {
        return Err(unknown(missing));
    }
    let code = registry.workflow(&workflow, version).ok_or_else(|| unknown((workflow.clone(), version)))?;
    let artifacts = records.iter().filter_map(|(_, event)| match event {
        Event::ArtifactPut { artifact, bytes } => Some((*artifact, bytes.clone())),
        _ => None,
    });
    let shelf = Shelf::Memory(Arc::new(Memory::new(artifacts)));
    let span = tracing::info_span!("replay", run_id = %id, workflow);
    let end = ReplayEnd::Waiting { on: Vec::new() };
    let mut replayed = Replayed { id, workflow, version, end, visits: 0, steps: 0, facts: 0, unfinished: Vec::new() };
    for visit in visits {
        let how = How {
            whole: true,
            turn_follows: matches!(visit.end, VisitEnd::Again(_)),
            bodies: bodies.clone(),
            outside: outside.clone(),
            shelf: shelf.clone(),
        };
        replay_visit(visit, code, how, &mut replayed).instrument(span.clone()).await?;
    }
    Ok(replayed)
}

async fn replay_visit(
    visit: Visit,
    code: &Arc<dyn Workflow>,
    how: How,
    replayed: &mut Replayed,
) -> Result<(), ReplayError> {
    let Visit { state, facts, end } = visit;
    let (root, nothing) = (state.root(), state.positions().next().is_none());
    let host = ReplayHost::new(state, facts, how);
    let came = drive::replay(&host, code, Voice::Heard).await?;
    if nothing && matches!(came, Came::Here(_)) {
        match end {
            // Its records are gone: those of the turn or state that followed have taken their place.
            VisitEnd::Again(_) | VisitEnd::Entered { .. } => return Ok(()),
            VisitEnd::Completed(_)
            | VisitEnd::Failed(Cause::Error { .. } | Cause::TimedOut { .. } | Cause::Panicked { .. }) => {
                return Err(ReplayError::NoRecords { id: replayed.id.clone() });
            }
            VisitEnd::Open | VisitEnd::Failed(_) | VisitEnd::Stuck(_) => {}
        }
    }
    let Site { file, line, .. } = code.meta().site;
    let site = format!("{} `{}`, {file}:{line}", code.meta().kind(), code.meta().name);
    let judged = Judged { id: &replayed.id, root: &root, site, redaction: &host.how().outside.redaction };
    replayed.end = judged.end(&end, came)?;
    replayed.visits += 1;
    let mut told = host.told();
    (replayed.steps, replayed.facts) = (replayed.steps + told.steps, replayed.facts + told.facts);
    replayed.unfinished.append(&mut told.unfinished);
    Ok(())
}
