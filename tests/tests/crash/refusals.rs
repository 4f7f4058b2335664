//! What a data directory that is not as it should be gets: an error by name, and not a byte changed for the worse.

use std::time::Duration;

use factum::testing::{Disk, Sim};
use factum::{CheckpointError, Engine, Error, StorageError};

use crate::world::{DIR, Go, World, builder, short, whole};

/// A directory with everything in it: sealed and active segments, ended and sleeping runs, blobs. `clean` says
/// whether the engine on it was shut down.
fn furnished(clean: bool) -> Sim {
    let (sim, world) = (Sim::new(7), World::default());
    sim.run(async {
        let engine = builder(&world).keep_ended(100).sim(&sim).open().await.unwrap();
        for n in 0..4 {
            assert_eq!(engine.run(short(n)).id(format!("s{n}")).await.unwrap(), n);
        }
        drop(engine.start(whole(1, true)).id("ends").await.unwrap());
        drop(engine.start(whole(2, true)).id("waits").await.unwrap());
        sim.sleep(Duration::from_secs(60)).await;
        engine.signal("ends", Go { n: 1 }).await.unwrap();
        sim.sleep(Duration::from_secs(60)).await;
        for n in 4..8 {
            assert_eq!(engine.run(short(n)).id(format!("s{n}")).await.unwrap(), n);
        }
        if clean {
            engine.shutdown().await.unwrap();
        }
    });
    sim.kill();
    sim
}

fn open(sim: &Sim) -> Result<(), Error> {
    sim.run(async {
        let engine = builder(&World::default()).keep_ended(100).sim(sim).open().await?;
        // What is not needed to open is read, too.
        for run in engine.list().await? {
            engine.history(run.id).await?;
        }
        engine.shutdown().await
    })
}

/// The files whose names end so, in order.
fn files(disk: &Disk, suffix: &str) -> Vec<String> {
    let names = disk.raw().list().into_iter().map(|path| path.to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(suffix)).collect();
    names.sort();
    names
}

fn file(disk: &Disk, suffix: &str) -> String {
    files(disk, suffix).pop().unwrap_or_else(|| panic!("there is no `{suffix}`: {:?}", disk.raw().list()))
}

/// Writes bytes over those at an offset.
fn put(disk: &Disk, file: &str, at: usize, bytes: &[u8]) {
    let mut contents = disk.raw().read(file).unwrap();
    contents[at..at + bytes.len()].copy_from_slice(bytes);
    disk.raw().write(file, contents);
}

/// A header block that says it is of a later version, with the checksum that it should have.
fn newer(disk: &Disk, file: &str, block: usize) {
    let mut contents = disk.raw().read(file).unwrap();
    contents[8] = 3;
    let mut covered = contents[..12].to_vec();
    covered.extend_from_slice(&contents[16..block]);
    let crc = crc32(&covered).to_le_bytes();
    contents[12..16].copy_from_slice(&crc);
    disk.raw().write(file, contents);
}

/// CRC-32 (IEEE 802.3), bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

type Wanted = fn(&StorageError) -> bool;

/// What it is, what is done to the disk, and the error that it gets.
type Case = (&'static str, fn(&Disk), Wanted);

fn cases() -> Vec<Case> {
    use CheckpointError as C;
    use StorageError as S;
    vec![
        ("a newer MANIFEST", |disk| newer(disk, "/data/MANIFEST", 64), |e| matches!(e, S::NewerFormat { .. })),
        ("a newer log", |disk| newer(disk, &file(disk, ".wal"), 4096), |e| matches!(e, S::NewerFormat { .. })),
        ("a newer arena", |disk| newer(disk, &file(disk, ".arena"), 4096), |e| matches!(e, S::NewerFormat { .. })),
        (
            "a newer checkpoint",
            |disk| newer(disk, "/data/checkpoint.redb", 4096),
            |e| matches!(e, S::Checkpoint(C::NewerFormat { .. })),
        ),
        (
            "MANIFEST of another program",
            |disk| put(disk, "/data/MANIFEST", 0, b"SQLite f"),
            |e| matches!(e, S::ForeignFile { .. }),
        ),
        (
            "a checkpoint of another program",
            |disk| put(disk, "/data/checkpoint.redb", 0, b"redb\x1a\n\xa9\r"),
            |e| matches!(e, S::Checkpoint(C::ForeignFile { .. })),
        ),
        ("no MANIFEST", |disk| disk.raw().remove("/data/MANIFEST"), |e| matches!(e, S::MissingManifest { .. })),
        ("no segment", |disk| disk.raw().remove(file(disk, ".wal")), |e| matches!(e, S::MissingSegment { .. })),
        (
            "a segment that is zeros",
            |disk| {
                let name = file(disk, ".wal");
                let len = disk.raw().read(&name).unwrap().len();
                disk.raw().write(&name, vec![0; len]);
            },
            |e| matches!(e, S::Damaged { .. }),
        ),
        (
            "a segment that is short",
            |disk| disk.raw().truncate(file(disk, ".wal"), 20_000),
            |e| matches!(e, S::Damaged { .. }),
        ),
        (
            "two segments of one number",
            |disk| {
                let (name, bytes) = (file(disk, ".wal"), disk.raw().read(file(disk, ".wal")).unwrap());
                let next = u64::from_str_radix(&name[name.len() - 20..name.len() - 4], 16).unwrap() + 1;
                disk.raw().write(format!("/data/wal/{next:016x}.wal"), bytes);
            },
            |e| matches!(e, S::Damaged { .. } | S::DoubledSegment { .. }),
        ),
        (
            "a file that does not belong to the log",
            |disk| disk.raw().write("/data/wal/notes.txt", *b"hello"),
            |e| matches!(e, S::UnexpectedFile { .. }),
        ),
        (
            "no checkpoint",
            |disk| disk.raw().remove("/data/checkpoint.redb"),
            |e| matches!(e, S::CheckpointBehind { .. }),
        ),
        (
            "a checkpoint that is cut",
            |disk| disk.raw().truncate("/data/checkpoint.redb", 50_000),
            |e| matches!(e, S::Checkpoint(C::Damaged { .. })),
        ),
        (
            "an arena segment that is short",
            |disk| disk.raw().truncate(file(disk, ".arena"), 8_192),
            |e| matches!(e, S::Damaged { .. }),
        ),
        (
            "no arena segment",
            |disk| disk.raw().remove(file(disk, ".arena")),
            |e| matches!(e, S::MissingArenaSegment { .. }),
        ),
        (
            "a file that does not belong to the arena",
            |disk| disk.raw().write("/data/arena/notes.txt", *b"hello"),
            |e| matches!(e, S::UnexpectedFile { .. }),
        ),
        (
            "a directory that may not be read",
            |disk| disk.deny(),
            |e| match e {
                S::Io { source, path, .. } => {
                    source.kind() == std::io::ErrorKind::PermissionDenied && path.starts_with(DIR)
                }
                _ => false,
            },
        ),
    ]
}

#[test]
fn each_fault_of_a_directory_is_an_error_by_its_name() {
    let furnished = furnished(true);
    open(&Sim::with_disk(0, furnished.disk().fork())).unwrap();
    for (what, change, wanted) in cases() {
        let sim = Sim::with_disk(0, furnished.disk().fork());
        change(sim.disk());
        let error = open(&sim).expect_err(what);
        let Error::Storage(storage) = &error else { panic!("{what}: {error}") };
        assert!(wanted(storage), "{what}: {error:?}");
        assert!(!error.to_string().is_empty());
        // The same again: what was found is left as it is.
        sim.kill();
        let again = open(&sim).expect_err(what);
        assert_eq!(again.to_string(), error.to_string(), "{what}");
    }
}

#[test]
fn a_checkpoint_that_is_gone_is_made_anew_while_the_log_is_whole() {
    let (sim, world) = (Sim::new(1), World::default());
    let hour = Duration::from_secs(3600);
    let patient = || builder(&world).segment_bytes(1 << 20).checkpoint_interval(hour).sleep_after(hour);
    sim.run(async {
        let engine = patient().sim(&sim).open().await.unwrap();
        assert_eq!(engine.run(short(1)).id("s").await.unwrap(), 1);
        engine.shutdown().await.unwrap();
    });
    sim.kill();
    sim.disk().raw().remove("/data/checkpoint.redb");
    sim.run(async {
        let engine = patient().sim(&sim).open().await.unwrap();
        assert_eq!(engine.run(short(1)).id("s").await.unwrap(), 1);
        engine.shutdown().await.unwrap();
    });
    assert_eq!(world.acts().len(), 1);
}

#[test]
fn a_directory_that_another_engine_has_is_refused() {
    let sim = Sim::new(1);
    sim.run(async {
        let _first = Engine::builder(DIR).sim(&sim).open().await.unwrap();
        let second = Engine::builder(DIR).sim(&sim).open().await.unwrap_err();
        assert!(matches!(second, Error::Storage(StorageError::DirectoryInUse { .. })), "{second}");
    });
}
