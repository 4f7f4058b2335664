//! Batches: whole, in order, and at an LSN.

use super::{Kept, Store, refused, rows, same};
use crate::id::Lsn;
use crate::storage::{Batch, CheckpointError, MAX_KEY, MAX_TABLE_NAME, MAX_VALUE};

pub(super) async fn does_all(store: Store<'_>) -> Kept {
    store.append(2, 1, b"old").await?;
    let mut before = Batch::new();
    before.put("runs", "gone", "value");
    store.apply(before, Lsn(3)).await?;
    let mut batch = Batch::new();
    batch.append(1, 1, "row").clear(2).put("runs", "key", "value").remove("runs", "gone");
    store.apply(batch, Lsn(10)).await?;
    same("the row that it adds", rows(store, 1).await?, vec![(1, b"row".to_vec())])?;
    same("the rows that it clears", rows(store, 2).await?, vec![])?;
    same("the value that it puts", store.get("runs", b"key").await?, Some(b"value".to_vec()))?;
    same("the value that it removes", store.get("runs", b"gone").await?, None)?;
    same("the applied LSN", store.applied_lsn().await?, Lsn(10))
}

pub(super) async fn keeps_its_order(store: Store<'_>) -> Kept {
    let mut batch = Batch::new();
    batch.append(1, 1, "before").clear(1).append(1, 1, "after").append(1, 2, "last");
    batch.put("runs", "removed", "value").remove("runs", "removed");
    batch.remove("runs", "put").put("runs", "put", "first").put("runs", "put", "second");
    store.apply(batch, Lsn(1)).await?;
    same("the rows", rows(store, 1).await?, vec![(1, b"after".to_vec()), (2, b"last".to_vec())])?;
    same("a key that was put, then removed", store.get("runs", b"removed").await?, None)?;
    same("a key that was put twice", store.get("runs", b"put").await?, Some(b"second".to_vec()))
}

/// What is there before a batch that is refused; `unchanged` looks for it afterwards.
async fn before(store: Store<'_>) -> Kept {
    let mut batch = Batch::new();
    batch.append(1, 1, "row").put("runs", "key", "old");
    Ok(store.apply(batch, Lsn(5)).await?)
}

/// What a batch does ahead of what it is refused for.
fn ahead() -> Batch {
    let mut batch = Batch::new();
    batch.append(2, 1, "new").clear(1).put("runs", "key", "new").put("other", "key", "new");
    batch
}

async fn unchanged(store: Store<'_>) -> Kept {
    same("the rows that were to be cleared", rows(store, 1).await?, vec![(1, b"row".to_vec())])?;
    same("the rows that were to be added", rows(store, 2).await?, vec![])?;
    same("the value that was to be put", store.get("runs", b"key").await?, Some(b"old".to_vec()))?;
    same("the value in a new table", store.get("other", b"key").await?, None)?;
    same("the applied LSN", store.applied_lsn().await?, Lsn(5))
}

pub(super) async fn is_atomic(store: Store<'_>) -> Kept {
    before(store).await?;
    store.append(3, 1, b"there").await?;
    let mut batch = ahead();
    batch.append(3, 1, "twice").put("runs", "key", "later");
    refused("the batch", store.apply(batch, Lsn(6)).await, |error| {
        matches!(error, CheckpointError::DuplicateSequence { run: 3, sequence: 1 })
    })?;
    unchanged(store).await
}

pub(super) async fn refuses_its_own_duplicate(store: Store<'_>) -> Kept {
    before(store).await?;
    let mut batch = ahead();
    batch.append(4, 9, "one").append(4, 9, "two");
    refused("the batch", store.apply(batch, Lsn(6)).await, |error| {
        matches!(error, CheckpointError::DuplicateSequence { run: 4, sequence: 9 })
    })?;
    unchanged(store).await
}

pub(super) async fn refuses_a_stale_lsn(store: Store<'_>) -> Kept {
    before(store).await?;
    refused("the batch", store.apply(ahead(), Lsn(4)).await, |error| {
        matches!(error, CheckpointError::Stale { applied: Lsn(5), lsn: Lsn(4) })
    })?;
    unchanged(store).await
}

pub(super) async fn takes_the_same_lsn(store: Store<'_>) -> Kept {
    before(store).await?;
    store.apply(ahead(), Lsn(5)).await?;
    same("the value that was put", store.get("runs", b"key").await?, Some(b"new".to_vec()))?;
    same("the applied LSN", store.applied_lsn().await?, Lsn(5))
}

pub(super) async fn moves_on_when_empty(store: Store<'_>) -> Kept {
    store.apply(Batch::new(), Lsn(u64::MAX - 1)).await?;
    same("the applied LSN", store.applied_lsn().await?, Lsn(u64::MAX - 1))
}

pub(super) async fn refuses_what_is_too_large(store: Store<'_>) -> Kept {
    before(store).await?;
    let is_too_large = |error: &CheckpointError| matches!(error, CheckpointError::TooLarge { .. });
    let mut key = ahead();
    key.put("runs", vec![1; MAX_KEY + 1], "value");
    refused("a key that is too large", store.apply(key, Lsn(6)).await, is_too_large)?;
    unchanged(store).await?;
    let mut value = ahead();
    value.put("runs", "large", vec![1; MAX_VALUE + 1]);
    refused("a value that is too large", store.apply(value, Lsn(6)).await, is_too_large)?;
    unchanged(store).await
}

pub(super) async fn keeps_what_is_large(store: Store<'_>) -> Kept {
    let (key, value) = (vec![7; MAX_KEY], vec![8; 2 << 20]);
    let mut batch = Batch::new();
    batch.put("runs", key.clone(), value.clone());
    store.apply(batch, Lsn(1)).await?;
    same("the value is there", store.get("runs", &key).await? == Some(value), true)
}

pub(super) async fn refuses_a_bad_name(store: Store<'_>) -> Kept {
    before(store).await?;
    for name in ["", "two words", "stra\u{df}e", "line\n", &"x".repeat(MAX_TABLE_NAME + 1)] {
        let mut batch = ahead();
        batch.put(name.to_owned(), "key", "value");
        let answer = store.apply(batch, Lsn(6)).await;
        refused(&format!("the name {name:?}"), answer, |error| matches!(error, CheckpointError::BadTable { .. }))?;
        unchanged(store).await?;
    }
    let mut batch = Batch::new();
    batch.put("x".repeat(MAX_TABLE_NAME), "key", "value");
    Ok(store.apply(batch, Lsn(6)).await?)
}
