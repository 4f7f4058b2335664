//! Writes, syncs and allocations that fail.

use super::*;

fn full(error: &StorageError) -> bool {
    matches!(error, StorageError::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull)
}

#[tokio::test]
async fn a_full_disk_is_an_error_of_that_put_alone() {
    let bench = Bench::new();
    let arena = bench.open();
    let before = put(&arena, b"before").await;
    bench.fs.fail(Break::Next(Kind::Allocate, io::ErrorKind::StorageFull));
    let error = arena.put(source(&[1; 100_000]), 0).await.unwrap_err();
    assert!(full(&error) && !bench.fs.is_broken(), "{error}");
    assert_eq!(bench.segments(), [1], "nothing of it is left");
    let after = put(&arena, b"after").await;
    assert_eq!((after.at().segment, &*before), (1, &b"before"[..]));
    assert_eq!(*put(&arena, &[1; 100_000]).await, [1; 100_000]);
}

#[tokio::test]
async fn after_a_failed_sync_nothing_of_it_is_told_and_its_segment_is_left_alone() {
    for kind in [Kind::Sync, Kind::Write] {
        let bench = Bench::new();
        let arena = bench.open();
        let before = put(&arena, b"before").await;
        bench.fs.fail(Break::Next(kind, io::ErrorKind::Other));
        let puts: Vec<_> = (0..3).map(|i| arena.put(source(&[i; 100]), 0)).collect();
        let mut failed = 0;
        for put in puts {
            failed += usize::from(put.await.is_err());
        }
        // What is asked for after a failed write is in a group of its own.
        assert_eq!(failed, if kind == Kind::Sync { 3 } else { 1 });
        assert_eq!(arena.stats().blobs, 4 - failed as u64);
        bench.fs.ops();
        let after = put(&arena, b"after").await;
        assert_eq!(after.at().segment, 2);
        let old = bench.segment(1);
        assert!(bench.fs.ops().iter().all(|(_, path)| *path != old), "no write, and no sync that is tried again");
        assert_eq!(*arena.get(before.at().id).unwrap(), *b"before");
        drop((before, arena));
    }
}

#[tokio::test]
async fn a_segment_whose_making_failed_is_not_built_upon() {
    for kind in [Kind::Create, Kind::Allocate, Kind::Write, Kind::Sync, Kind::Rename, Kind::SyncDir] {
        let bench = Bench::new();
        let arena = bench.open();
        bench.fs.fail(Break::Next(kind, io::ErrorKind::Other));
        assert!(arena.put(source(b"x"), 0).await.is_err(), "{kind:?}");
        let blob = put(&arena, b"y").await;
        assert_eq!((blob.at().segment, bench.segments()), (2, vec![2]), "{kind:?}");
        // The power fails, and what was told is there.
        arena.close().await;
        bench.memory.crash(&mut Dice(kind as u64));
        let arena = bench.open_with(vec![blob.at()]).unwrap();
        assert_eq!(*arena.get(blob.at().id).unwrap(), *b"y");
    }
}

#[tokio::test]
async fn a_segment_whose_name_may_not_be_durable_is_not_built_upon_by_the_next_process() {
    let bench = Bench::new();
    let arena = bench.open();
    // The directory is not synced, and what is to take the segment back fails as well.
    bench.fs.fail(Break::From(5));
    assert!(arena.put(source(b"x"), 0).await.is_err());
    arena.close().await;
    bench.fs.fail(None);
    assert_eq!(bench.segments(), [1]);
    let arena = bench.open();
    assert_eq!(put(&arena, b"y").await.at().segment, 2);
    arena.collect();
    assert_eq!(bench.segments(), [2]);
}

#[tokio::test]
async fn bytes_that_panic_fail_and_the_arena_goes_on() {
    struct Panics(std::sync::atomic::AtomicBool);
    impl AsRef<[u8]> for Panics {
        fn as_ref(&self) -> &[u8] {
            assert!(!self.0.swap(true, std::sync::atomic::Ordering::Relaxed), "on purpose");
            b"x"
        }
    }
    let bench = Bench::new();
    let arena = bench.open();
    let (panics, with_it) = (arena.put(Box::new(Panics(false.into())), 0), arena.put(source(b"with it"), 0));
    assert!(matches!(panics.await, Err(StorageError::Io { .. })));
    assert!(matches!(with_it.await, Err(StorageError::Io { .. })));
    assert_eq!(*put(&arena, b"after").await, *b"after");
    arena.close().await;
}
