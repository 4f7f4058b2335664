//! The checkpoint's store gives back what it does not need.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::engine::Error;
use crate::engine::core::Core;
use crate::storage::StorageError;

impl Core {
    /// Has the store give back space. Runs go on meanwhile; only the checkpoint stands still.
    pub(crate) async fn compact(self: &Arc<Self>) -> Result<(), Error> {
        self.is_open()?;
        let (done, wait) = oneshot::channel();
        let core = self.clone();
        let work = async move {
            let compacted = {
                let _nobody_writes = core.checkpoint.writing.lock().await;
                core.checkpoint.store.compact().await
            };
            // The caller may have gone away.
            let _: Result<(), _> = done.send(compacted.map_err(StorageError::from));
        };
        // It may block on the disk.
        let thread = self.platform.exec.spawn_thread("factum-compact", Box::pin(work));
        let _thread = thread.map_err(|error| Error::Internal { reason: format!("no thread to compact: {error}") })?;
        let compacted = wait.await;
        compacted.unwrap_or_else(|_| Err(StorageError::from(panicked())))?;
        Ok(())
    }
}

fn panicked() -> crate::storage::checkpoint::CheckpointError {
    crate::storage::checkpoint::CheckpointError::Panicked { message: "while it was compacted".to_owned() }
}
