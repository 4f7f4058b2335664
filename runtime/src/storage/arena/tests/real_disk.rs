//! Over real files: views, threads, and sizes.

use super::*;

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i / 251) as u8 ^ i as u8).collect()
}

/// Puts a blob among small ones, opens the arena again and reads all.
async fn large(len: usize) {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::on_disk(dir.path());
    let open = |known| Arena::open(&bench.platform, &bench.dir, UUID, ArenaConfig::default(), known).unwrap();
    let arena = open(Vec::new());
    let bytes = pattern(len);
    let crc = crc32fast::hash(&bytes);
    let put_large = arena.put(Box::new(bytes), 0);
    let small = put(&arena, b"small").await;
    let large = put_large.await.unwrap();
    assert_eq!((large.len(), crc32fast::hash(&large)), (len, crc));
    let places = vec![small.at(), large.at()];
    arena.close().await;
    let arena = open(places.clone());
    let again = arena.get(places[1].id).unwrap();
    assert_eq!((again.len(), crc32fast::hash(&again)), (len, crc));
    drop((small, large, arena));
    // A blob outlives the arena.
    assert_eq!(crc32fast::hash(&again), crc);
}

#[tokio::test]
async fn sixteen_mebibytes_go_in_and_come_out() {
    large(16 << 20).await;
}

#[tokio::test]
#[ignore = "writes 1 GiB to the disk and takes seconds"]
async fn a_gibibyte_goes_in_and_comes_out() {
    large(1 << 30).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tasks_put_and_read_while_segments_come_and_go() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::on_disk(dir.path());
    let arena = bench.open();
    let runtime = tokio::runtime::Handle::current();
    let tasks: Vec<_> = (0..8u8)
        .map(|task| {
            let arena = arena.clone();
            runtime.spawn(async move {
                for turn in 0..40u8 {
                    let bytes = vec![task ^ turn; 700 * usize::from(turn) + usize::from(task)];
                    let blob = put(&arena, &bytes).await;
                    assert_eq!((&*blob, &*arena.get(blob.at().id).unwrap()), (&bytes[..], &bytes[..]));
                    if turn % 8 == 0 {
                        assert_eq!(arena.collect().failures.len(), 0);
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    arena.close().await;
    arena.collect();
    assert_eq!((arena.stats().blobs, bench.segments()), (0, vec![]));
}
