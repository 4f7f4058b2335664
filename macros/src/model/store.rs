//! A checkpoint store: the methods of its trait, as a user writes them.

use syn::{ItemImpl, Path};

/// A method of `CheckpointStore`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreMethod {
    Append,
    LoadRun,
    Clear,
    Apply,
    AppliedLsn,
    Get,
    Scan,
}

impl StoreMethod {
    /// All of them, in the order of the trait.
    pub(crate) const ALL: [StoreMethod; 7] = [
        StoreMethod::Append,
        StoreMethod::LoadRun,
        StoreMethod::Clear,
        StoreMethod::Apply,
        StoreMethod::AppliedLsn,
        StoreMethod::Get,
        StoreMethod::Scan,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            StoreMethod::Append => "append",
            StoreMethod::LoadRun => "load_run",
            StoreMethod::Clear => "clear",
            StoreMethod::Apply => "apply",
            StoreMethod::AppliedLsn => "applied_lsn",
            StoreMethod::Get => "get",
            StoreMethod::Scan => "scan",
        }
    }

    /// How it is written, for messages.
    pub(crate) fn written(self) -> &'static str {
        match self {
            StoreMethod::Append => {
                "async fn append(&self, run: u64, sequence: u64, row: &[u8]) -> Result<(), CheckpointError>"
            }
            StoreMethod::LoadRun => "async fn load_run(&self, run: u64) -> Result<Vec<JournalRow>, CheckpointError>",
            StoreMethod::Clear => "async fn clear(&self, run: u64) -> Result<(), CheckpointError>",
            StoreMethod::Apply => "async fn apply(&self, batch: Batch, lsn: Lsn) -> Result<(), CheckpointError>",
            StoreMethod::AppliedLsn => "async fn applied_lsn(&self) -> Result<Lsn, CheckpointError>",
            StoreMethod::Get => {
                "async fn get(&self, table: &str, key: &[u8]) -> Result<Option<Vec<u8>>, CheckpointError>"
            }
            StoreMethod::Scan => {
                "async fn scan(&self, table: &str, range: KeyRange, limit: usize) -> Result<Vec<TableRow>, CheckpointError>"
            }
        }
    }
}

/// An implementation of `CheckpointStore`.
#[derive(Debug)]
pub(crate) struct StoreImpl {
    pub(crate) krate: Path,
    /// Its methods are those of the trait, and borrow `self`.
    pub(crate) item: ItemImpl,
    /// What it lacks; the user was told.
    pub(crate) missing: Vec<StoreMethod>,
}
