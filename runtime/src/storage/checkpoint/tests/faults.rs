//! A disk that is full, and one that refuses.

use super::*;

/// A store with a few batches in it, and what it holds.
fn filled(bench: &Bench) -> (RedbCheckpoint, Contents) {
    let store = bench.open().unwrap();
    for n in 1..=3 {
        now(store.apply(batch(n), Lsn(n * 100))).unwrap();
    }
    let before = contents(&store).unwrap();
    (store, before)
}

fn large(bytes: usize) -> Batch {
    let mut batch = Batch::new();
    batch.put("runs", "large", vec![7; bytes]);
    batch
}

#[test]
fn a_full_disk_is_named_and_the_store_goes_on_when_there_is_space() {
    let bench = Bench::new();
    let (store, before) = filled(&bench);
    bench.disk.set_capacity(Some(4 << 20));
    let error = now(store.apply(large(16 << 20), Lsn(400))).unwrap_err();
    assert!(matches!(error, CheckpointError::Full { .. }), "{error:?}");
    assert!(error.is_transient());
    assert_eq!(contents(&store).unwrap(), before);
    now(store.apply(batch(4), Lsn(400))).expect("what is smaller still fits");
    let before = contents(&store).unwrap();
    now(store.apply(large(16 << 20), Lsn(500))).unwrap_err();
    bench.disk.set_capacity(None);
    now(store.apply(large(16 << 20), Lsn(500))).unwrap();
    bench.disk.power_loss(&mut Dice(1), Loss::Everything);
    let store = bench.open().unwrap();
    assert_eq!(now(store.get("runs", b"large")).unwrap().unwrap().len(), 16 << 20);
    assert_eq!(contents(&store).unwrap().journals, before.journals);
}

/// One operation after the other fails, once; whatever the call said, the store is as it was or as it should be, in
/// this process and after a loss of power.
fn each_fails(fault: impl Fn(u64) -> Fault, is_it: impl Fn(&CheckpointError) -> bool) -> u64 {
    let histories = histories(5);
    for n in 0.. {
        let bench = Bench::seeded(n);
        let (store, _) = filled(&bench);
        bench.disk.inject(fault(n));
        let hit_before = bench.disk.faults_hit();
        let answered = now(store.apply(batch(4), Lsn(400)));
        bench.disk.heal();
        if bench.disk.faults_hit() == hit_before {
            answered.unwrap();
            return n;
        }
        let error = answered.expect_err("the operation failed, and nobody was told");
        assert!(is_it(&error), "operation {n}: {error:?}");
        let found = contents(&store).unwrap();
        assert!(found == histories[3] || found == histories[4], "operation {n}");
        if found == histories[3] {
            now(store.apply(batch(4), Lsn(400))).unwrap();
        }
        now(store.apply(batch(5), Lsn(500))).unwrap();
        bench.disk.power_loss(&mut Dice(n), Loss::ALL[n as usize % Loss::ALL.len()]);
        assert_eq!(contents(&bench.open().unwrap()).unwrap(), histories[5], "operation {n}");
    }
    unreachable!("an apply ends")
}

#[test]
fn a_write_that_finds_no_space_takes_nothing_along() {
    let is_full = |error: &CheckpointError| matches!(error, CheckpointError::Full { .. });
    let tried = each_fails(|n| Fault::on(Kind::Write).after(n).once().full(), is_full);
    assert!(tried > 5, "only {tried} writes were tried");
}

#[test]
fn a_write_that_fails_takes_nothing_along() {
    let is_io = |error: &CheckpointError| matches!(error, CheckpointError::Io { operation: "write", .. });
    let tried = each_fails(|n| Fault::on(Kind::Write).after(n).once(), is_io);
    assert!(tried > 5, "only {tried} writes were tried");
}

#[test]
fn after_a_failed_sync_every_call_says_so() {
    let bench = Bench::new();
    let (store, _) = filled(&bench);
    bench.disk.inject(Fault::on(Kind::Sync).once());
    let poisoned = |error: CheckpointError| {
        assert!(matches!(error, CheckpointError::Poisoned { operation: "sync", .. }), "{error:?}");
        assert!(!error.is_transient());
    };
    poisoned(now(store.apply(batch(4), Lsn(400))).unwrap_err());
    bench.disk.heal();
    let before = bench.disk.operations();
    poisoned(now(store.apply(batch(4), Lsn(400))).unwrap_err());
    poisoned(now(store.append(1, 1, b"row")).unwrap_err());
    poisoned(now(store.applied_lsn()).unwrap_err());
    poisoned(now(store.load_run(1)).unwrap_err());
    poisoned(now(store.get("runs", b"k")).unwrap_err());
    drop(store);
    assert_eq!(bench.disk.operations(), before, "nothing is written after a failed sync");
}

#[test]
fn a_read_that_fails_is_named_and_can_be_tried_again() {
    let bench = Bench::new();
    let (store, before) = filled(&bench);
    drop(store);
    let store = bench.open_as(UUID, 0).unwrap();
    bench.disk.fail_reads("checkpoint.redb");
    let error = contents(&store).unwrap_err();
    assert!(matches!(error, CheckpointError::Io { operation: "read", .. }), "{error:?}");
    bench.disk.heal();
    assert_eq!(contents(&store).unwrap(), before);
}

#[test]
fn an_apply_costs_three_syncs() {
    let bench = Bench::new();
    let (store, _) = filled(&bench);
    let syncs = || bench.disk.ops().iter().filter(|op| op.kind() == Kind::Sync).count();
    now(store.apply(batch(4), Lsn(400))).unwrap(); // the file grows, for which there is one more
    syncs();
    now(store.append(9, 1, b"row")).unwrap();
    assert_eq!(syncs(), 3, "pages, header, and the header's copy");
    now(store.apply(batch(1), Lsn(400))).unwrap_err();
    assert_eq!(syncs(), 0, "nothing was applied");
    now(store.apply(Batch::new(), Lsn(500))).unwrap();
    assert_eq!(syncs(), 3);
}

#[test]
fn reads_go_on_while_a_batch_is_applied() {
    let bench = Bench::new();
    let (store, _) = filled(&bench);
    now(store.apply(batch(4), Lsn(400))).unwrap(); // so that the file need not grow
    let before = contents(&store).unwrap();
    bench.disk.hold_syncs_of("checkpoint.redb");
    std::thread::scope(|threads| {
        let applied = threads.spawn(|| now(store.append(9, 1, b"row")));
        bench.disk.until_held();
        let read = contents(&store);
        bench.disk.release_syncs();
        assert_eq!(read.unwrap(), before);
        applied.join().unwrap().unwrap();
    });
    assert_eq!(now(store.load_run(9)).unwrap().len(), 1);
}
