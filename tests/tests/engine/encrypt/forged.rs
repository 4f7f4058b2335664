//! Damage is damage, with and without keys; what somebody changes who can mend checksums is refused.

use factum::{CheckpointStore, KeyRange, MemoryCheckpoint};

use super::*;

/// Where the frames of a segment begin, and where in a frame its records.
const FRAMES: usize = 4096;
const RECORDS: usize = 36;
/// The bytes of a record's header.
const HEADER: usize = 24;

/// CRC-32 (IEEE 802.3), bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

fn word(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

/// The segment of the log with the newest frames.
fn log(sim: &Sim) -> String {
    let raw = sim.disk().raw();
    let mut files: Vec<String> = raw.list().into_iter().map(|path| path.to_string_lossy().into_owned()).collect();
    files.retain(|file| file.ends_with(".wal") && word(&raw.read(file).unwrap(), FRAMES + 4) > 0);
    files.sort();
    files.pop().unwrap()
}

/// Every record in a segment: where it begins, its kind, and the length of its body.
fn records(bytes: &[u8]) -> Vec<(usize, u8, usize)> {
    let (mut records, mut frame) = (Vec::new(), FRAMES);
    while frame < bytes.len() && word(bytes, frame + 4) > 0 {
        let end = frame + RECORDS + word(bytes, frame + 4);
        let mut at = frame + RECORDS;
        while at < end {
            records.push((at, bytes[at + 4], word(bytes, at)));
            at += HEADER + word(bytes, at);
        }
        frame = end.next_multiple_of(4096);
    }
    records
}

/// Gives every frame the checksum that its bytes have.
fn mend(bytes: &mut [u8]) {
    let mut frame = FRAMES;
    while frame < bytes.len() && word(bytes, frame + 4) > 0 {
        let end = frame + RECORDS + word(bytes, frame + 4);
        let crc = crc32(&bytes[frame + 4..end]).to_le_bytes();
        bytes[frame..frame + 4].copy_from_slice(&crc);
        frame = end.next_multiple_of(4096);
    }
}

/// A log with records of two runs, none of which is in the checkpoint.
fn logged() -> (Sim, World) {
    let (sim, world) = (Sim::new(3), World::new());
    sim.run(async {
        let late = encrypted(&sim, &world).checkpoint_interval(Duration::from_secs(9_999));
        let engine = late.open().await.unwrap();
        for id in ["a", "b"] {
            drop(engine.start(asks(format!("{SECRET} {id}"))).id(id).await.unwrap());
        }
        for n in 0..4 {
            let told = Told { by: format!("{SECRET} {n}"), with: None };
            // Nobody waits for it, and it stays.
            engine.signal("nobody", told).await.unwrap_err();
            drop(engine.start(placed_(&format!("{SECRET} {n}"))).id(format!("order{n}")).await.unwrap());
        }
        sim.sleep(Duration::from_secs(1)).await;
        engine.shutdown().await.unwrap();
    });
    sim.kill();
    (sim, world)
}

#[test]
fn a_flipped_bit_is_damage_with_and_without_keys() {
    let (sim, world) = logged();
    let file = log(&sim);
    let whole = sim.disk().raw().read(&file).unwrap();
    for (at, _, len) in records(&whole) {
        for byte in [at + HEADER, at + HEADER + len / 2, at + HEADER + len - 1] {
            sim.disk().raw().flip(&file, 8 * byte as u64 + 3);
            match sim.run(encrypted(&sim, &world).open()).map(drop).unwrap_err() {
                Error::Storage(StorageError::Damaged { file: damaged, .. }) => {
                    assert_eq!(damaged.display().to_string(), file)
                }
                other => panic!("{other}"),
            }
            let report = sim.run(plain(&sim, &world).verify()).unwrap();
            assert!(report.problems[0].to_string().contains("checksum"), "{:?}", report.problems);
            sim.disk().raw().write(&file, whole.clone());
        }
    }
    let arena = sim.disk().raw().list().into_iter().find(|path| path.extension().is_some_and(|end| end == "arena"));
    assert_eq!(arena, None, "there is no blob");
}

#[test]
fn a_flipped_bit_of_a_blob_is_damage_with_and_without_keys() {
    let (sim, world) = (Sim::new(3), World::new());
    let place = sim.run(async {
        let engine = encrypted(&sim, &world).open().await.unwrap();
        drop(engine.start(tells(SECRET.repeat(8), true)).id("tells").await.unwrap());
        sim.sleep(Duration::from_secs(30)).await;
        until_asleep(&engine, &sim).await;
        engine.shutdown().await.unwrap();
        // The first blob, behind its header.
        8 * (4096 + 64 + 100)
    });
    sim.kill();
    sim.disk().raw().flip("/data/arena/0000000000000001.arena", place);
    for builder in [plain(&sim, &world), encrypted(&sim, &world)] {
        let report = sim.run(builder.verify()).unwrap();
        let told: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
        assert!(told.len() == 1 && told[0].contains("arena") && told[0].contains("checksum"), "{told:?}");
    }
}

#[test]
fn records_that_were_moved_or_changed_are_refused_though_their_checksums_are_right() {
    let (sim, world) = logged();
    let file = log(&sim);
    let whole = sim.disk().raw().read(&file).unwrap();
    let records = records(&whole);
    let twins = |kind: u8| {
        let alike: Vec<_> = records.iter().filter(|(_, found, _)| *found == kind).collect();
        let first = *alike[0];
        let second = **alike.iter().find(|(at, _, len)| *len == first.2 && *at != first.0).unwrap();
        (first.0 + HEADER, second.0 + HEADER, first.2)
    };
    let (one, two, len) = twins(1);
    type Forge<'a> = Box<dyn Fn(&mut Vec<u8>) + 'a>;
    let forged = |what: &str, forge: Forge<'_>, wanted: CryptError| {
        let mut bytes = whole.clone();
        forge(&mut bytes);
        mend(&mut bytes);
        sim.disk().raw().write(&file, bytes);
        let error = sim.run(encrypted(&sim, &world).open()).map(drop).unwrap_err();
        assert!(error.to_string().starts_with("LSN ") && error.to_string().contains(&file), "{what}: {error}");
        assert_eq!(why(error), wanted, "{what}");
        let report = sim.run(encrypted(&sim, &world).verify()).unwrap();
        assert!(!report.is_clean(), "{what}");
        sim.disk().raw().write(&file, whole.clone());
    };
    let no_key_of_ours = CryptError::Forged { key: id("one") };
    let swap = move |bytes: &mut Vec<u8>| {
        for at in 0..len {
            bytes.swap(one + at, two + at);
        }
    };
    forged("two bodies swapped", Box::new(swap), no_key_of_ours.clone());
    let whole_record = move |bytes: &mut Vec<u8>| {
        for at in 0..HEADER + len {
            bytes.swap(one - HEADER + at, two - HEADER + at);
        }
    };
    forged("two records swapped", Box::new(whole_record), no_key_of_ours.clone());
    forged("another time", Box::new(move |bytes| bytes[one - 8] ^= 1), no_key_of_ours.clone());
    forged("another run", Box::new(move |bytes| bytes[one - 16] ^= 1), no_key_of_ours.clone());
    forged("another kind", Box::new(move |bytes| bytes[one - HEADER + 4] ^= 1), no_key_of_ours.clone());
    forged("another byte", Box::new(move |bytes| bytes[one + len - 20] ^= 1), no_key_of_ours.clone());
    let another = CryptError::MissingKey { key: id("oni") };
    forged("another key", Box::new(move |bytes| bytes[one + 3] = b'i'), another);
    forged("no key's name", Box::new(move |bytes| bytes[one] = 0), CryptError::Malformed);
    let plain = CryptError::Plain { from: factum::Lsn(1) };
    forged("not encrypted", Box::new(move |bytes| bytes[one - HEADER + 5] &= !2), plain);
    sim.run(async { encrypted(&sim, &world).open().await.unwrap().shutdown().await.unwrap() });
}

#[test]
fn rows_that_were_moved_or_put_there_are_refused() {
    let (sim, world) = (Sim::new(3), World::new());
    let store = MemoryCheckpoint::new();
    let open = || encrypted(&sim, &world).checkpoint_store(store.clone()).open();
    sim.run(async {
        let engine = open().await.unwrap();
        for id in ["a", "b"] {
            drop(engine.start(asks(SECRET.to_owned())).id(id).await.unwrap());
        }
        until_asleep(&engine, &sim).await;
        engine.shutdown().await.unwrap();
        let rows = store.scan("run", KeyRange::all(), 9).await.unwrap();
        assert!(rows.iter().all(|(_, row)| row[0] == 0x80 && row[1..5] == *b"\x03one"), "{rows:?}");
        let applied = store.applied_lsn().await.unwrap();
        let change = |rows: Vec<(Vec<u8>, Vec<u8>)>| {
            let mut batch = factum::Batch::new();
            for (key, row) in rows {
                batch.put("run", key, row);
            }
            store.apply(batch, applied)
        };
        let [(one, first), (two, second)] = &rows[..] else { panic!("{rows:?}") };
        for forged in [
            vec![(one.clone(), second.clone()), (two.clone(), first.clone())],
            // As an engine without keys would have written it.
            vec![(one.clone(), b"\x01\x01a\x04asks\x01\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0".to_vec())],
        ] {
            change(forged).await.unwrap();
            let told = match open().await {
                Err(error) => error.to_string(),
                Ok(engine) => {
                    let error = engine.list().await.unwrap_err().to_string();
                    engine.shutdown().await.unwrap();
                    error
                }
            };
            assert!(told.contains("a row of table `run` of the checkpoint cannot be had"), "{told}");
            change(rows.clone()).await.unwrap();
        }
        let engine = open().await.unwrap();
        assert_eq!(engine.list().await.unwrap().len(), 2);
        engine.shutdown().await.unwrap();
    });
}
