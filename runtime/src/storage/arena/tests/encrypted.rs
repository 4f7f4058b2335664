//! Blobs that are encrypted: what stands in a segment, and what is handed out.

use super::*;
use crate::storage::crypt::{CryptError, EncryptionKey, KeyId, Provider, StaticKeys};

fn keys(byte: u8) -> Cipher {
    let keys = StaticKeys::new(KeyId::new("key").unwrap(), EncryptionKey::new([byte; 32]));
    let unlocked = Provider::new(keys).unlock(&real::entropy(), UUID.into_bytes(), None, String::new()).unwrap();
    unlocked.into_cipher()
}

impl Bench {
    fn encrypted(&self, known: Vec<BlobAt>) -> Arena {
        let arena = self.open_with(known).unwrap();
        arena.encrypt(&keys(1));
        arena
    }

    fn shows(&self, bytes: &[u8]) -> bool {
        self.segments().into_iter().any(|number| {
            let segment = self.read(&self.segment(number));
            segment.windows(bytes.len()).any(|window| window == bytes)
        })
    }
}

#[tokio::test]
async fn a_blob_stands_encrypted_and_is_handed_out_as_it_was_put() {
    let bench = Bench::new();
    let arena = bench.encrypted(Vec::new());
    let long = b"a secret that is long".repeat(100_000);
    let mut known = Vec::new();
    for bytes in [&b""[..], b"a secret that is short", &long] {
        let blob = put(&arena, bytes).await;
        let at = blob.at();
        assert_eq!((&*blob, blob.crc()), (bytes, crc32fast::hash(bytes)));
        assert!(at.encrypted && at.len == bytes.len() as u64 + 1 + 3 + 24 + 16, "{at:?}");
        known.push((at, bytes));
    }
    assert!(!bench.shows(b"a secret"));
    drop(arena);
    let arena = bench.encrypted(known.iter().map(|(at, _)| *at).collect());
    for (at, bytes) in &known {
        assert_eq!(&*arena.get(at.id).unwrap(), *bytes);
    }
    // What is put from now on comes beside what was put before.
    let without = bench.open_with(known.iter().map(|(at, _)| *at).collect()).unwrap();
    match without.get(known[1].0.id).unwrap_err() {
        StorageError::Encrypted { source, .. } => assert_eq!(source, CryptError::NoKeys),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn one_content_is_stored_once_and_known_by_its_own_digest() {
    let bench = Bench::new();
    let arena = bench.encrypted(Vec::new());
    let (digest, first) = arena.put_content(source(b"an artifact")).await.unwrap();
    assert_eq!(digest, Digest::of_bytes(&[b"an artifact"]));
    let (_, again) = arena.put_content(source(b"an artifact")).await.unwrap();
    assert_eq!(first.at(), again.at());
    let at = first.at();
    drop((arena, first, again));
    let arena = bench.encrypted(vec![at]);
    arena.known_content(digest, at.id).unwrap();
    assert_eq!(&*arena.get_content(digest).unwrap(), b"an artifact");
    let (_, later) = arena.put_content(source(b"an artifact")).await.unwrap();
    assert_eq!(later.at(), at);
}

#[tokio::test]
async fn a_blob_moves_as_it_stands_without_its_key() {
    let bench = Bench::new();
    let arena = bench.encrypted(Vec::new());
    let at = put(&arena, b"a secret").await.at();
    arena.close().await;
    drop(arena);
    // Without keys the others are not encrypted; they fill the segment, and die.
    let arena = bench.open_with(vec![at]).unwrap();
    while put(&arena, &[9; 16_000]).await.at().segment == at.segment {}
    let moved = arena.move_blobs(arena.survivors().unwrap()).await.unwrap();
    assert_eq!((moved.len(), moved[0].content()), (1, at.content()));
    assert_ne!(moved[0].segment, at.segment);
    arena.moved(moved.clone());
    arena.close().await;
    drop(arena);
    let arena = bench.encrypted(moved);
    assert_eq!(&*arena.get(at.id).unwrap(), b"a secret");
}

#[tokio::test]
async fn what_was_put_in_the_place_of_a_blob_is_refused() {
    let bench = Bench::new();
    let arena = bench.encrypted(Vec::new());
    let (one, two) = (put(&arena, b"pay Ann").await.at(), put(&arena, b"pay Bob").await.at());
    drop(arena);
    let path = bench.segment(one.segment);
    let whole = bench.read(&path);
    let content = |at: &BlobAt| header::content(at) as usize..header::content(at) as usize + at.len as usize;
    // Whoever changes what stands there changes checksums, too, and what rows say of them.
    let forged = BlobAt { crc: two.crc, ..one };
    bench.change(&path, |bytes| {
        bytes[content(&one)].copy_from_slice(&whole[content(&two)]);
        let at = one.offset as usize;
        bytes[at..at + header::HEADER as usize].copy_from_slice(&header::encode(&forged));
    });
    let arena = bench.encrypted(vec![forged]);
    match arena.get(one.id).unwrap_err() {
        StorageError::Encrypted { place, source: CryptError::Forged { key } } => {
            assert!(place.contains(&format!("blob {}", one.id)) && key.as_str() == "key", "{place}");
        }
        other => panic!("{other}"),
    }
    // A bit that changed by itself is damage, and no key is needed to say so.
    for arena in [bench.open_with(vec![two]).unwrap(), bench.encrypted(vec![two])] {
        bench.change(&path, |bytes| bytes[content(&two).start + 9] ^= 1);
        assert!(matches!(arena.get(two.id).unwrap_err(), StorageError::Damaged { .. }));
        bench.change(&path, |bytes| bytes[content(&two).start + 9] ^= 1);
    }
}
