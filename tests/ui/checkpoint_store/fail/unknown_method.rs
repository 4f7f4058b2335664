use factum::{Batch, CheckpointError, CheckpointStore, JournalRow, KeyRange, Lsn, TableRow, checkpoint_store};

#[derive(Debug)]
struct Store;

#[checkpoint_store]
impl CheckpointStore for Store {
    async fn append(&self, _: u64, _: u64, _: &[u8]) -> Result<(), CheckpointError> {
        Ok(())
    }

    async fn clear(&self, _: u64) -> Result<(), CheckpointError> {
        Ok(())
    }

    async fn apply(&self, _: Batch, _: Lsn) -> Result<(), CheckpointError> {
        Ok(())
    }

    async fn applied_lsn(&self) -> Result<Lsn, CheckpointError> {
        Ok(Lsn(0))
    }

    async fn get(&self, _: &str, _: &[u8]) -> Result<Option<Vec<u8>>, CheckpointError> {
        Ok(None)
    }

    async fn scan(&self, _: &str, _: KeyRange, _: usize) -> Result<Vec<TableRow>, CheckpointError> {
        Ok(Vec::new())
    }

    async fn laod_run(&self, _: u64) -> Result<Vec<JournalRow>, CheckpointError> {
        Ok(Vec::new())
    }
}

fn main() {}
