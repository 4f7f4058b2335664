//! Faults that were found, each as a test.

use super::*;

#[tokio::test]
async fn a_directory_that_a_crashed_process_has_made_is_durable_with_all_above_it() {
    for seed in 0..40 {
        let memory = Arc::new(Disk::default());
        let disk = memory.clone();
        let bench = Bench::over(PathBuf::from("/srv/app/data"), memory, |_| disk);
        // A process that is killed as soon as it has made the directory.
        bench.platform.fs.create_dir_all(&bench.dir).unwrap();
        let opened = bench.open().unwrap();
        let lsn = put(&opened.wal, b"acknowledged");
        opened.wal.durable(lsn).await.unwrap();
        opened.wal.abandon().await;
        bench.memory.crash(&mut Dice(seed));
        let opened = bench.open().unwrap();
        assert_eq!(bodies(&opened.seen), [b"acknowledged"], "seed {seed}");
        opened.wal.abandon().await;
    }
}

#[tokio::test]
async fn a_fault_in_what_an_open_has_synced_is_damage_though_it_was_written_without_syncs() {
    let bench = Bench::new();
    let none = WalConfig { durability: Durability::None, ..config() };
    // One frame an engine: none of them is synced when the next is written.
    let opened = bench.open_with(none).unwrap();
    for body in [b"one", b"two", b"thr"] {
        let written = opened.wal.stats().frames + 1;
        put(&opened.wal, body);
        while opened.wal.stats().frames < written {
            tokio::task::yield_now().await;
        }
    }
    opened.wal.abandon().await;
    // This open copies and syncs all three.
    bench.open().unwrap().wal.abandon().await;
    bench.change(&bench.segment(1), |bytes| bytes[4096 + 60] ^= 1);
    assert!(matches!(bench.refused(), StorageError::Damaged { offset: 4096, .. }));
}

#[tokio::test]
async fn a_salt_that_has_no_next_one_is_damage() {
    let bench = Bench::with_frames(&[b"one"]).await;
    let path = bench.manifest();
    let manifest = Manifest { next_salt: u64::MAX, ..Manifest::decode(&bench.read(&path), &path).unwrap() };
    bench.change(&path, |bytes| *bytes = manifest.encode().to_vec());
    let error = bench.refused();
    assert!(matches!(&error, StorageError::Damaged { file, .. } if *file == path), "{error}");
}

#[test]
fn a_frame_that_is_written_when_the_log_has_ended_leaves_the_queue_whole() {
    let mut queue = Queue::new(Lsn(1), SEGMENT);
    queue.append(|group| group.record(1, 1, 1, |_| {})).unwrap();
    let (batch, bytes) = queue.take().unwrap();
    queue.append(|group| group.record(1, 1, 1, |_| {})).unwrap();
    queue.clear();
    queue.done(bytes, batch.bytes);
    assert_eq!(queue.bytes(), 0);
}
