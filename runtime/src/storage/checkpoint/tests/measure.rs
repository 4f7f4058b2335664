use super::*;
use std::time::Instant;

#[tokio::test]
async fn measure() {
    let dir = tempfile::tempdir_in("/tmp/h/ckpt").unwrap();
    let fs: Arc<dyn Fs> = crate::platform::real::platform().unwrap().fs;
    let path = dir.path().join("checkpoint.redb");
    let t = Instant::now();
    let store = RedbCheckpoint::open(fs.clone(), &path, UUID, 16 << 20).unwrap();
    println!("create {:?}", t.elapsed());
    let mut lsn = 0;
    let mut apply = |label: &str, rows: u64, rounds: u64, scattered: bool| {
        let mut best = std::time::Duration::MAX;
        let mut total = std::time::Duration::ZERO;
        for round in 0..rounds {
            let mut batch = Batch::new();
            for row in 0..rows {
                let n = lsn * 100_000 + row;
                let run = if scattered { (n.wrapping_mul(0x9e37_79b9_7f4a_7c15)) >> 40 } else { n };
                batch.append(run, n, vec![n as u8; 200]);
            }
            lsn += 1;
            let t = Instant::now();
            now(store.apply(batch, Lsn(lsn))).unwrap();
            let e = t.elapsed();
            best = best.min(e);
            total += e;
            let _ = round;
        }
        let m = std::fs::metadata(&path).unwrap();
        use std::os::unix::fs::MetadataExt;
        println!(
            "{label}: best {best:?} mean {:?}; len {} blocks {}",
            total / rounds as u32,
            m.len(),
            m.blocks() * 512
        );
    };
    apply("10000 sequential", 10_000, 10, false);
    apply("10000 scattered", 10_000, 10, true);
    apply("1 row", 1, 50, false);
    apply("100 rows scattered", 100, 50, true);
    drop(store);
    let t = Instant::now();
    let store = RedbCheckpoint::open(fs.clone(), &path, UUID, 16 << 20).unwrap();
    println!("open {:?}", t.elapsed());
    std::mem::forget(store);
    let t = Instant::now();
    let _store = RedbCheckpoint::open(fs, &path, UUID, 16 << 20).unwrap();
    println!("open after kill {:?}", t.elapsed());
    let f = std::fs::File::create(dir.path().join("x")).unwrap();
    use std::os::unix::fs::FileExt;
    f.set_len(1 << 20).unwrap();
    f.sync_all().unwrap();
    let t = Instant::now();
    for i in 0..50 {
        f.write_all_at(&[1; 4096], i * 4096).unwrap();
        f.sync_data().unwrap();
    }
    println!("write+fdatasync {:?}", t.elapsed() / 50);
}
