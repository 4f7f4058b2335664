//! Found in a review: each failed once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use factum::prelude::*;
use factum::{Batch, Blob, CheckpointError, CheckpointStore, JournalRow, KeyRange, Lsn, MemoryCheckpoint};

use crate::world::{Oops, World, builder, open};

#[step(pure)]
async fn len(blob: Blob) -> usize {
    blob.len()
}

#[saga(app = World)]
async fn measure(blob: Blob) -> Result<usize, Oops> {
    Ok(len(blob).await)
}

#[saga(app = World)]
async fn quick(n: u32) -> Result<u32, Oops> {
    Ok(n)
}

#[tokio::test]
async fn a_blob_of_another_engine_is_refused_and_the_directory_still_opens() {
    let (one, two, world) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), World::new());
    let first = builder(one.path(), &world).saga(measure).open().await.unwrap();
    let other = builder(two.path(), &world).saga(measure).open().await.unwrap();
    let blob = first.put(vec![7; 9000]).await.unwrap();
    let refused = other.start(measure(blob)).id("m").await.map(|_| ());
    drop(other);
    let other = open(|| builder(two.path(), &world).saga(measure)).await;
    assert!(refused.is_err(), "a run was acknowledged whose input is not here");
    other.shutdown().await.unwrap();
    first.shutdown().await.unwrap();
}

/// A store that cannot be reached for one look at what ended.
#[derive(Debug, Clone, Default)]
struct Flaky(MemoryCheckpoint, Arc<AtomicBool>);

#[factum::checkpoint_store]
impl CheckpointStore for Flaky {
    async fn append(&self, run: u64, sequence: u64, row: &[u8]) -> Result<(), CheckpointError> {
        self.0.append(run, sequence, row).await
    }
    async fn load_run(&self, run: u64) -> Result<Vec<JournalRow>, CheckpointError> {
        self.0.load_run(run).await
    }
    async fn clear(&self, run: u64) -> Result<(), CheckpointError> {
        self.0.clear(run).await
    }
    async fn apply(&self, batch: Batch, lsn: Lsn) -> Result<(), CheckpointError> {
        self.0.apply(batch, lsn).await
    }
    async fn applied_lsn(&self) -> Result<Lsn, CheckpointError> {
        self.0.applied_lsn().await
    }
    async fn get(&self, table: &str, key: &[u8]) -> Result<Option<Vec<u8>>, CheckpointError> {
        self.0.get(table, key).await
    }
    async fn scan(
        &self,
        table: &str,
        range: KeyRange,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>, CheckpointError> {
        if table == "ended" && self.1.swap(false, Ordering::SeqCst) {
            return Err(CheckpointError::transient(std::io::Error::other("gone for a moment")));
        }
        self.0.scan(table, range, limit).await
    }
}

#[tokio::test]
async fn a_store_that_is_gone_for_a_moment_does_not_stop_the_engine_when_it_looks_for_old_runs() {
    let (dir, world, store) = (tempfile::tempdir().unwrap(), World::new(), Flaky::default());
    let eager = builder(dir.path(), &world).saga(quick).checkpoint_interval(Duration::from_millis(5));
    let engine = eager.keep_ended(1).checkpoint_store(store.clone()).open().await.unwrap();
    store.1.store(true, Ordering::SeqCst);
    assert_eq!(engine.run(quick(1)).id("a").await.unwrap(), 1);
    while store.1.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
    for n in 0..5 {
        let ran = engine.run(quick(n)).id(format!("n{n}")).await;
        assert!(ran.is_ok(), "{:?}", ran.map_err(|e| e.to_string()));
    }
    while engine.list().await.unwrap().len() > 1 {
        tokio::task::yield_now().await;
    }
    engine.shutdown().await.unwrap();
}
