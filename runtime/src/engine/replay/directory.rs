//! Every run in flight of a data directory that nobody has open, replayed against the present code.
//!
//! What must always hold: not a byte is changed, but that a directory without a file `LOCK` gets one; a run is replayed
//! as an engine replays it when it opens the directory, so that both come to one verdict.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::drive::{self, Voice};
use super::host::{Bodies, How, ReplayHost};
use super::{Code, DivergingRun, ReplayError, ReplayReport};
use crate::codec::BlobSource;
use crate::engine::checkpoint::{self, Record};
use crate::engine::core::Outside;
use crate::engine::operator::retried;
use crate::engine::registry::Registry;
use crate::engine::{Error, MissingStep, MissingWorkflow};
use crate::id::{Lsn, RunId, RunNumber};
use crate::io::{Memory, Shelf};
use crate::journal::Decoder;
use crate::platform::{Entropy, Fs};
use crate::run::{Phase, RunState};
use crate::storage::arena::ArenaLook;
use crate::storage::checkpoint::{CheckpointStore, MemoryCheckpoint, RedbCheckpoint};
use crate::storage::crypt::Provider;
use crate::storage::{self, Look, Problem, StorageError};

/// How many bytes of the checkpoint are kept in memory meanwhile.
const CACHE: usize = 16 << 20;

/// Replays every run in flight; the checkpoint is in `store`, or in the directory if there is none. Blocks.
///
/// # Errors
/// When the directory is in use, is none, is damaged, or cannot be read; when it is encrypted, and `keys` are not its keys.
pub(crate) async fn verify_replay(
    fs: Arc<dyn Fs>,
    entropy: Arc<dyn Entropy>,
    dir: &Path,
    store: Option<Arc<dyn CheckpointStore>>,
    keys: Option<&Provider>,
    code: &Code,
) -> Result<ReplayReport, Error> {
    let Code { registry, outside } = code;
    let look = Look::at(fs.clone(), dir)?;
    let cipher = look.unlock_all(&entropy, keys)?.into_cipher();
    let store = match store {
        Some(store) => store,
        None => own_store(&look)?,
    };
    let store = checkpoint::plain(&store, &cipher);
    let applied = store.applied_lsn().await.map_err(StorageError::from)?;
    let mut tail = tail(&fs, dir, applied)?;
    let known = checkpoint::blobs(&*store).await?;
    let source: Arc<dyn BlobSource> = Arc::new(ArenaLook::new(fs, dir, known, cipher.clone()));
    let decoder = Decoder { cipher, source: Some(source), names: None };
    let mut numbers: BTreeSet<RunNumber> = tail.keys().copied().collect();
    numbers.extend(checkpoint::in_flight(&*store).await?);
    let mut found = Found { registry, outside, report: ReplayReport::default(), missing: BTreeMap::new() };
    for number in numbers {
        let mut records = checkpoint::records(&*store, number).await.map_err(StorageError::from)?.unwrap_or_default();
        records.extend(tail.remove(&number).unwrap_or_default());
        // Of one that was forgotten the last word may be all there is.
        if records.first().is_some_and(Record::starts) {
            found.run(checkpoint::added_up(number, &records, &decoder)?).await?;
        }
    }
    let Found { mut report, missing, .. } = found;
    let missing = missing.into_iter().map(|((name, version), mut runs)| {
        runs.sort();
        MissingWorkflow { name, version, runs }
    });
    report.missing = missing.collect();
    Ok(report)
}

/// The default store, as it is.
fn own_store(look: &Look) -> Result<Arc<dyn CheckpointStore>, StorageError> {
    let Some(file) = look.checkpoint()? else {
        // An engine that has not applied anything yet has made none.
        return Ok(Arc::new(MemoryCheckpoint::new()));
    };
    let uuid = look.uuid.ok_or_else(|| StorageError::MissingManifest { dir: look.dir.clone(), file: file.clone() })?;
    Ok(Arc::new(RedbCheckpoint::look(&look.fs, &file, uuid, CACHE)?))
}

/// The records behind the checkpoint, by run.
fn tail(fs: &Arc<dyn Fs>, dir: &Path, applied: Lsn) -> Result<BTreeMap<RunNumber, Vec<Record>>, StorageError> {
    let mut tail: BTreeMap<RunNumber, Vec<Record>> = BTreeMap::new();
    let log = storage::verify_log(fs.clone(), dir, applied, &mut |lsn, raw| {
        if lsn > applied {
            tail.entry(RunNumber(raw.run)).or_default().push(Record::of(lsn, raw));
        }
    });
    match log.problems.into_iter().next() {
        None => Ok(tail),
        Some(Problem { file, offset, expected, found }) => Err(StorageError::Damaged { file, offset, expected, found }),
    }
}

/// What was found so far.
struct Found<'a> {
    registry: &'a Registry,
    outside: &'a Outside,
    report: ReplayReport,
    missing: BTreeMap<(String, u32), Vec<RunId>>,
}

impl Found<'_> {
    async fn run(&mut self, mut state: RunState) -> Result<(), Error> {
        if state.phase.has_ended() {
            return Ok(());
        }
        if state.phase.is_held_up() {
            // It goes on when somebody says so, and then as it would now.
            let (last, event) = (state.last, retried(&state));
            state.apply(last, &event).map_err(|illegal| Error::Internal { reason: illegal.to_string() })?;
        }
        let start = state.start.clone();
        if let Some(needs) = self.registry.missing(&start.workflow, start.version, &state.input) {
            self.missing.entry(needs).or_default().push(start.id);
            return Ok(());
        }
        let Some(workflow) = self.registry.workflow(&start.workflow, start.version) else { return Ok(()) };
        let needed = state.undos_needed().filter(|(step, kind)| !self.registry.undoes(step, *kind));
        let steps: BTreeSet<String> = needed.map(|(step, _)| step.to_string()).collect();
        let run = &start.id;
        self.report.missing_steps.extend(steps.into_iter().map(|step| MissingStep { step, run: run.clone() }));
        if state.cancel_requested || !matches!(state.phase, Phase::Forward) {
            self.report.rolling_back += 1;
            return Ok(());
        }
        let how = How {
            whole: false,
            turn_follows: false,
            bodies: Bodies::default(),
            outside: self.outside.clone(),
            shelf: Shelf::Memory(Arc::new(Memory::new([]))),
        };
        let in_step = state.is_within_facts();
        let host = ReplayHost::new(state, Default::default(), how);
        match drive::replay(&host, workflow, Voice::Muted).await {
            Ok(_) => {
                self.report.fit += 1;
                self.report.in_step.extend(in_step.then_some(start.id));
            }
            Err(ReplayError::Diverged { id, divergence }) => self.report.diverging.push(DivergingRun {
                id,
                workflow: start.workflow.into_owned(),
                version: start.version,
                divergence: *divergence,
            }),
            Err(ReplayError::Engine(Error::Unreadable { id, reason })) => self.report.unreadable.push((id, reason)),
            Err(ReplayError::Engine(error)) => return Err(error),
            Err(other) => return Err(Error::Internal { reason: other.to_string() }),
        }
        Ok(())
    }
}
