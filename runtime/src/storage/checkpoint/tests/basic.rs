//! Both stores, one against the other.

use super::*;

#[test]
fn a_store_on_disk_holds_what_one_in_memory_holds() {
    let bench = Bench::new();
    let mut store = bench.open().unwrap();
    for (n, expected) in histories(60).into_iter().enumerate() {
        if n > 0 {
            now(store.apply(batch(n as u64), Lsn(n as u64 * 100))).unwrap();
        }
        assert_eq!(contents(&store).unwrap(), expected, "after batch {n}");
        if n.is_multiple_of(9) {
            drop(store);
            store = bench.open().unwrap();
            assert_eq!(contents(&store).unwrap(), expected, "after batch {n}, opened again");
        }
    }
}

fn both() -> [Box<dyn CheckpointStore>; 2] {
    [Box::new(MemoryCheckpoint::new()), Box::new(Bench::new().open().unwrap())]
}

#[test]
fn a_refused_batch_changes_nothing() {
    for store in both() {
        let mut first = Batch::new();
        first.append(1, 1, "a").put("runs", "k", "v");
        now(store.apply(first, Lsn(5))).unwrap();
        let before = contents(&*store).unwrap();
        let mut twice = Batch::new();
        twice.put("runs", "k", "w").clear(1).append(1, 1, "b").append(1, 1, "c");
        let error = now(store.apply(twice, Lsn(6))).unwrap_err();
        assert!(matches!(error, CheckpointError::DuplicateSequence { run: 1, sequence: 1 }), "{error}");
        let mut stale = Batch::new();
        stale.put("runs", "k", "x");
        let error = now(store.apply(stale, Lsn(4))).unwrap_err();
        assert!(matches!(error, CheckpointError::Stale { applied: Lsn(5), lsn: Lsn(4) }), "{error}");
        let mut large = Batch::new();
        large.put("runs", "k", "x").put("runs", vec![0; MAX_KEY + 1], "x");
        let error = now(store.apply(large, Lsn(6))).unwrap_err();
        assert!(matches!(error, CheckpointError::TooLarge { what: "key", bytes: 2049, limit: 2048 }), "{error}");
        let mut unnamed = Batch::new();
        unnamed.put("runs", "k", "x").remove("", "x");
        let error = now(store.apply(unnamed, Lsn(6))).unwrap_err();
        assert!(matches!(error, CheckpointError::BadTable { .. }), "{error}");
        assert_eq!(contents(&*store).unwrap(), before);
    }
}

#[test]
fn a_batch_is_done_in_its_order() {
    for store in both() {
        let mut batch = Batch::new();
        batch.append(1, 7, "a").clear(1).append(1, 7, "b").put("runs", "k", "v").remove("runs", "k");
        now(store.apply(batch, Lsn(1))).unwrap();
        assert_eq!(now(store.load_run(1)).unwrap(), [JournalRow { sequence: 7, row: b"b".to_vec() }]);
        assert_eq!(now(store.get("runs", b"k")).unwrap(), None);
    }
}

#[test]
fn rows_come_behind_others_between_them_and_in_their_place() {
    let [memory, disk] = both();
    let key = |n: u64| (n * 7 % 500).to_be_bytes();
    for round in 1..=6u64 {
        let mut batch = Batch::new();
        for n in (0..300).map(|n| n * round) {
            batch.put("runs", key(n), vec![round as u8; 40]);
            // Of every round some rows are behind all others, and some journals are cleared after or before.
            batch.append(n % 20, round * 10_000 + n, "row");
            batch.put("ended", (round * 1_000 + n).to_be_bytes(), "");
            if n % 11 == 0 {
                batch.clear((n + 3) % 20).remove("runs", key(n + round)).remove("none", key(n));
            }
        }
        for store in [&memory, &disk] {
            now(store.apply(batch.clone(), Lsn(round))).unwrap();
        }
        for table in ["runs", "ended", "none"] {
            let rows = |store: &dyn CheckpointStore| now(store.scan(table, KeyRange::all(), usize::MAX)).unwrap();
            assert_eq!(rows(&*memory), rows(&*disk), "round {round}, table {table}");
        }
        for run in 0..20 {
            let rows = |store: &dyn CheckpointStore| now(store.load_run(run)).unwrap();
            assert_eq!(rows(&*memory), rows(&*disk), "round {round}, run {run}");
        }
    }
}

#[test]
fn a_scan_gives_the_rows_of_its_range_in_its_order() {
    for store in both() {
        let mut batch = Batch::new();
        for key in ["a", "ab", "ac", "b", "c"] {
            batch.put("t", key, key);
        }
        batch.put("t", [0xff, 0xff], "high").put("t", [0xff], "low");
        now(store.apply(batch, Lsn(1))).unwrap();
        let keys = |range: KeyRange, limit| -> Vec<Vec<u8>> {
            now(store.scan("t", range, limit)).unwrap().into_iter().map(|(key, _)| key).collect()
        };
        assert_eq!(keys(KeyRange::all(), 2), [b"a".to_vec(), b"ab".to_vec()]);
        assert_eq!(keys(KeyRange::prefix("a"), 9), [b"a".to_vec(), b"ab".to_vec(), b"ac".to_vec()]);
        assert_eq!(keys(KeyRange::prefix("a").descending(), 2), [b"ac".to_vec(), b"ab".to_vec()]);
        assert_eq!(keys(KeyRange::prefix([0xff]), 9), [vec![0xff], vec![0xff, 0xff]]);
        assert_eq!(keys(KeyRange::after("b").before([0xff]), 9), [b"c".to_vec()]);
        assert_eq!(keys(KeyRange::from("b").through("c"), 9), [b"b".to_vec(), b"c".to_vec()]);
        assert_eq!(keys(KeyRange::prefix("a").resume_after("ab"), 9), [b"ac".to_vec()]);
        assert_eq!(keys(KeyRange::from("c").before("a"), 9), Vec::<Vec<u8>>::new());
        assert_eq!(keys(KeyRange::after("a").before("a"), 9), Vec::<Vec<u8>>::new());
        assert_eq!(now(store.scan("none", KeyRange::all(), 9)).unwrap(), []);
    }
}

#[test]
fn values_of_many_pages_come_back() {
    let bench = Bench::new();
    let store = bench.open().unwrap();
    let large: Vec<u8> = (0..3_000_000u32).map(|n| n as u8).collect();
    let mut batch = Batch::new();
    batch.put("t", "k", large.clone()).append(1, 1, large.clone());
    now(store.apply(batch, Lsn(1))).unwrap();
    drop(store);
    let store = bench.open().unwrap();
    assert_eq!(now(store.get("t", b"k")).unwrap().unwrap(), large);
    assert_eq!(now(store.load_run(1)).unwrap()[0].row, large);
}
