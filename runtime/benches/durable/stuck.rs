//! A checkpoint that never takes anything: what its engine records stays in the log, segment after segment, as if the
//! process had been killed before anything was applied.

use factum::{Batch, CheckpointError, CheckpointStore, JournalRow, KeyRange, Lsn, MemoryCheckpoint, TableRow};

#[derive(Debug)]
pub(crate) struct Stuck(pub(crate) MemoryCheckpoint);

type Stored<T> = Result<T, CheckpointError>;

#[factum::checkpoint_store]
impl CheckpointStore for Stuck {
    async fn append(&self, _run: u64, _sequence: u64, _row: &[u8]) -> Stored<()> {
        std::future::pending().await
    }

    async fn load_run(&self, run: u64) -> Stored<Vec<JournalRow>> {
        self.0.load_run(run).await
    }

    async fn clear(&self, _run: u64) -> Stored<()> {
        std::future::pending().await
    }

    async fn apply(&self, _batch: Batch, _lsn: Lsn) -> Stored<()> {
        std::future::pending().await
    }

    async fn applied_lsn(&self) -> Stored<Lsn> {
        self.0.applied_lsn().await
    }

    async fn get(&self, table: &str, key: &[u8]) -> Stored<Option<Vec<u8>>> {
        self.0.get(table, key).await
    }

    async fn scan(&self, table: &str, range: KeyRange, limit: usize) -> Stored<Vec<TableRow>> {
        self.0.scan(table, range, limit).await
    }
}
