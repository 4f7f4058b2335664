//! Segments that are kept ready, recycled ones among them, and what is done with them when the disk is full.

use super::*;
use crate::storage::wal::queue::MAX_GROUP;

/// The files that are to become segments.
fn free(bench: &Bench) -> Vec<PathBuf> {
    let mut paths = bench.platform.fs.read_dir(&bench.dir.join("wal")).unwrap();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "free"));
    paths.sort();
    paths
}

/// Appends a record that leaves room for no other of its size, and waits for it.
async fn put_large(wal: &Wal, i: u8) -> Result<(), StorageError> {
    wal.durable(wal.append(|group| group.record(1, 1, 1, |body| body.resize(40_000, i)))?).await
}

#[tokio::test]
async fn however_long_a_log_runs_it_has_a_few_files() {
    let bench = Bench::new();
    let wal = bench.open().unwrap().wal;
    for i in 0..60 {
        put_large(&wal, i).await.unwrap();
        wal.retire(Lsn(u64::from(i)));
    }
    wal.prepared().await;
    assert_eq!(bench.segments(), [bench.segment(60)]);
    // Two are ready, and one may wait to be filled again.
    assert!(free(&bench).len() <= SPARES + 1, "{:?}", free(&bench));
    let made = bench.fs.ops().iter().filter(|op| matches!(op, Op::Create(name) if name.ends_with(".free"))).count();
    assert!(made < 40, "{made} files were made for 60 segments");
    wal.abandon().await;
    let Opened { wal, seen, .. } = bench.open_after(config(), Lsn(59)).unwrap();
    assert_eq!(seen.len(), 1);
    wal.prepared().await;
    assert!(free(&bench).len() <= SPARES + 1);
}

#[tokio::test]
async fn a_recycled_segment_shows_nothing_of_its_former_life() {
    let bench = Bench::new();
    let wal = bench.open().unwrap().wal;
    wal.prepared().await;
    for i in 1..=9 {
        put_large(&wal, i).await.unwrap();
        wal.seal().await.unwrap();
        wal.retire(Lsn(u64::from(i)));
        wal.prepared().await;
        let active = bench.read(bench.segments().last().unwrap());
        assert!(active[4096..].iter().all(|&byte| byte == 0), "round {i}");
        for spare in free(&bench) {
            let bytes = bench.read(&spare);
            assert_eq!(bytes.len(), SEGMENT as usize);
        }
    }
    wal.durable(put(&wal, b"ten")).await.unwrap();
    wal.abandon().await;
    let Opened { report, seen, .. } = bench.open_after(config(), Lsn(9)).unwrap();
    assert_eq!((bodies(&seen), report.cut), (vec![&b"ten"[..]], None));
}

#[tokio::test]
async fn a_frame_of_a_former_life_is_never_taken() {
    let bench = Bench::with_frames(&[b"one", b"two"]).await;
    let old = bench.read(&bench.segment(1));
    let wal = bench.open().unwrap().wal;
    wal.seal().await.unwrap();
    wal.durable(put(&wal, b"three")).await.unwrap();
    wal.abandon().await;
    // As if the recycled file had not been filled again: its frames are where a next frame would be.
    bench.change(&bench.segment(3), |bytes| bytes[8192..16384].copy_from_slice(&old[4096..12288]));
    let Opened { report, seen, .. } = bench.open_after(config(), Lsn(2)).unwrap();
    assert_eq!(bodies(&seen), [b"three"]);
    assert_eq!(report.cut.unwrap().first_lsn, Lsn(4));
}

#[tokio::test]
async fn free_files_that_are_found_mean_nothing_whatever_they_hold() {
    let bench = Bench::with_frames(&[b"one"]).await;
    for path in free(&bench) {
        bench.platform.fs.remove(&path).unwrap();
    }
    let segment = bench.read(&bench.segment(1));
    let path = |n: u64| bench.dir.join("wal").join(format!("{n:016x}.free"));
    // A segment's bytes under another name, an empty file, one that is too long, and more than are of use.
    bench.write(&path(0), &segment);
    bench.write(&path(3), b"");
    bench.write(&path(4), &vec![1; 2 * SEGMENT as usize]);
    (5..12).for_each(|n| bench.write(&path(n), &vec![2; SEGMENT as usize]));
    let Opened { wal, report, seen } = bench.open().unwrap();
    assert_eq!((bodies(&seen), report.cut), (vec![&b"one"[..]], None));
    wal.prepared().await;
    assert!(free(&bench).len() <= SPARES + 1, "{:?}", free(&bench));
    for i in 0..6 {
        put_large(&wal, i).await.unwrap();
    }
    wal.abandon().await;
    let Opened { wal, report, seen } = bench.open().unwrap();
    assert_eq!((seen.len(), report.cut), (7, None));
    wal.prepared().await;
}

#[tokio::test]
async fn on_a_full_disk_the_log_is_low_and_goes_on_until_the_reserve_is_used() {
    let bench = Bench::new();
    let wal = bench.open().unwrap().wal;
    wal.prepared().await;
    assert!(!wal.is_low());
    put_large(&wal, 0).await.unwrap();
    bench.fs.fill();
    for i in 1..=SPARES {
        put_large(&wal, i as u8).await.unwrap();
        wal.prepared().await;
        assert!(wal.is_low());
    }
    // The segment that is left still takes what fits.
    wal.durable(put(&wal, b"small")).await.unwrap();
    let error = put_large(&wal, 9).await.unwrap_err();
    match &error {
        StorageError::Poisoned { source, .. } => assert_eq!(source.kind(), std::io::ErrorKind::StorageFull, "{error}"),
        other => panic!("{other}"),
    }
    wal.abandon().await;
    bench.fs.set_capacity(None);
    assert_eq!(bench.open().unwrap().seen.len(), SPARES + 2);
}

#[tokio::test]
async fn a_log_that_was_low_has_space_again_once_something_is_retired_or_the_disk_has() {
    for retires in [true, false] {
        let bench = Bench::new();
        let wal = bench.open().unwrap().wal;
        wal.prepared().await;
        put_large(&wal, 1).await.unwrap();
        bench.fs.fill();
        put_large(&wal, 2).await.unwrap();
        wal.prepared().await;
        assert!(wal.is_low());
        if retires {
            // The disk is as full as before; the file is there already.
            wal.retire(Lsn(1));
            wal.prepared().await;
            bench.fs.set_capacity(None);
        } else {
            wal.retry_space();
            wal.prepared().await;
            assert!(wal.is_low(), "it is still full");
            bench.fs.set_capacity(None);
        }
        wal.retry_space();
        wal.prepared().await;
        assert!(!wal.is_low());
        for i in 3..9 {
            put_large(&wal, i).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_retired_segment_is_all_the_space_that_a_full_disk_needs() {
    let bench = Bench::new();
    let wal = bench.open().unwrap().wal;
    wal.prepared().await;
    put_large(&wal, 1).await.unwrap();
    bench.fs.fill();
    for i in 2..30 {
        put_large(&wal, i).await.unwrap();
        wal.retire(Lsn(u64::from(i) - 1));
        wal.prepared().await;
    }
    assert!(wal.is_low(), "the file system says that nothing is left");
    wal.abandon().await;
    let Opened { wal, seen, .. } = bench.open_after(config(), Lsn(28)).unwrap();
    assert_eq!(seen.len(), 1);
    put_large(&wal, 30).await.unwrap();
}

#[tokio::test]
async fn a_full_disk_lets_a_log_open_that_has_a_spare_and_names_itself_otherwise() {
    let bench = Bench::with_frames(&[b"one"]).await;
    let wal = bench.open().unwrap().wal;
    wal.prepared().await;
    wal.abandon().await;
    bench.fs.fill();
    let wal = bench.open().unwrap().wal;
    put_large(&wal, 1).await.unwrap();
    put_large(&wal, 2).await.unwrap();
    wal.abandon().await;
    for path in free(&bench) {
        bench.platform.fs.remove(&path).unwrap();
    }
    // Somebody else has taken the space.
    bench.fs.fill();
    assert!(matches!(bench.refused(), StorageError::DiskFull { dir } if dir == bench.dir));
    bench.fs.set_capacity(None);
    assert_eq!(bench.open().unwrap().seen.len(), 3);

    let bench = Bench::new();
    bench.fs.fill();
    assert!(matches!(bench.refused(), StorageError::DiskFull { .. }));
    bench.fs.set_capacity(None);
    assert_eq!(bench.open().unwrap().seen, []);
}

#[tokio::test]
async fn a_spare_that_cannot_be_made_for_another_reason_is_the_end_of_the_log() {
    let bench = Bench::new();
    bench.fs.hold_syncs_of("free");
    let wal = bench.open().unwrap().wal;
    bench.fs.until_held();
    wal.durable(put(&wal, b"one")).await.unwrap();
    bench.fs.fail_held();
    bench.fs.release_syncs();
    let ended = wal.durable(Lsn(99)).await.unwrap_err();
    match ended {
        StorageError::Poisoned { operation, path, .. } => {
            assert_eq!((operation, path.extension().unwrap()), ("sync", "free".as_ref()));
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn the_directory_is_held_until_the_preparer_has_ended() {
    let bench = Bench::new();
    bench.fs.hold_syncs_of("free");
    let wal = bench.open().unwrap().wal;
    bench.fs.until_held();
    wal.durable(put(&wal, b"one")).await.unwrap();
    let mut closed = Box::pin(wal.close());
    // The writer has long marked the log as closed; somebody still works in the directory.
    while !matches!(Manifest::decode(&bench.read(&bench.manifest()), &bench.manifest()), Ok(m) if m.closed.is_some()) {
        tokio::task::yield_now().await;
    }
    assert!(live::is_pending(closed.as_mut()));
    assert!(matches!(bench.refused(), StorageError::DirectoryInUse { .. }));
    bench.fs.release_syncs();
    closed.await.unwrap();
    assert_eq!(bench.open().unwrap().seen.len(), 1);
}

#[tokio::test]
async fn a_group_that_is_too_large_is_refused_before_anything_is_queued() {
    let bench = Bench::new();
    let wal = bench.open().unwrap().wal;
    let limit = MAX_GROUP;
    let error = wal.append(|group| {
        group.record(1, 1, 1, |body| body.resize(body.len() + limit, 0));
        group.record(1, 1, 1, |_| panic!("nothing is made of what comes after"));
    });
    match error.unwrap_err() {
        StorageError::TooLarge { bytes, limit } => assert!(bytes > limit && limit == MAX_GROUP as u64),
        other => panic!("{other}"),
    }
    assert_eq!(put(&wal, b"one"), Lsn(1));
}
