//! The journals of runs.

use super::{Kept, Store, refused, rows, same};
use crate::id::Lsn;
use crate::storage::{Batch, CheckpointError, KeyRange};

pub(super) async fn starts_empty(store: Store<'_>) -> Kept {
    same("the applied LSN", store.applied_lsn().await?, Lsn(0))?;
    same("the rows of a run", rows(store, 1).await?, vec![])?;
    same("the value of a key", store.get("runs", b"key").await?, None)?;
    same("a scan", store.scan("runs", KeyRange::all(), 10).await?, vec![])
}

pub(super) async fn ascends(store: Store<'_>) -> Kept {
    for sequence in [5, 1, 300, 2, 70_000] {
        store.append(7, sequence, &[sequence as u8]).await?;
    }
    let expected = vec![(1, vec![1]), (2, vec![2]), (5, vec![5]), (300, vec![44]), (70_000, vec![112])];
    same("the rows", rows(store, 7).await?, expected)
}

pub(super) async fn refuses_a_duplicate(store: Store<'_>) -> Kept {
    store.append(7, 1, b"first").await?;
    let answer = store.append(7, 1, b"second").await;
    refused("a duplicate", answer, |error| {
        matches!(error, CheckpointError::DuplicateSequence { run: 7, sequence: 1 })
    })?;
    same("the rows", rows(store, 7).await?, vec![(1, b"first".to_vec())])
}

pub(super) async fn keeps_runs_apart(store: Store<'_>) -> Kept {
    let runs = [0, 1, 255, 256, u64::MAX - 1, u64::MAX];
    for run in runs {
        store.append(run, 0, &run.to_be_bytes()).await?;
        store.append(run, u64::MAX, b"last").await?;
    }
    for run in runs {
        let expected = vec![(0, run.to_be_bytes().to_vec()), (u64::MAX, b"last".to_vec())];
        same(&format!("the rows of run {run}"), rows(store, run).await?, expected)?;
    }
    same("the rows of run 2", rows(store, 2).await?, vec![])
}

pub(super) async fn clears_one_run(store: Store<'_>) -> Kept {
    for run in 1..=3 {
        store.append(run, 0, b"row").await?;
        store.append(run, u64::MAX, b"row").await?;
    }
    store.clear(2).await?;
    store.clear(99).await?;
    same("the rows of the run that was cleared", rows(store, 2).await?, vec![])?;
    same("how many rows its neighbours have", rows(store, 1).await?.len() + rows(store, 3).await?.len(), 4)?;
    store.append(2, 0, b"again").await?;
    same("the rows that came after", rows(store, 2).await?, vec![(0, b"again".to_vec())])
}

pub(super) async fn leaves_the_lsn(store: Store<'_>) -> Kept {
    let mut batch = Batch::new();
    batch.put("runs", "key", "value");
    store.apply(batch, Lsn(5)).await?;
    store.append(1, 1, b"row").await?;
    store.clear(1).await?;
    same("the applied LSN", store.applied_lsn().await?, Lsn(5))
}

pub(super) async fn takes_any_bytes(store: Store<'_>) -> Kept {
    let every: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    store.append(1, 1, b"").await?;
    store.append(1, 2, &every).await?;
    same("the rows", rows(store, 1).await?, vec![(1, vec![]), (2, every)])
}
