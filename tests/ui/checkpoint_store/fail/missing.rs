use factum::{Batch, CheckpointError, CheckpointStore, JournalRow, Lsn, checkpoint_store};

#[derive(Debug)]
struct Store;

#[checkpoint_store]
impl CheckpointStore for Store {
    async fn append(&self, _: u64, _: u64, _: &[u8]) -> Result<(), CheckpointError> {
        Ok(())
    }

    async fn load_run(&self, _: u64) -> Result<Vec<JournalRow>, CheckpointError> {
        Ok(Vec::new())
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
}

fn main() {}
