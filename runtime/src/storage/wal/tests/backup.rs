//! A directory that is a copy of another.

use super::*;
use crate::storage::Cipher;

fn data(bench: &Bench) -> DataDir {
    DataDir::open(&bench.platform, &bench.dir).unwrap()
}

#[tokio::test]
async fn a_backup_says_so_until_it_is_restored_and_its_log_starts_after_the_checkpoint() {
    let bench = Bench::new();
    let new = DataDir::make_backup(&bench.platform, &bench.dir).unwrap();
    assert!(matches!(bench.refused(), StorageError::DirectoryInUse { .. }));
    bench.write(&new.path().join("checkpoint.redb"), b"rows");
    new.finish(Uuid::from_u128(7), 40, Lsn(100), &Cipher::default()).unwrap();
    // Nothing that was acknowledged as a backup is lost.
    bench.memory.crash(&mut Dice(0));

    let mut opened = data(&bench);
    assert!(opened.is_backup() && !opened.created());
    assert_eq!((opened.uuid(), opened.path()), (Uuid::from_u128(7), bench.dir.as_path()));
    opened.restore().unwrap();
    assert!(!opened.is_backup());
    drop(opened);
    bench.memory.crash(&mut Dice(0));
    assert!(!data(&bench).is_backup());

    let Opened { wal, report, seen } = bench.open_after(config(), Lsn(100)).unwrap();
    assert_eq!((report.last_lsn, report.records, seen.len(), report.uuid), (Lsn(100), 0, 0, Uuid::from_u128(7)));
    assert_eq!((wal.oldest_lsn(), wal.next_salt()), (Lsn(101), 41));
    let lsn = put(&wal, b"one more");
    assert_eq!(lsn, Lsn(101));
    wal.durable(lsn).await.unwrap();
    wal.abandon().await;
    assert_eq!(bodies(&bench.open_after(config(), Lsn(100)).unwrap().seen), [b"one more"]);
}

#[tokio::test]
async fn half_a_backup_is_none() {
    for file in ["checkpoint.redb", "arena/0000000000000000.arena"] {
        let bench = Bench::new();
        let new = DataDir::make_backup(&bench.platform, &bench.dir).unwrap();
        bench.platform.fs.create_dir_all(&bench.dir.join("arena")).unwrap();
        bench.write(&new.path().join(file), b"rows");
        drop(new);
        match bench.refused() {
            StorageError::MissingManifest { file: found, .. } => assert_eq!(found, bench.dir.join(file)),
            other => panic!("{other}"),
        }
        match DataDir::make_backup(&bench.platform, &bench.dir).unwrap_err() {
            StorageError::DirectoryNotEmpty { dir, .. } => assert_eq!(dir, bench.dir),
            other => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn a_backup_needs_an_empty_directory() {
    let bench = Bench::with_frames(&[b"one"]).await;
    match DataDir::make_backup(&bench.platform, &bench.dir).unwrap_err() {
        StorageError::DirectoryNotEmpty { dir, entry } => {
            assert_eq!(dir, bench.dir);
            assert!(entry.starts_with(&bench.dir) && entry != bench.dir, "{entry:?}");
        }
        other => panic!("{other}"),
    }
    assert_eq!(bench.open().unwrap().seen.len(), 1);
}

#[tokio::test]
async fn a_copy_without_the_empty_directory_of_its_log_is_taken() {
    let bench = Bench::new();
    DataDir::make_backup(&bench.platform, &bench.dir)
        .unwrap()
        .finish(Uuid::from_u128(7), 1, Lsn(0), &Cipher::default())
        .unwrap();
    let manifest = bench.read(&bench.manifest());
    let copy = Bench::new();
    copy.platform.fs.create_dir_all(&copy.dir).unwrap();
    copy.write(&copy.manifest(), &manifest);
    let wal = copy.open_after(config(), Lsn(3)).unwrap().wal;
    wal.durable(put(&wal, b"four")).await.unwrap();
    wal.abandon().await;
    copy.memory.crash(&mut Dice(1));
    assert!(copy.platform.fs.read_dir(&copy.dir).is_ok());
}
