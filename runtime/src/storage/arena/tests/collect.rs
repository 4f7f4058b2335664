//! What can go goes, and nothing else.

use super::*;
use crate::storage::arena::collect::SegmentCopy;

/// Puts blobs of a third of a segment each, until there is another segment: three are in the first one.
async fn three_and_one(arena: &Arena) -> Vec<Blob> {
    let mut blobs = Vec::new();
    for i in 1..=4u8 {
        blobs.push(put(arena, &vec![i; 16_000]).await);
    }
    let segments: Vec<u64> = blobs.iter().map(|blob| blob.at().segment).collect();
    assert_eq!(segments, [1, 1, 1, 2]);
    blobs
}

fn gone(arena: &Arena) -> u64 {
    let collected = arena.collect();
    assert!(collected.failures.is_empty(), "{:?}", collected.failures);
    collected.segments
}

#[tokio::test]
async fn a_segment_stays_as_long_as_somebody_has_one_of_its_blobs() {
    let bench = Bench::new();
    let arena = bench.open();
    let mut blobs = three_and_one(&arena).await;
    drop(blobs.drain(1..));
    assert_eq!((gone(&arena), bench.segments()), (0, vec![1, 2]));
    assert_eq!(*blobs[0], [1; 16_000]);
    drop(blobs);
    assert_eq!((gone(&arena), bench.segments()), (1, vec![2]));
    let stats = arena.stats();
    assert_eq!((stats.segments, stats.bytes_allocated, stats.blobs, stats.bytes_live), (1, SEGMENT, 0, 0));
}

#[tokio::test]
async fn a_segment_stays_until_the_records_that_name_it_are_in_a_durable_checkpoint() {
    let bench = Bench::new();
    let arena = bench.open();
    let blobs = three_and_one(&arena).await;
    arena.named(2, Lsn(7));
    drop(blobs);
    arena.applied(Lsn(6));
    assert_eq!(gone(&arena), 0);
    assert_eq!(*arena.get(2).unwrap(), [2; 16_000]);
    arena.applied(Lsn(7));
    assert_eq!((gone(&arena), bench.segments()), (1, vec![2]));
}

#[tokio::test]
async fn a_segment_stays_as_long_as_rows_refer_to_it() {
    let bench = Bench::new();
    let arena = bench.open();
    let blobs = three_and_one(&arena).await;
    arena.named(3, Lsn(7));
    arena.referenced(3);
    arena.applied(Lsn(7));
    drop(blobs);
    assert_eq!(gone(&arena), 0);
    arena.unreferenced(3);
    assert_eq!((gone(&arena), bench.segments()), (1, vec![2]));
}

#[tokio::test]
async fn a_dropped_put_is_garbage() {
    let bench = Bench::new();
    let arena = bench.open();
    let puts: Vec<_> = (0..4).map(|i| arena.put(source(&[i; 16_000]), 0)).collect();
    let mut puts = puts.into_iter();
    let (kept, dropped) = (puts.next().unwrap(), puts);
    kept.await.unwrap();
    drop(dropped);
    arena.close().await;
    assert_eq!(arena.collect().failures.len(), 0);
    assert_eq!((arena.stats().blobs, bench.segments()), (0, vec![]));
}

#[tokio::test]
async fn a_segment_that_cannot_be_unlinked_is_told_and_tried_again() {
    let bench = Bench::new();
    let arena = bench.open();
    drop(three_and_one(&arena).await);
    bench.fs.fail(Break::Next(Kind::Remove, io::ErrorKind::PermissionDenied));
    let collected = arena.collect();
    assert_eq!((collected.segments, collected.failures.len()), (0, 1));
    assert!(matches!(collected.failures[0], StorageError::Io { operation: "remove", .. }));
    assert_eq!((gone(&arena), bench.segments()), (1, vec![2]));
}

#[tokio::test]
async fn a_copy_of_the_directory_holds_off_unlinking() {
    let bench = Bench::new();
    let arena = bench.open();
    let hold = arena.hold_for_backup();
    drop(three_and_one(&arena).await);
    assert_eq!((gone(&arena), bench.segments()), (0, vec![1, 2]));
    let copies = hold.segments();
    let of = |number, used| SegmentCopy { path: bench.segment(number), size: SEGMENT, used };
    assert_eq!(copies, [of(1, 4096 + 2 * 16_384 + 16_064), of(2, 4096 + 16_064)]);
    drop(hold);
    assert_eq!(gone(&arena), 1);
}

/// An arena with one row's blob in a segment that is nearly dead.
async fn nearly_dead(bench: &Bench) -> (Arena, BlobAt) {
    let arena = bench.open();
    let small = put(&arena, b"small").await;
    let rest = three_and_one_behind(&arena).await;
    arena.named(small.at().id, Lsn(1));
    arena.referenced(small.at().id);
    arena.applied(Lsn(1));
    drop(rest);
    let at = small.at();
    (arena, at)
}

async fn three_and_one_behind(arena: &Arena) -> Vec<Blob> {
    let mut blobs = Vec::new();
    while blobs.last().is_none_or(|blob: &Blob| blob.at().segment == 1) {
        blobs.push(put(arena, &[9; 16_000]).await);
    }
    blobs
}

#[tokio::test]
async fn survivors_are_moved_and_their_segment_goes() {
    let bench = Bench::new();
    let (arena, old) = nearly_dead(&bench).await;
    let moving = arena.survivors().unwrap();
    assert_eq!(moving.ids, [old.id]);
    let places = arena.move_blobs(moving).await.unwrap();
    assert_eq!((places.len(), places[0].id, places[0].crc), (1, old.id, old.crc));
    assert_ne!(places[0].segment, old.segment);
    assert_eq!((arena.get(old.id).unwrap().at(), gone(&arena)), (old, 0), "the checkpoint says the old place still");
    arena.moved(places.clone());
    assert_eq!((gone(&arena), bench.segments()), (1, vec![2]));
    let blob = arena.get(old.id).unwrap();
    assert_eq!((&*blob, blob.at()), (&b"small"[..], places[0]));
    assert_eq!(arena.survivors(), None);
    drop(blob);
    drop(arena);
    let arena = bench.open_with(places).unwrap();
    assert_eq!(*arena.get(old.id).unwrap(), *b"small");
}

#[tokio::test]
async fn a_copy_that_the_checkpoint_may_refer_to_already_stays() {
    let bench = Bench::new();
    let (arena, old) = nearly_dead(&bench).await;
    let places = arena.move_blobs(arena.survivors().unwrap()).await.unwrap();
    // The segment of the copy is full and left; nothing else lives in it.
    while put(&arena, &[9; 16_000]).await.at().segment == places[0].segment {}
    gone(&arena);
    assert!(bench.segments().contains(&places[0].segment));
    let again = arena.move_blobs(Moving { ids: vec![old.id] }).await.unwrap();
    assert_eq!(again, places, "what was copied is not copied again");
    arena.moved(places.clone());
    gone(&arena);
    assert_eq!(arena.get(old.id).unwrap().at(), places[0]);
    assert!(!bench.segments().contains(&old.segment));
}

#[tokio::test]
async fn two_who_move_a_blob_at_once_are_given_one_place() {
    let bench = Bench::new();
    let (arena, _) = nearly_dead(&bench).await;
    let moving = arena.survivors().unwrap();
    let (one, two) = tokio::join!(arena.move_blobs(moving.clone()), arena.move_blobs(moving));
    assert_eq!(one.unwrap(), two.unwrap());
}

#[tokio::test]
async fn the_old_place_stays_for_a_record_that_names_it_after_the_move() {
    let bench = Bench::new();
    let (arena, old) = nearly_dead(&bench).await;
    let handle = arena.get(old.id).unwrap();
    let places = arena.move_blobs(arena.survivors().unwrap()).await.unwrap();
    arena.moved(places.clone());
    assert_eq!(gone(&arena), 0, "its view is in use");
    // A record says what the handle says, and then the row goes before that record is applied.
    arena.named(old.id, Lsn(9));
    assert_eq!(handle.at(), old);
    drop(handle);
    arena.unreferenced(old.id);
    arena.applied(Lsn(8));
    gone(&arena);
    assert!(bench.segments().contains(&old.segment));
    drop(arena);
    // After a crash the log says the old place, and no row says another.
    let arena = bench.open();
    arena.note(&old).unwrap();
    arena.named(old.id, Lsn(9));
    gone(&arena);
    assert_eq!(*arena.get(old.id).unwrap(), *b"small");
}

#[tokio::test]
async fn a_noted_place_stays_although_a_row_says_another() {
    let bench = Bench::new();
    let (arena, old) = nearly_dead(&bench).await;
    let places = arena.move_blobs(arena.survivors().unwrap()).await.unwrap();
    drop(arena);
    let arena = bench.open_with(places.clone()).unwrap();
    arena.note(&old).unwrap();
    arena.named(old.id, Lsn(9));
    assert_eq!(arena.get(old.id).unwrap().at(), places[0], "the row outweighs the record");
    gone(&arena);
    assert!(bench.segments().contains(&old.segment));
    arena.applied(Lsn(9));
    gone(&arena);
    assert_eq!(bench.segments(), [places[0].segment]);
}

#[tokio::test]
async fn a_blob_that_only_a_record_names_is_not_moved() {
    let bench = Bench::new();
    let (arena, old) = nearly_dead(&bench).await;
    arena.unreferenced(old.id);
    arena.named(old.id, Lsn(5));
    assert_eq!((arena.survivors(), gone(&arena)), (None, 0));
    arena.referenced(old.id);
    assert!(arena.survivors().is_some());
}

#[tokio::test]
async fn a_handle_of_the_old_place_keeps_the_blob_known() {
    let bench = Bench::new();
    let (arena, old) = nearly_dead(&bench).await;
    let handle = arena.get(old.id).unwrap();
    let places = arena.move_blobs(arena.survivors().unwrap()).await.unwrap();
    arena.moved(places);
    arena.unreferenced(old.id);
    gone(&arena);
    assert_eq!(arena.get(old.id).unwrap(), handle);
    drop(handle);
    gone(&arena);
    assert!(matches!(arena.get(old.id), Err(StorageError::MissingBlob { id: 1 })));
}
