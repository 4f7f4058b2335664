//! Where the records of a log go when it is opened.

use std::error::Error;
use std::sync::Arc;

use super::load::Loaded;
use super::record::RawRecord;
use crate::id::Lsn;

/// Takes the records of a log.
pub(crate) trait Replay {
    /// Who takes them, at once if there are several: one lane takes them as they stand in the log; of several each
    /// takes the records of its share of the runs, a segment at a time, run after run.
    fn lanes(&mut self) -> Vec<&mut dyn Lane>;

    /// All records of a segment were taken.
    ///
    /// # Errors
    /// When one of them is refused, as by a lane.
    fn taken(&mut self) -> Result<(), Refusal> {
        Ok(())
    }
}

/// Takes some of the records of a log: each once, and those of one run in their order.
pub(crate) trait Lane: Send {
    /// Takes one record.
    ///
    /// # Errors
    /// When it is none that this version can take: an unknown kind, a body
    /// that is none. The log is then not opened, and nothing was changed.
    fn record(&mut self, lsn: Lsn, record: &RawRecord<'_>) -> Result<(), ReplayError>;
}

/// Why a record was refused.
#[derive(Debug, Clone)]
pub(crate) struct ReplayError(pub(super) Arc<dyn Error + Send + Sync>);

/// A record that was refused.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) lsn: Lsn,
    pub(crate) reason: ReplayError,
}

impl ReplayError {
    /// A refusal for this reason: an error, or a text.
    pub(crate) fn new(reason: impl Into<Box<dyn Error + Send + Sync>>) -> ReplayError {
        ReplayError(reason.into().into())
    }
}

/// How many records are asked for at once.
const AHEAD: usize = 16;

/// Which of so many lanes takes the records of a run.
pub(crate) fn lane_of(run: u64, lanes: usize) -> usize {
    (run % lanes.max(1) as u64) as usize
}

/// Gives a lane, one of `of`, what is its share of a segment's records.
pub(super) fn share(lane: &mut dyn Lane, index: usize, of: usize, segment: &Loaded) -> Result<(), Refusal> {
    let mut give = |lsn, record: &RawRecord<'_>| lane.record(lsn, record).map_err(|reason| Refusal { lsn, reason });
    if of == 1 {
        return segment.records().try_for_each(|(lsn, record)| give(lsn, &record));
    }
    // A run's records one after the other: what is known of it is at hand then.
    let mut share: Vec<(u64, usize)> =
        segment.runs().enumerate().filter(|(_, run)| lane_of(*run, of) == index).map(|(nth, run)| (run, nth)).collect();
    share.sort_unstable();
    for some in share.chunks(AHEAD) {
        // They lie apart: the memory gives them sooner if it is asked for several at once.
        some.iter().for_each(|(_, nth)| segment.touch(*nth));
        some.iter().try_for_each(|(_, nth)| {
            let (lsn, record) = segment.record(*nth);
            give(lsn, &record)
        })?;
    }
    Ok(())
}
