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

/// What was done, without the writes that fill a new file.
fn steps(bench: &Bench) -> Vec<Op> {
    let mut ops = bench.fs.ops();
    ops.retain(|op| !matches!(op, Op::Write(name, _) if name.ends_with(".new")));
    ops
}

/// A new MANIFEST over the old one, in the room that was kept for it; and room for the next.
fn manifest() -> [Op; 4] {
    [sync("MANIFEST.new"), rename("MANIFEST.new", "MANIFEST"), sync_dir("data"), create("MANIFEST.new")]
}

fn new_segment(first: u64) -> [Op; 4] {
    let (new, wal) = (format!("{first:016x}.new"), format!("{first:016x}.wal"));
    [create(&new), sync(&new), rename(&new, &wal), sync_dir("wal")]
}

fn frame(first: u64, offset: u64) -> [Op; 2] {
    let wal = format!("{first:016x}.wal");
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
    steps(&bench);
    wal.durable(put(&wal, &[2; 40_000])).await.unwrap();
    assert_eq!(steps(&bench), [&new_segment(2)[..], &manifest(), &frame(2, 4096)].concat());
}

#[tokio::test]
async fn a_log_that_is_opened_again_takes_a_new_salt_before_it_is_copied() {
    let bench = Bench::with_frames(&[b"one", b"two"]).await;
    steps(&bench);
    let before = salts(&bench);
    let wal = bench.open().unwrap().wal;
    wal.durable(put(&wal, b"three")).await.unwrap();
    assert_eq!(steps(&bench), [&manifest()[..], &new_segment(1), &frame(1, 4096 * 3)].concat());
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
