//! The rows of blobs and artifacts, and who names them.

use std::collections::BTreeMap;

use super::{Pages, Verifier, tables};
use crate::codec::{ArtifactId, BlobAt, Digest};
use crate::engine::checkpoint::row::decode_blob;
use crate::id::{Lsn, RunNumber};

impl Verifier<'_> {
    /// Reads where blobs are, and who they are for.
    pub(super) async fn blobs(&mut self) {
        let mut pages = Pages::of(tables::BLOBS);
        while let Some(page) = self.next(&mut pages).await {
            for (key, row) in page {
                let Some(id) = tables::only_number(&key) else {
                    self.row(tables::BLOBS, &key, "an id of 8 bytes as the key".to_owned(), key.len());
                    continue;
                };
                match decode_blob(id, &row) {
                    Ok(at) => drop(self.out.blobs.insert(id, (at, None))),
                    Err(error) => self.row(tables::BLOBS, &key, "a row of a blob".to_owned(), error),
                }
                if self.all(Pages::prefix(tables::BLOB_RUNS, key.clone())).await.is_empty() {
                    self.row(tables::BLOBS, &key, "a run that names the blob".to_owned(), "none");
                }
            }
        }
        self.pairs(tables::BLOB_RUNS, tables::RUN_BLOBS, |blob, run| (blob, run)).await;
        self.pairs(tables::RUN_BLOBS, tables::BLOB_RUNS, |run, blob| (blob, run)).await;
        self.artifacts().await;
    }

    /// Each pair of one table stands in the other the other way round, and both of it are known.
    async fn pairs(&mut self, table: &'static str, other: &'static str, order: fn(u64, u64) -> (u64, u64)) {
        let mut pages = Pages::of(table);
        while let Some(page) = self.next(&mut pages).await {
            for (key, _) in page {
                let (Some(first), Some(second), 16) =
                    (tables::first_number(&key), tables::last_number(&key), key.len())
                else {
                    self.row(table, &key, "two numbers of 8 bytes as the key".to_owned(), key.len());
                    continue;
                };
                let (blob, run) = order(first, second);
                self.wants(other, tables::pair(second, first), &format!("the other way round in `{table}` it")).await;
                self.wants(tables::BLOBS, blob.to_be_bytes().to_vec(), &format!("run {run}, which names the blob,"))
                    .await;
                self.wants(tables::RUNS, tables::run(RunNumber(run)), &format!("a row of blob {blob}")).await;
            }
        }
    }

    async fn artifacts(&mut self) {
        let mut pages = Pages::of(tables::ARTIFACTS);
        while let Some(page) = self.next(&mut pages).await {
            for (key, blob) in page {
                let Ok(digest) = <[u8; 32]>::try_from(key.as_slice()) else {
                    self.row(tables::ARTIFACTS, &key, "a SHA-256 as the key".to_owned(), key.len());
                    continue;
                };
                let back = self.get(tables::BLOB_ARTIFACTS, &blob).await;
                let known = tables::only_number(&blob).and_then(|id| self.out.blobs.get_mut(&id));
                match known {
                    Some((_, artifact)) if back.as_ref() == Some(&key) => *artifact = Some(ArtifactId(Digest(digest))),
                    _ => {
                        let expected = "a blob that has a row, and the name of this artifact".to_owned();
                        self.row(tables::ARTIFACTS, &key, expected, super::hex(&blob));
                    }
                }
            }
        }
        let mut pages = Pages::of(tables::BLOB_ARTIFACTS);
        while let Some(page) = self.next(&mut pages).await {
            for (blob, artifact) in page {
                self.wants(tables::ARTIFACTS, artifact, "a blob with its name").await;
                self.wants(tables::BLOBS, blob, "an artifact").await;
            }
        }
    }

    /// Every blob that the checkpoint's records of a run name has its rows.
    pub(super) async fn named(&mut self, run: RunNumber, blobs: &BTreeMap<u64, (BlobAt, Lsn)>) {
        for (&id, &(at, lsn)) in blobs {
            self.is_same(at, lsn);
            let from = format!("the record with LSN {lsn} of run {}", run.0);
            self.wants(tables::BLOBS, id.to_be_bytes().to_vec(), &from).await;
            self.wants(tables::BLOB_RUNS, tables::pair(id, run.0), &from).await;
            self.wants(tables::RUN_BLOBS, tables::pair(run.0, id), &from).await;
        }
    }

    /// A run in flight has every record that it ever had, and so every blob that the rows give it.
    pub(super) async fn names_all(&mut self, run: RunNumber, blobs: &BTreeMap<u64, (BlobAt, Lsn)>) {
        for (key, _) in self.all(Pages::prefix(tables::RUN_BLOBS, tables::run(run))).await {
            if tables::last_number(&key).is_none_or(|blob| !blobs.contains_key(&blob)) {
                self.row(tables::RUN_BLOBS, &key, "a record of the run that names the blob".to_owned(), "none");
            }
        }
    }

    /// Blobs that the log's tail names: a row outweighs what the record says of the place.
    pub(super) fn named_since(&mut self, blobs: &BTreeMap<u64, (BlobAt, Lsn)>) {
        for (&id, &(at, lsn)) in blobs {
            self.is_same(at, lsn);
            self.out.blobs.entry(id).or_insert((at, None));
        }
    }

    /// A blob may move; its bytes are the same.
    fn is_same(&mut self, at: BlobAt, lsn: Lsn) {
        let Some((known, _)) = self.out.blobs.get(&at.id) else { return };
        if known.content() != at.content() {
            let found = format!("{known:?}");
            self.row(
                tables::BLOBS,
                &at.id.to_be_bytes(),
                format!("{at:?}, as LSN {lsn} says, or where it was moved"),
                found,
            );
        }
    }
}
