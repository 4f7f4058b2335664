//! The order of operations, on which everything that survives a crash rests.

use super::*;

fn create(name: &str) -> Op {
    Op::Create(name.to_owned())
}

fn sync(name: &str) -> Op {
    Op::Sync(name.to_owned())
}

fn rename(from: &str, to: &str) -> Op {
    Op::Rename(from.to_owned(), to.to_owned())
}

fn sync_dir(name: &str) -> Op {
    Op::SyncDir(name.to_owned())
}

/// What was done, without the writes that fill a new file and what the preparer did.
fn steps(bench: &Bench) -> Vec<Op> {
    let mut ops = bench.fs.ops();
    ops.retain(|op| match op {
        Op::Write(name, _) | Op::SetLen(name, _) | Op::Allocate(name, _) => {
            !name.ends_with(".new") && !name.ends_with(".free")
        }
        Op::Create(name) | Op::Sync(name) => !name.ends_with(".free"),
        Op::Rename(..) | Op::SyncDir(_) | Op::Remove(_) => true,
    });
    ops
}

/// A new MANIFEST over the old one, in the room that was kept for it; and room for the next.
fn manifest() -> [Op; 4] {
    [sync("MANIFEST.new"), rename("MANIFEST.new", "MANIFEST"), sync_dir("data"), create("MANIFEST.new")]
}

fn new_segment(first: u64) -> [Op; 4] {
    let (new, wal) = (format!("{first:016x}.new"), file_name(first));
    [create(&new), sync(&new), rename(&new, &wal), sync_dir("wal")]
}

fn file_name(first: u64) -> String {
    format!("{first:016x}.wal")
}

fn frame(first: u64, offset: u64) -> [Op; 2] {
    let wal = file_name(first);
    [Op::Write(wal.clone(), offset), sync(&wal)]
}

#[tokio::test]
async fn a_new_log_is_durable_before_its_first_frame() {
    let bench = Bench::new();
    let wal = bench.open().unwrap().wal;
    wal.durable(put(&wal, b"one")).await.unwrap();
    let parents = [sync_dir(""), sync_dir("data")];
    let wanted =
        [&parents[..], &[create("MANIFEST.new")], &manifest(), &new_segment(1), &manifest(), &frame(1, 4096)].concat();
    assert_eq!(steps(&bench), wanted);
}

#[tokio::test]
async fn every_directory_that_is_made_has_its_name_synced() {
    let mut bench = Bench::new();
    bench.dir = PathBuf::from("/one/two/data");
    bench.open().unwrap();
    let ops = steps(&bench);
    assert_eq!(ops[..4], [sync_dir("two"), sync_dir("one"), sync_dir(""), sync_dir("data")]);
}

#[tokio::test]
async fn a_new_segment_is_named_by_the_manifest_before_its_first_frame() {
    let bench = Bench::new();
    let wal = bench.open().unwrap().wal;
    wal.durable(put(&wal, &[1; 40_000])).await.unwrap();
    wal.prepared().await;
    steps(&bench);
    wal.durable(put(&wal, &[2; 40_000])).await.unwrap();
    let spare = "0000000000000000.free";
    let named = [rename(spare, "0000000000000002.wal"), sync_dir("wal")];
    assert_eq!(steps(&bench), [&named[..], &manifest(), &frame(2, 4096)].concat());
}

#[tokio::test]
async fn a_spare_is_zeros_and_synced_and_its_header_is_synced_before_it_is_a_segment() {
    let bench = Bench::new();
    let wal = bench.open().unwrap().wal;
    wal.prepared().await;
    let spare = "0000000000000000.free";
    let of_spare = |op: &Op| match op {
        Op::SyncDir(_) | Op::Remove(_) => false,
        Op::Rename(name, _) => name == spare,
        other => other.file() == spare,
    };
    let ops: Vec<Op> = bench.fs.ops().into_iter().filter(of_spare).collect();
    let write = |at| Op::Write(spare.to_owned(), at);
    let allocated = Op::Allocate(spare.to_owned(), SEGMENT);
    assert_eq!(ops, [create(spare), allocated, write(0), sync(spare)]);
    assert_eq!(bench.read(&bench.dir.join("wal").join(spare)), vec![0; SEGMENT as usize]);
    put(&wal, b"one");
    wal.seal().await.unwrap();
    let ops: Vec<Op> = bench.fs.ops().into_iter().filter(of_spare).collect();
    assert_eq!(ops, [write(0), sync(spare), rename(spare, "0000000000000002.wal")]);
}

#[tokio::test]
async fn a_retired_segment_has_lost_its_name_for_good_before_it_is_filled_again() {
    let bench = Bench::new();
    let wal = bench.open().unwrap().wal;
    wal.durable(put(&wal, b"one")).await.unwrap();
    wal.seal().await.unwrap();
    wal.prepared().await;
    bench.fs.ops();
    wal.retire(Lsn(1));
    wal.prepared().await;
    let free = "0000000000000003.free";
    assert_eq!(bench.fs.ops(), [rename(&file_name(1), free), sync_dir("wal")]);
    put(&wal, b"two");
    wal.seal().await.unwrap();
    wal.prepared().await;
    let ops: Vec<Op> = bench.fs.ops().into_iter().filter(|op| op.file() == free).collect();
    let allocated = Op::Allocate(free.to_owned(), SEGMENT);
    assert_eq!(ops, [allocated, Op::Write(free.to_owned(), 0), sync(free)]);
}

#[tokio::test]
async fn a_log_that_is_opened_again_takes_a_new_salt_before_it_is_copied() {
    let bench = Bench::with_frames(&[b"one", b"two"]).await;
    let wal = bench.open().unwrap().wal;
    wal.prepared().await;
    wal.abandon().await;
    steps(&bench);
    let before = salts(&bench);
    let wal = bench.open().unwrap().wal;
    wal.durable(put(&wal, b"three")).await.unwrap();
    let done = steps(&bench);
    let renamed = |op: &Op| matches!(op, Op::Rename(from, to) if from.ends_with(".free") && *to == file_name(1));
    let from = done.iter().position(renamed).unwrap();
    let named = [done[from].clone(), sync_dir("wal")];
    assert_eq!(done, [&manifest()[..], &named, &frame(1, 4096 * 3)].concat());
    let after = salts(&bench);
    assert!(after[0] > before[0], "{before:?} {after:?}");
    wal.close().await.unwrap();
    assert_eq!(steps(&bench), manifest());
}

#[tokio::test]
async fn no_salt_is_ever_used_twice() {
    let bench = Bench::new();
    let mut used = std::collections::BTreeSet::new();
    for round in 0..6u8 {
        let wal = bench.open().unwrap().wal;
        for i in 0..5 {
            wal.durable(put(&wal, &[i; 30_000])).await.unwrap();
        }
        if round % 2 == 0 {
            wal.close().await.unwrap();
        }
        wal.abandon().await;
        let salts = salts(&bench);
        let distinct: std::collections::BTreeSet<u64> = salts.iter().copied().collect();
        assert_eq!(distinct.len(), salts.len());
        used.extend(distinct);
        let manifest = Manifest::decode(&bench.read(&bench.manifest()), &bench.manifest()).unwrap();
        assert!(used.iter().all(|&salt| salt < manifest.next_salt));
    }
}

fn salts(bench: &Bench) -> Vec<u64> {
    bench.segments().iter().map(|path| crate::storage::bytes::u64_at(&bench.read(path), segment::SALT_AT)).collect()
}
