//! The living log: appending, waiting, closing.

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
