//! Where the records of a log go when it is opened.

use std::error::Error;
use std::sync::Arc;

use super::record::RawRecord;
use crate::id::Lsn;

/// Takes the records of a log, each once and in order.
pub(crate) trait Replay {
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

impl ReplayError {
    /// A refusal for this reason: an error, or a text.
    pub(crate) fn new(reason: impl Into<Box<dyn Error + Send + Sync>>) -> ReplayError {
        ReplayError(reason.into().into())
    }
}
