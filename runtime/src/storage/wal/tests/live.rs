//! The living log: appending, waiting, closing.

#![expect(clippy::disallowed_methods, reason = "here the waiters are tasks of the test's own runtime")]

use super::*;

#[tokio::test]
async fn what_was_durable_is_replayed_after_a_clean_close() {
    let bench = Bench::new();
    let Opened { wal, report, seen } = bench.open().unwrap();
    assert!(report.created && report.clean);
    assert_eq!((report.last_lsn, seen.len()), (Lsn(0), 0));
    let first = put(&wal, b"one");
    let last = wal
        .append(|group| {
            group.record(1, 10, 100, |body| body.extend_from_slice(b"two"));
            group.record(2, 11, 101, |_| {});
            group.record(3, u64::MAX, i64::MIN, |body| body.push(4));
        })
        .unwrap();
    assert_eq!((first, last), (Lsn(1), Lsn(4)));
    wal.durable(last).await.unwrap();
    assert_eq!(wal.durable_lsn(), last);
    let live = scanned(&wal);
    wal.close().await.unwrap();

    let Opened { wal, report, seen } = bench.open().unwrap();
    assert!(!report.created && report.clean && report.cut.is_none());
    assert_eq!((report.last_lsn, report.records), (Lsn(4), 4));
    let flags: Vec<u8> = seen.iter().map(|record| record.flags).collect();
    assert_eq!(flags, [0, GROUP_CONTINUES, GROUP_CONTINUES, 0]);
    assert_eq!(bodies(&seen), [&b"one"[..], b"two", b"", &[4]]);
    assert_eq!((seen[3].run, seen[3].time, seen[3].kind), (u64::MAX, i64::MIN, 3));
    assert_eq!((live, scanned(&wal)), (seen.clone(), seen));
    assert_eq!(put(&wal, b"five"), Lsn(5));
    wal.abandon().await;

    let Opened { report, seen, .. } = bench.open().unwrap();
    assert!(!report.clean && report.cut.is_none());
    assert_eq!(seen.len(), 5);
}

#[tokio::test]
async fn a_log_on_a_real_disk_is_closed_and_opened_again() {
    let temp = tempfile::tempdir().unwrap();
    let bench = Bench::on_disk(temp.path());
    let wal = bench.open().unwrap().wal;
    for i in 0..40 {
        let lsn = put(&wal, &[i; 3000]);
        wal.durable(lsn).await.unwrap();
    }
    assert!(matches!(bench.refused(), StorageError::DirectoryInUse { dir } if dir == bench.dir));
    wal.close().await.unwrap();
    let Opened { wal, report, seen } = bench.open().unwrap();
    assert!(report.clean);
    assert_eq!(seen.len(), 40);
    assert!(bench.segments().len() > 1);
    assert_eq!(scanned(&wal), seen);
}

#[tokio::test]
async fn a_second_opener_is_told_who_has_the_directory() {
    let bench = Bench::new();
    let opened = bench.open().unwrap();
    let error = bench.refused();
    assert!(matches!(&error, StorageError::DirectoryInUse { dir } if *dir == bench.dir), "{error}");
    opened.wal.close().await.unwrap();
    bench.open().unwrap();
}

#[tokio::test]
async fn a_waiter_is_not_told_before_the_sync() {
    let bench = Bench::new();
    let wal = bench.open().unwrap().wal;
    bench.fs.hold_syncs();
    let lsn = put(&wal, b"one");
    let mut durable = Box::pin(wal.durable(lsn));
    bench.fs.until_held();
    assert!(is_pending(durable.as_mut()));
    assert_eq!((wal.durable_lsn(), scanned(&wal).len()), (Lsn(0), 0));
    bench.fs.release_syncs();
    durable.await.unwrap();
    assert_eq!((wal.durable_lsn(), scanned(&wal).len()), (Lsn(1), 1));
}

#[tokio::test]
async fn records_that_arrive_during_a_sync_share_the_next_one() {
    let bench = Bench::new();
    let wal = bench.open().unwrap().wal;
    bench.fs.hold_syncs();
    let first = put(&wal, b"first");
    bench.fs.until_held();
    let waits: Vec<_> = (0..100).map(|i| wal.durable_alone(put(&wal, &[i]))).map(tokio::spawn).collect();
    bench.fs.release_syncs();
    wal.durable(first).await.unwrap();
    for wait in waits {
        wait.await.unwrap().unwrap();
    }
    let WalStats { syncs, frames, records, .. } = wal.stats();
    assert_eq!((syncs, frames, records), (2, 2, 101));
}

#[tokio::test]
async fn many_tasks_on_many_threads_all_hear_of_their_records() {
    let bench = Bench::new();
    let wal = bench.open().unwrap().wal;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
    let tasks: Vec<_> = (0..64u64)
        .map(|run| {
            let wal = wal.clone();
            runtime.spawn(async move {
                for step in 0..50u64 {
                    let lsn = wal.append(|group| group.record(1, run, 0, |b| b.extend(step.to_le_bytes()))).unwrap();
                    wal.durable(lsn).await.unwrap();
                    assert!(wal.durable_lsn() >= lsn);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    runtime.shutdown_background();
    assert_eq!(wal.stats().records, 64 * 50);
    assert_eq!(wal.waiters(), 0);
    wal.close().await.unwrap();
    let seen = bench.open().unwrap().seen;
    for run in 0..64 {
        let steps: Vec<u64> =
            seen.iter().filter(|r| r.run == run).map(|r| u64::from_le_bytes(r.body[..].try_into().unwrap())).collect();
        assert_eq!(steps, (0..50).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_full_segment_is_followed_by_another() {
    let bench = Bench::new();
    let wal = bench.open().unwrap().wal;
    for i in 0..100 {
        let lsn = put(&wal, &[i; 5000]);
        wal.durable(lsn).await.unwrap();
    }
    let segments = bench.segments();
    assert_eq!(segments.len(), 15, "seven frames of two blocks fit a segment: {segments:?}");
    assert_eq!(scanned(&wal).len(), 100);
    wal.abandon().await;
    let Opened { wal, report, seen } = bench.open().unwrap();
    assert_eq!((report.last_lsn, report.cut), (Lsn(100), None));
    assert_eq!(seen.len(), 100);
    assert!(seen.iter().zip(0..).all(|(record, i)| record.body == [i; 5000]));
    assert_eq!(scanned(&wal), seen);
}

#[tokio::test]
async fn a_group_larger_than_a_segment_gets_one_of_its_size() {
    for before in [0, 1] {
        let bench = Bench::new();
        let wal = bench.open().unwrap().wal;
        for _ in 0..before {
            put(&wal, b"before");
        }
        let big = vec![9; 3 * SEGMENT as usize];
        let lsn = put(&wal, &big);
        wal.durable(lsn).await.unwrap();
        let after = put(&wal, b"after");
        wal.durable(after).await.unwrap();
        assert_eq!(scanned(&wal).len(), before + 2);
        wal.abandon().await;
        for clean in [false, true] {
            let Opened { wal, report, seen } = bench.open().unwrap();
            assert_eq!((report.clean, report.cut), (clean, None));
            assert_eq!(seen[before].body, big);
            assert_eq!(seen[before + 1].body, b"after");
            wal.close().await.unwrap();
        }
    }
}

#[tokio::test]
async fn groups_that_wait_together_are_cut_into_frames_that_fit() {
    let bench = Bench::new();
    let wal = bench.open().unwrap().wal;
    bench.fs.hold_syncs();
    put(&wal, b"first");
    bench.fs.until_held();
    let mut last = Lsn(0);
    for i in 0..50 {
        last = put(&wal, &[i; 9000]);
    }
    bench.fs.release_syncs();
    wal.durable(last).await.unwrap();
    assert!(bench.segments().iter().all(|path| bench.read(path).len() == SEGMENT as usize));
    assert_eq!(scanned(&wal).len(), 51);
}

#[tokio::test]
async fn room_is_awaited_while_the_queue_is_full() {
    let bench = Bench::new();
    let wal = bench.open_with(WalConfig { queue_bytes: 1000, ..config() }).unwrap().wal;
    wal.room().await.unwrap();
    bench.fs.hold_syncs();
    put(&wal, &[0; 900]);
    wal.room().await.unwrap();
    put(&wal, &[0; 900]);
    let mut room = Box::pin(wal.room());
    assert!(is_pending(room.as_mut()));
    bench.fs.release_syncs();
    room.await.unwrap();
}

#[tokio::test]
async fn waiters_that_are_dropped_or_polled_again_leave_nothing_behind() {
    let bench = Bench::new();
    let wal = bench.open().unwrap().wal;
    bench.fs.hold_syncs();
    let lsn = put(&wal, b"one");
    bench.fs.until_held();
    let mut kept = Box::pin(wal.durable(lsn));
    for _ in 0..100 {
        assert!(is_pending(kept.as_mut()));
        assert!(is_pending(Box::pin(wal.durable(lsn)).as_mut()));
    }
    assert_eq!(wal.waiters(), 1);
    bench.fs.release_syncs();
    kept.await.unwrap();
    assert_eq!(wal.waiters(), 0);
}

#[tokio::test]
async fn a_failed_write_or_sync_stops_the_log_for_good() {
    for fail in [Fail::Syncs, Fail::Writes] {
        let bench = Bench::new();
        let wal = bench.open().unwrap().wal;
        wal.prepared().await;
        let early = put(&wal, b"early");
        wal.durable(early).await.unwrap();
        bench.fs.hold_syncs();
        let in_flight = put(&wal, b"in flight");
        bench.fs.until_held();
        let queued = put(&wal, b"queued");
        let waits = [in_flight, queued, Lsn(99)].map(|lsn| tokio::spawn(wal.durable_alone(lsn)));
        tokio::task::yield_now().await;
        if fail == Fail::Syncs {
            bench.fs.fail_held();
        } else {
            bench.fs.fail(fail);
        }
        bench.fs.ops();
        bench.fs.release_syncs();
        let mut errors = Vec::new();
        for (wait, of) in waits.into_iter().zip(["in flight", "queued", "never appended"]) {
            let heard = tokio::time::timeout(PATIENCE, wait).await.expect("a waiter was not woken");
            match heard.unwrap() {
                Err(error) => errors.push(error),
                // Its sync went well; whether its waiter heard of that before the next write failed is chance.
                Ok(()) => assert_eq!((fail, of), (Fail::Writes, "in flight")),
            }
        }
        bench.fs.fail(Fail::Nothing);
        errors.push(wal.append(|group| group.record(1, 1, 1, |_| {})).unwrap_err());
        errors.push(wal.room().await.unwrap_err());
        errors.push(wal.durable(early).await.unwrap_err());
        errors.push(wal.close().await.unwrap_err());
        for error in &errors {
            let wanted = if fail == Fail::Syncs { "sync" } else { "write" };
            match error {
                StorageError::Poisoned { operation, path, .. } => {
                    assert_eq!((*operation, path), (wanted, &bench.segment(1)));
                }
                other => panic!("{other}"),
            }
        }
        let after = bench.fs.ops();
        assert!(!after.iter().any(|op| matches!(op, Op::Sync(_))), "a sync was retried: {after:?}");
        assert!(matches!(bench.refused(), StorageError::DirectoryInUse { .. }));
        wal.abandon().await;
        assert!(!bench.open().unwrap().report.clean);
    }
}

#[tokio::test]
async fn a_closed_log_takes_nothing_more_and_knows_what_it_has() {
    let bench = Bench::new();
    let wal = bench.open().unwrap().wal;
    let lsn = put(&wal, b"one");
    let mut never = Box::pin(wal.durable(Lsn(2)));
    assert!(is_pending(never.as_mut()));
    wal.close().await.unwrap();
    wal.close().await.unwrap();
    wal.durable(lsn).await.unwrap();
    assert!(matches!(never.await, Err(StorageError::Closed)));
    assert!(matches!(wal.room().await, Err(StorageError::Closed)));
    assert!(matches!(wal.append(|group| group.record(1, 1, 1, |_| {})), Err(StorageError::Closed)));
    assert_eq!(bench.open().unwrap().seen.len(), 1);
}

#[tokio::test]
async fn a_log_that_is_dropped_writes_what_was_queued() {
    let bench = Bench::new();
    let wal = bench.open().unwrap().wal;
    let wait = wal.durable_alone(put(&wal, b"one"));
    wal.clone().append(|group| group.record(1, 1, 1, |_| {})).unwrap();
    wal.abandon().await;
    wait.await.unwrap();
    let Opened { report, seen, .. } = bench.open().unwrap();
    assert_eq!((report.clean, seen.len()), (false, 2));
}

#[tokio::test]
async fn a_group_that_panics_takes_only_itself_back() {
    let bench = Bench::new();
    let wal = bench.open().unwrap().wal;
    bench.fs.hold_syncs();
    put(&wal, b"first");
    bench.fs.until_held();
    put(&wal, b"second");
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        wal.append(|group| {
            group.record(1, 1, 1, |body| body.extend_from_slice(b"half"));
            group.record(1, 1, 1, |_| panic!("on purpose"));
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(put(&wal, b"third"), Lsn(3));
    bench.fs.release_syncs();
    wal.close().await.unwrap();
    assert_eq!(bodies(&bench.open().unwrap().seen), [&b"first"[..], b"second", b"third"]);
}

#[tokio::test]
async fn an_empty_group_is_no_record() {
    let bench = Bench::new();
    let wal = bench.open().unwrap().wal;
    assert_eq!(wal.append(|_| {}).unwrap(), Lsn(0));
    assert_eq!(put(&wal, b"one"), Lsn(1));
    assert_eq!(wal.append(|_| {}).unwrap(), Lsn(1));
    wal.close().await.unwrap();
    assert_eq!(bench.open().unwrap().seen.len(), 1);
}

#[tokio::test]
async fn without_durability_nothing_waits_and_only_the_end_is_synced() {
    let bench = Bench::new();
    let wal = bench.open_with(WalConfig { durability: Durability::None, ..config() }).unwrap().wal;
    bench.fs.hold_syncs();
    for i in 0..10 {
        wal.durable(put(&wal, &[i])).await.unwrap();
    }
    bench.fs.release_syncs();
    assert_eq!((wal.durable_lsn(), wal.stats().syncs), (Lsn(0), 0));
    wal.close().await.unwrap();
    assert_eq!(wal.stats().syncs, 1);
    assert_eq!(bench.open().unwrap().seen.len(), 10);
}

#[tokio::test]
async fn a_segment_is_synced_before_the_next_whatever_the_durability() {
    let bench = Bench::new();
    let wal = bench.open_with(WalConfig { durability: Durability::None, ..config() }).unwrap().wal;
    for i in 0..20 {
        put(&wal, &[i; 9000]);
    }
    wal.abandon().await;
    bench.memory.crash(&mut Dice(1));
    let Opened { seen, .. } = bench.open().unwrap();
    assert!(seen.len() >= 12, "only {} records are there", seen.len());
    assert!(seen.iter().zip(0..).all(|(record, i)| record.body == [i; 9000]));
}

#[tokio::test]
async fn at_intervals_what_was_written_is_synced() {
    let bench = Bench::new();
    let durability = Durability::Interval(std::time::Duration::from_millis(1));
    let wal = bench.open_with(WalConfig { durability, ..config() }).unwrap().wal;
    let lsn = put(&wal, b"one");
    wal.durable(lsn).await.unwrap();
    while wal.durable_lsn() < lsn {
        tokio::task::yield_now().await;
    }
    assert_eq!(wal.stats().syncs, 1);
    wal.close().await.unwrap();
    assert_eq!(wal.stats().syncs, 1);
}

pub(super) fn is_pending<F: Future + ?Sized>(future: std::pin::Pin<&mut F>) -> bool {
    future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_pending()
}
