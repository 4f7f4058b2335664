//! Blobs go in and come out.

use std::task::Poll;

use super::*;

#[tokio::test]
async fn what_was_put_is_read_in_place() {
    let bench = Bench::new();
    let arena = bench.open();
    let sizes = [0, 1, 63, 64, 65, 5000, 60_000, 70_000, 3_000_000];
    let mut blobs = Vec::new();
    for (i, size) in sizes.into_iter().enumerate() {
        let blob = arena.put(source(&vec![i as u8; size]), i as u64).await.unwrap();
        assert_eq!((blob.at().id, blob.at().schema, blob.at().len), (i as u64 + 1, i as u64, size as u64));
        blobs.push(blob);
    }
    for (i, size) in sizes.into_iter().enumerate() {
        assert_eq!(*blobs[i], vec![i as u8; size]);
        assert_eq!(arena.get(i as u64 + 1).unwrap(), blobs[i]);
        assert_eq!(blobs[i].at().offset % 64, 0);
    }
    assert_eq!(arena.get(99).unwrap_err().to_string(), "there is no blob 99");
}

#[tokio::test]
async fn blobs_that_wait_together_share_one_sync() {
    let bench = Bench::new();
    let arena = bench.open();
    drop(put(&arena, b"the segment is made").await);
    bench.fs.ops();
    let puts: Vec<_> = (0..20u8).map(|i| arena.put(source(&[i; 100]), 0)).collect();
    for (i, put) in puts.into_iter().enumerate() {
        assert_eq!(*put.await.unwrap(), [i as u8; 100]);
    }
    assert_eq!((bench.fs.count(Kind::Write), bench.fs.count(Kind::Sync)), (20, 1));
}

#[tokio::test]
async fn what_one_sync_covers_shares_no_block_with_what_was_synced_before() {
    let bench = Bench::new();
    let arena = bench.open();
    let one = put(&arena, b"one").await;
    let (two, three) = tokio::join!(put(&arena, b"two"), put(&arena, b"three"));
    let four = put(&arena, b"four").await;
    let places: Vec<u64> = [one, two, three, four].iter().map(|blob| blob.at().offset).collect();
    assert_eq!(places, [4096, 8192, 8320, 12288]);
}

#[tokio::test]
async fn a_large_put_does_not_delay_a_small_one() {
    let bench = Bench::threaded();
    let arena = bench.open();
    bench.fs.hold_syncs(&bench.segment(1));
    let mut large = Box::pin(arena.put(source(&[1; 2_000_000]), 0));
    bench.fs.until_held();
    let small = tokio::time::timeout(PATIENCE, put(&arena, b"small")).await.expect("the small one waits");
    assert_eq!(*small, *b"small");
    assert!(poll_fn(|cx| Poll::Ready(large.as_mut().poll(cx))).await.is_pending());
    bench.fs.release_syncs();
    assert_eq!(*large.await.unwrap(), [1; 2_000_000]);
}

#[tokio::test]
async fn a_blob_beyond_the_limit_is_refused_before_anything_is_written() {
    struct Huge;
    impl AsRef<[u8]> for Huge {
        fn as_ref(&self) -> &[u8] {
            static ZEROS: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| vec![0; (1 << 30) + 1]);
            &ZEROS
        }
    }
    let bench = Bench::new();
    let arena = bench.open();
    bench.fs.ops();
    let error = arena.put(Box::new(Huge), 0).await.unwrap_err();
    assert!(matches!(error, StorageError::BlobTooLarge { bytes: 1_073_741_825, limit: 1_073_741_824 }), "{error}");
    assert_eq!(bench.fs.ops(), []);
}

#[tokio::test]
async fn a_closed_arena_takes_nothing_and_has_told_what_was_in_the_air() {
    let bench = Bench::new();
    let arena = bench.open();
    let put_before = arena.put(source(b"before"), 0);
    let closed = arena.close();
    let after = arena.put(source(b"after"), 0).await;
    assert!(matches!(after, Err(StorageError::Closed)), "{after:?}");
    closed.await;
    let blob = put_before.await.unwrap();
    drop(arena);
    assert_eq!(*blob, *b"before");
}

#[tokio::test]
async fn the_threads_of_a_dropped_arena_write_what_waits_and_end() {
    let bench = Bench::new();
    let users = Arc::strong_count(&bench.fs);
    let arena = bench.open();
    let waits = arena.put(source(b"waits"), 0);
    drop(arena);
    assert_eq!(*waits.await.unwrap(), *b"waits");
    let ended = async {
        while Arc::strong_count(&bench.fs) > users {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.expect("a thread goes on");
}
