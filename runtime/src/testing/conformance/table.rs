//! Tables: keys, values, and scans.

use super::{Broken, Kept, Store, same};
use crate::id::Lsn;
use crate::storage::{Batch, KeyRange};

/// Puts keys into a table, with themselves as values, in an order that is none.
async fn fill(store: Store<'_>, table: &str, keys: &[&[u8]]) -> Kept {
    let mut batch = Batch::new();
    for key in keys.iter().skip(1).step_by(2).chain(keys.iter().step_by(2)) {
        batch.put(table.to_owned(), *key, *key);
    }
    Ok(store.apply(batch, Lsn(1)).await?)
}

async fn keys(store: Store<'_>, table: &str, range: KeyRange, limit: usize) -> Result<Vec<Vec<u8>>, Broken> {
    let rows = store.scan(table, range, limit).await?;
    if let Some((key, value)) = rows.iter().find(|(key, value)| key != value) {
        return Err(Broken(format!("the key {key:?} has the value {value:?} of another")));
    }
    Ok(rows.into_iter().map(|(key, _)| key).collect())
}

fn owned(keys: &[&[u8]]) -> Vec<Vec<u8>> {
    keys.iter().map(|key| key.to_vec()).collect()
}

const KEYS: [&[u8]; 8] = [b"", b"\0", b"a", b"a\0", b"ab", b"b", b"\xff", b"\xff\xff"];

pub(super) async fn overwrites(store: Store<'_>) -> Kept {
    for (lsn, value) in [(1, "first"), (2, "second"), (3, "")] {
        let mut batch = Batch::new();
        batch.put("runs", "key", value).put("runs", "", value);
        store.apply(batch, Lsn(lsn)).await?;
        same("the value", store.get("runs", b"key").await?, Some(value.into()))?;
        same("the value of the empty key", store.get("runs", b"").await?, Some(value.into()))?;
    }
    same("the value of another key", store.get("runs", b"ke").await?, None)?;
    same("how many rows there are", store.scan("runs", KeyRange::all(), 9).await?.len(), 2)
}

pub(super) async fn removes(store: Store<'_>) -> Kept {
    fill(store, "runs", &KEYS).await?;
    let mut batch = Batch::new();
    batch.remove("runs", "a").remove("runs", "no such key").remove("no_such_table", "key");
    store.apply(batch, Lsn(2)).await?;
    same("the value that was removed", store.get("runs", b"a").await?, None)?;
    let expected = owned(&[b"", b"\0", b"a\0", b"ab", b"b", b"\xff", b"\xff\xff"]);
    let mut left = keys(store, "runs", KeyRange::all(), 99).await?;
    left.sort();
    same("what is left", left, expected)
}

pub(super) async fn keeps_tables_apart(store: Store<'_>) -> Kept {
    let mut batch = Batch::new();
    batch.put("a", "bc", "one").put("ab", "c", "two").put("journals", "c", "three").put("applied_lsn", "c", "four");
    batch.append(1, 1, "row");
    store.apply(batch, Lsn(9)).await?;
    same("the rows of `a`", store.scan("a", KeyRange::all(), 9).await?, vec![(b"bc".to_vec(), b"one".to_vec())])?;
    same("the rows of `ab`", store.scan("ab", KeyRange::all(), 9).await?, vec![(b"c".to_vec(), b"two".to_vec())])?;
    same("a key of another table", store.get("a", b"c").await?, None)?;
    same("a table of any name", store.get("journals", b"c").await?, Some(b"three".to_vec()))?;
    same("a table of any name", store.get("applied_lsn", b"c").await?, Some(b"four".to_vec()))?;
    same("the applied LSN", store.applied_lsn().await?, Lsn(9))
}

pub(super) async fn scans_by_bytes(store: Store<'_>) -> Kept {
    fill(store, "runs", &KEYS).await?;
    same("the keys", keys(store, "runs", KeyRange::all(), usize::MAX).await?, owned(&KEYS))
}

pub(super) async fn descends(store: Store<'_>) -> Kept {
    fill(store, "runs", &KEYS).await?;
    let mut expected = owned(&KEYS);
    expected.reverse();
    same("the keys", keys(store, "runs", KeyRange::all().descending(), usize::MAX).await?, expected)
}

pub(super) async fn is_limited(store: Store<'_>) -> Kept {
    fill(store, "runs", &KEYS).await?;
    same("none", keys(store, "runs", KeyRange::all(), 0).await?, vec![])?;
    same("the first three", keys(store, "runs", KeyRange::all(), 3).await?, owned(&KEYS[..3]))?;
    let last = keys(store, "runs", KeyRange::all().descending(), 2).await?;
    same("the last two", last, owned(&[b"\xff\xff", b"\xff"]))
}

pub(super) async fn keeps_to_the_range(store: Store<'_>) -> Kept {
    fill(store, "runs", &KEYS).await?;
    let tries = [
        ("from a key through a key", KeyRange::from("a").through("b"), owned(&[b"a", b"a\0", b"ab", b"b"])),
        ("after a key, before a key", KeyRange::after("a").before("b"), owned(&[b"a\0", b"ab"])),
        ("from a key that is not there", KeyRange::from("aa").before("z"), owned(&[b"ab", b"b"])),
        ("a prefix", KeyRange::prefix("a"), owned(&[b"a", b"a\0", b"ab"])),
        ("the highest prefix", KeyRange::prefix([0xff]), owned(&[b"\xff", b"\xff\xff"])),
        ("to the end", KeyRange::after("b"), owned(&[b"\xff", b"\xff\xff"])),
        ("descending", KeyRange::after("a").through("b").descending(), owned(&[b"b", b"ab", b"a\0"])),
        ("one key", KeyRange::from("ab").through("ab"), owned(&[b"ab"])),
    ];
    for (what, range, expected) in tries {
        same(what, keys(store, "runs", range, 99).await?, expected)?;
    }
    Ok(())
}

pub(super) async fn takes_an_empty_range(store: Store<'_>) -> Kept {
    fill(store, "runs", &KEYS).await?;
    let ranges = [
        KeyRange::from("b").before("b"),
        KeyRange::after("b").before("b"),
        KeyRange::after("b").through("a"),
        KeyRange::from("c").through("d"),
    ];
    for range in ranges {
        let what = format!("{range:?}");
        same(&what, keys(store, "runs", range.clone(), 9).await?, vec![])?;
        same(&what, keys(store, "runs", range.descending(), 9).await?, vec![])?;
    }
    same("a table that is not there", store.scan("none", KeyRange::all(), 9).await?, vec![])
}
