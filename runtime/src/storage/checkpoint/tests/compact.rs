//! A store that is written anew, packed: nothing is lost wherever that ends, and the file is smaller.

use super::*;

/// A store most of whose rows have gone, and what it holds.
fn loose(bench: &Bench) -> (RedbCheckpoint, Contents) {
    let store = bench.open().unwrap();
    for n in 1..=3 {
        now(store.apply(batch(n), Lsn(n * 100))).unwrap();
    }
    let mut many = Batch::new();
    for n in 0..400u64 {
        many.put("gone", n.to_be_bytes(), vec![n as u8; 500]);
    }
    now(store.apply(many, Lsn(300))).unwrap();
    let mut few = Batch::new();
    for n in 0..400u64 {
        few.remove("gone", n.to_be_bytes());
    }
    now(store.apply(few, Lsn(300))).unwrap();
    let before = contents(&store).unwrap();
    (store, before)
}

/// The next batch is applied, and all is there after a loss of power.
fn goes_on(bench: &Bench, store: &RedbCheckpoint, n: u64) {
    assert_eq!(contents(store).unwrap(), histories(3)[3], "operation {n}");
    now(store.apply(batch(4), Lsn(400))).unwrap();
    bench.disk.power_loss(&mut Dice(n), Loss::ALL[n as usize % Loss::ALL.len()]);
    assert_eq!(contents(&bench.open().unwrap()).unwrap(), histories(4)[4], "operation {n}");
    assert_eq!(bench.verify(), [], "operation {n}");
}

fn in_the_making(bench: &Bench) -> bool {
    bench.disk.raw().read(Bench::path().with_extension("redb.new")).is_some()
}

#[test]
fn a_packed_store_is_smaller_and_holds_the_same() {
    let bench = Bench::new();
    let (store, before) = loose(&bench);
    let long = bench.bytes().len();
    now(store.compact()).unwrap();
    assert_eq!(contents(&store).unwrap(), before);
    assert!(bench.bytes().len() < long / 2, "{} of {long} bytes", bench.bytes().len());
    assert!(!in_the_making(&bench));
    let packed = bench.bytes().len();
    now(store.compact()).unwrap();
    assert!(bench.bytes().len() <= packed);
    goes_on(&bench, &store, 0);
}

#[test]
fn whatever_was_applied_is_there_wherever_the_power_fails() {
    for n in 0.. {
        let bench = Bench::seeded(n);
        let (store, before) = loose(&bench);
        let mut dice = Dice(n);
        bench.disk.crash_at(n);
        let done = now(store.compact());
        drop(store);
        match dice.below(4) {
            0 => bench.disk.kill(),
            _ => bench.disk.power_loss(&mut dice, Loss::ALL[n as usize % Loss::ALL.len()]),
        }
        let store = bench.open().unwrap();
        assert_eq!(contents(&store).unwrap(), before, "operation {n}");
        assert!(!in_the_making(&bench), "operation {n}");
        goes_on(&bench, &store, n);
        if done.is_ok() {
            assert!(n > 20, "only {n} operations were tried");
            return;
        }
    }
}

/// One operation of a kind after the other fails, once.
fn each_fails(kind: Kind, fault: impl Fn(Fault) -> Fault) {
    for n in 0.. {
        let bench = Bench::seeded(n);
        let (store, _) = loose(&bench);
        bench.disk.inject(fault(Fault::on(kind).after(n).once()));
        let hit_before = bench.disk.faults_hit();
        let answered = now(store.compact());
        bench.disk.heal();
        if bench.disk.faults_hit() == hit_before {
            answered.unwrap();
            assert!(n > 0, "nothing was tried");
            return;
        }
        match answered {
            // Nothing is done any more by this process.
            Err(CheckpointError::Poisoned { .. }) => {
                now(store.applied_lsn()).unwrap_err();
                drop(store);
                bench.disk.kill();
                goes_on(&bench, &bench.open().unwrap(), n);
            }
            // What fails when the old one is closed, or a copy is removed, says nothing of the new one.
            _ => goes_on(&bench, &store, n),
        }
    }
}

#[test]
fn an_operation_that_fails_takes_nothing_along() {
    for kind in [Kind::Write, Kind::Sync, Kind::Rename, Kind::SetLen, Kind::SyncDir] {
        each_fails(kind, |fault| fault);
    }
    each_fails(Kind::Write, Fault::full);
}

#[test]
fn without_room_for_a_copy_the_store_stays_as_it_is() {
    let bench = Bench::new();
    let (store, before) = loose(&bench);
    bench.disk.fill();
    let error = now(store.compact()).unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    assert!(!in_the_making(&bench));
    assert_eq!(contents(&store).unwrap(), before);
    bench.disk.set_capacity(None);
    now(store.compact()).unwrap();
    goes_on(&bench, &store, 0);
}

#[test]
fn a_closed_store_is_not_packed() {
    let bench = Bench::new();
    let (store, _) = loose(&bench);
    store.close(true).unwrap();
    now(store.compact()).unwrap_err();
    assert!(!in_the_making(&bench));
}
