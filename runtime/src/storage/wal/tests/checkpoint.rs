//! The log and the checkpoint: sealing, reading, retiring, and opening after what was applied.

use super::shared::{Kept, LiveSegment, Prepare};
use super::*;

/// Appends records of 25,000 bytes, two of which fill a segment.
async fn fill(wal: &Wal, bodies: std::ops::RangeInclusive<u8>) {
    for i in bodies {
        wal.durable(put(wal, &vec![i; 25_000])).await.unwrap();
    }
}

fn lsns(seen: &[Seen]) -> Vec<u64> {
    seen.iter().map(|record| record.lsn).collect()
}

/// Waits until the files of `wal/` that are segments are these.
async fn until_segments(bench: &Bench, firsts: &[u64]) {
    let wanted: Vec<PathBuf> = firsts.iter().map(|first| bench.segment(*first)).collect();
    let arrive = async {
        while bench.segments() != wanted {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, arrive).await.is_ok(), "{:?} and not {wanted:?}", bench.segments());
}

#[tokio::test]
async fn a_seal_closes_the_segment_that_holds_what_was_appended() {
    let bench = Bench::new();
    let wal = bench.open().unwrap().wal;
    assert_eq!(wal.seal().await.unwrap(), Lsn(0), "there is nothing to seal");
    let mut sealed = Box::pin(wal.sealed(Lsn(0)));
    assert!(live::is_pending(sealed.as_mut()));
    put(&wal, b"one");
    put(&wal, b"two");
    assert_eq!(wal.seal().await.unwrap(), Lsn(2));
    assert_eq!(sealed.await.unwrap(), Lsn(2));
    assert_eq!(wal.durable_lsn(), Lsn(2));
    assert_eq!(wal.seal().await.unwrap(), Lsn(2), "the active segment is empty");
    until_segments(&bench, &[1, 3]).await;
    wal.durable(put(&wal, b"three")).await.unwrap();
    wal.abandon().await;
    let Opened { wal, seen, .. } = bench.open().unwrap();
    assert_eq!(bodies(&seen), [&b"one"[..], b"two", b"three"]);
    assert_eq!(wal.sealed(Lsn(1)).await.unwrap(), Lsn(2));
}

#[tokio::test]
async fn what_is_sealed_was_synced_whatever_the_durability() {
    let bench = Bench::new();
    let wal = bench.open_with(WalConfig { durability: Durability::None, ..config() }).unwrap().wal;
    put(&wal, b"one");
    assert_eq!(wal.seal().await.unwrap(), Lsn(1));
    assert_eq!(wal.durable_lsn(), Lsn(1));
    bench.fs.hold_syncs();
    put(&wal, b"two");
    let mut sealed = Box::pin(wal.seal());
    bench.fs.until_held();
    assert!(live::is_pending(sealed.as_mut()));
    bench.fs.release_syncs();
    assert_eq!(sealed.await.unwrap(), Lsn(2));
}

#[tokio::test]
async fn a_full_segment_is_sealed_and_whoever_waits_is_told() {
    let bench = Bench::new();
    let wal = bench.open().unwrap().wal;
    let mut waits = [0, 1, 2].map(|after| Box::pin(wal.sealed(Lsn(after))));
    fill(&wal, 1..=3).await;
    assert_eq!(waits[0].as_mut().await.unwrap(), Lsn(2));
    assert_eq!(waits[1].as_mut().await.unwrap(), Lsn(2));
    assert!(live::is_pending(waits[2].as_mut()));
    drop(waits);
    assert_eq!(wal.waiters(), 0);
}

#[tokio::test]
async fn a_wait_for_a_seal_ends_with_the_log() {
    let bench = Bench::new();
    let wal = bench.open().unwrap().wal;
    let mut waits = [Box::pin(wal.sealed(Lsn(5)))];
    assert!(live::is_pending(waits[0].as_mut()));
    wal.close().await.unwrap();
    assert!(matches!(waits[0].as_mut().await, Err(StorageError::Closed)));

    let wal = bench.open().unwrap().wal;
    bench.fs.hold_syncs();
    put(&wal, b"one");
    bench.fs.until_held();
    let sealed = wal.seal();
    bench.fs.fail_held();
    bench.fs.release_syncs();
    assert!(matches!(sealed.await, Err(StorageError::Poisoned { .. })));
}

#[tokio::test]
async fn a_seal_and_a_close_both_come_about() {
    let bench = Bench::new();
    let wal = bench.open().unwrap().wal;
    put(&wal, b"one");
    let sealed = wal.seal();
    wal.close().await.unwrap();
    assert_eq!(sealed.await.unwrap(), Lsn(1));
    let Opened { report, seen, .. } = bench.open().unwrap();
    assert!(report.clean);
    assert_eq!(seen.len(), 1);
}

#[tokio::test]
async fn a_range_is_read_from_the_segments_that_hold_it() {
    let bench = Bench::new();
    let wal = bench.open().unwrap().wal;
    fill(&wal, 1..=7).await;
    let all = scanned(&wal);
    assert_eq!(lsns(&all), [1, 2, 3, 4, 5, 6, 7]);
    for from in 1..=8 {
        for through in 0..=9 {
            let seen = read(&wal, Lsn(from), Lsn(through)).unwrap();
            let wanted: Vec<u64> = (from..=through.min(7)).collect();
            assert_eq!(lsns(&seen), wanted, "{from} to {through}");
        }
    }
    // The others are not even opened.
    for first in [1, 7] {
        bench.platform.fs.remove(&bench.segment(first)).unwrap();
    }
    assert_eq!(lsns(&read(&wal, Lsn(4), Lsn(5)).unwrap()), [4, 5]);
    assert!(matches!(read(&wal, Lsn(2), Lsn(5)), Err(StorageError::Io { operation: "open", .. })));
}

#[tokio::test]
async fn what_is_applied_can_go_and_the_rest_stays() {
    let bench = Bench::new();
    let wal = bench.open().unwrap().wal;
    fill(&wal, 1..=7).await;
    wal.retire(Lsn(0));
    wal.retire(Lsn(3));
    until_segments(&bench, &[3, 5, 7]).await;
    assert_eq!(wal.oldest_lsn(), Lsn(3));
    match read(&wal, Lsn(2), Lsn(7)) {
        Err(StorageError::Retired { lsn, oldest }) => assert_eq!((lsn, oldest), (Lsn(2), Lsn(3))),
        other => panic!("{other:?}"),
    }
    assert_eq!(lsns(&scanned(&wal)), [3, 4, 5, 6, 7]);
    // The active one never goes.
    wal.retire(Lsn(7));
    until_segments(&bench, &[7]).await;
    assert_eq!(wal.seal().await.unwrap(), Lsn(7));
    wal.retire(Lsn(7));
    until_segments(&bench, &[8]).await;
    assert_eq!(scanned(&wal), []);
    wal.durable(put(&wal, b"eight")).await.unwrap();
    wal.abandon().await;

    for clean in [false, true] {
        let Opened { wal, report, seen } = bench.open_after(config(), Lsn(7)).unwrap();
        assert_eq!((report.last_lsn, report.records, report.clean), (Lsn(8), 1, clean));
        assert_eq!((lsns(&seen), bodies(&seen)), (vec![8], vec![&b"eight"[..]]));
        wal.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_segment_stays_as_long_as_it_is_read() {
    let bench = Bench::new();
    let wal = bench.open().unwrap().wal;
    fill(&wal, 1..=5).await;
    let mut seen = Vec::new();
    wal.read(Lsn(1), Lsn(5), &mut |lsn, record| {
        seen.push(record.body[0]);
        if lsn == Lsn(1) {
            wal.retire(Lsn(4));
            put(&wal, b"the writer goes on");
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(seen, [1, 2, 3, 4, 5]);
    until_segments(&bench, &[5]).await;
}

#[test]
fn the_preparer_is_not_given_a_segment_that_is_read_and_is_woken_when_that_ends() {
    let segment = |first| {
        let path = PathBuf::from(format!("{first}"));
        Kept {
            segment: Arc::new(LiveSegment { first_lsn: Lsn(first), salt: first, size: SEGMENT, path }),
            end: SEGMENT,
        }
    };
    let queue = Queue::new(Lsn(3), SEGMENT);
    let lock = Arc::new(crate::platform::LockGuard::new(()));
    let shared = Shared::new(queue, vec![segment(1), segment(3)], lock, 0, true);
    let woken = Arc::new(Woken::default());
    let waker = std::task::Waker::from(woken.clone());
    // There is no space, so that it has nothing else to do.
    let full = || Err(Failure::new("allocate", Path::new(""), std::io::ErrorKind::StorageFull.into()));
    let next = || loop {
        match shared.poll_prepare(&mut std::task::Context::from_waker(&waker)) {
            std::task::Poll::Ready(Prepare::Refill { .. }) => shared.refilled(full(), true),
            other => break other,
        }
    };
    let reads = [shared.readable(), shared.readable()];
    shared.retire(Lsn(2));
    for read in reads {
        assert!(next().is_pending());
        woken.0.store(false, std::sync::atomic::Ordering::Relaxed);
        drop(read);
        assert!(woken.0.load(std::sync::atomic::Ordering::Relaxed));
    }
    assert!(matches!(next(), std::task::Poll::Ready(Prepare::Retire(old)) if old.segment.first_lsn == Lsn(1)));
}

#[derive(Debug, Default)]
struct Woken(std::sync::atomic::AtomicBool);

impl std::task::Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}

#[tokio::test]
async fn only_what_is_not_applied_is_replayed() {
    let bench = Bench::new();
    let wal = bench.open().unwrap().wal;
    fill(&wal, 1..=5).await;
    wal.abandon().await;
    for applied in 0..=5 {
        let Opened { wal, report, seen } = bench.open_after(config(), Lsn(applied)).unwrap();
        let wanted: Vec<u64> = (applied + 1..=5).collect();
        assert_eq!((lsns(&seen), report.records, report.last_lsn), (wanted, 5 - applied, Lsn(5)), "{applied}");
        wal.abandon().await;
        until_segments(&bench, [&[1, 3, 5][..], &[3, 5], &[5]][usize::try_from(applied / 2).unwrap()]).await;
    }
}

#[tokio::test]
async fn leftovers_of_a_retirement_are_removed_unread_in_whatever_subset_they_are_there() {
    for left in [&[1, 3][..], &[1], &[3], &[]] {
        let bench = Bench::new();
        let wal = bench.open().unwrap().wal;
        fill(&wal, 1..=5).await;
        wal.abandon().await;
        for first in [1, 3] {
            if left.contains(&first) {
                bench.change(&bench.segment(first), |bytes| bytes.truncate(10));
            } else {
                bench.platform.fs.remove(&bench.segment(first)).unwrap();
            }
        }
        let opened = bench.open_after(config(), Lsn(4)).unwrap();
        assert_eq!(lsns(&opened.seen), [5]);
        until_segments(&bench, &[5]).await;
    }
}

#[tokio::test]
async fn a_log_that_is_refused_keeps_what_was_retired() {
    let bench = Bench::new();
    let wal = bench.open().unwrap().wal;
    fill(&wal, 1..=5).await;
    wal.abandon().await;
    for applied in [6, u64::MAX] {
        match bench.open_after(config(), Lsn(applied)).unwrap_err() {
            StorageError::LogBehind { last, applied: found } => assert_eq!((last, found), (Lsn(5), Lsn(applied))),
            other => panic!("{other}"),
        }
    }
    until_segments(&bench, &[1, 3, 5]).await;
}

#[tokio::test]
async fn a_torn_tail_below_the_end_of_the_checkpoint_is_damage() {
    let bench = Bench::with_frames(&[b"one", b"two"]).await;
    bench.change(&bench.segment(1), |bytes| bytes[8192 + 60] ^= 1);
    match bench.open_after(config(), Lsn(2)).unwrap_err() {
        StorageError::Damaged { file, offset, .. } => assert_eq!((file, offset), (bench.segment(1), 8192)),
        other => panic!("{other}"),
    }
    assert!(bench.open_after(config(), Lsn(1)).unwrap().report.cut.is_some());
}

#[tokio::test]
async fn a_gap_behind_the_checkpoint_is_a_missing_segment() {
    let bench = Bench::new();
    let wal = bench.open().unwrap().wal;
    fill(&wal, 1..=7).await;
    wal.abandon().await;
    bench.platform.fs.remove(&bench.segment(5)).unwrap();
    for applied in [0, 2, 5] {
        let error = bench.open_after(config(), Lsn(applied)).unwrap_err();
        let missing = matches!(&error, StorageError::MissingSegment { first_lsn: Lsn(5), .. });
        assert!(missing, "{applied}: {error}");
    }
    assert_eq!(lsns(&bench.open_after(config(), Lsn(6)).unwrap().seen), [7]);
}

#[tokio::test]
async fn a_poisoned_log_tells_everybody_why() {
    let bench = Bench::new();
    let wal = bench.open().unwrap().wal;
    let lsn = put(&wal, b"one");
    wal.durable(lsn).await.unwrap();
    let mut never = Box::pin(wal.durable(Lsn(2)));
    assert!(live::is_pending(never.as_mut()));
    wal.poison(StorageError::LogBehind { last: Lsn(1), applied: Lsn(9) });
    let errors = [
        never.await.unwrap_err(),
        wal.durable(lsn).await.unwrap_err(),
        wal.room().await.unwrap_err(),
        wal.seal().await.unwrap_err(),
        wal.append(|group| group.record(1, 1, 1, |_| {})).unwrap_err(),
        wal.close().await.unwrap_err(),
    ];
    assert!(errors.iter().all(|error| matches!(error, StorageError::LogBehind { .. })), "{errors:?}");
    assert!(matches!(bench.refused(), StorageError::DirectoryInUse { .. }));
    wal.abandon().await;
    assert_eq!(bench.open().unwrap().seen.len(), 1);
}

#[tokio::test]
async fn a_read_goes_on_where_another_was_stopped_and_anywhere_else() {
    let bench = Bench::new();
    let wal = bench.open().unwrap().wal;
    for n in 0..40u8 {
        put(&wal, &[n; 100]);
        put(&wal, &vec![n; usize::from(n) * 300]);
        wal.durable(put(&wal, b"last of its frame")).await.unwrap();
        if n % 16 == 15 {
            wal.seal().await.unwrap();
        }
    }
    let all = lsns(&read(&wal, Lsn(1), Lsn(120)).unwrap());
    assert_eq!(all, (1..=120).collect::<Vec<u64>>());
    for step in [1, 2, 7, 50] {
        let mut seen = Vec::new();
        while seen.len() < 120 {
            let from = Lsn(seen.len() as u64 + 1);
            let mut some = 0;
            wal.read(from, Lsn(120), &mut |lsn, _| {
                seen.push(lsn.0);
                some += 1;
                if some < step { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })
            .unwrap();
            // Whoever reads something else meanwhile changes nothing.
            assert_eq!(lsns(&read(&wal, Lsn(3), Lsn(60)).unwrap()), (3..=60).collect::<Vec<u64>>());
        }
        assert_eq!(seen, all, "{step} at a time");
    }
}
