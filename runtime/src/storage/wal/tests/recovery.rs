//! Directories that are not as they should be, and tails that are torn.

use super::*;
use crate::storage::stamp;

const BLOCK_BYTES: u64 = BLOCK as u64;

/// A log of three segments with two records of 25,000 bytes each, not closed.
async fn three_segments() -> Bench {
    let big: Vec<Vec<u8>> = (1..=6).map(|i| vec![i; 25_000]).collect();
    let bench = Bench::with_frames(&big.iter().map(Vec::as_slice).collect::<Vec<_>>()).await;
    assert_eq!(bench.segments(), [1, 3, 5].map(|first| bench.segment(first)));
    bench
}

/// Changes a header and makes its checksum right again.
fn forge(bytes: &mut [u8], magic: &[u8; 8], change: impl FnOnce(&mut [u8])) {
    change(bytes);
    let version = bytes[8..12].to_vec();
    stamp::seal(bytes, *magic);
    if bytes[8..12] != version[..] {
        bytes[8..12].copy_from_slice(&version);
        let mut crc = crc32fast::Hasher::new();
        crc.update(&bytes[..12]);
        crc.update(&bytes[16..]);
        bytes[12..16].copy_from_slice(&crc.finalize().to_le_bytes());
    }
}

#[tokio::test]
async fn a_torn_tail_is_cut_and_reported() {
    let bench = Bench::with_frames(&[b"one", b"two", &[3; 5000]]).await;
    let offset = 3 * BLOCK_BYTES;
    bench.change(&bench.segment(1), |bytes| bytes[offset as usize + 4096..][..4096].fill(0));
    let Opened { wal, report, seen } = bench.open().unwrap();
    assert_eq!(bodies(&seen), [b"one", b"two"]);
    let cut = report.cut.unwrap();
    assert_eq!((&cut.file, cut.offset, cut.first_lsn, cut.bytes), (&bench.segment(1), offset, Lsn(3), 4096));
    assert_eq!(put(&wal, b"another three"), Lsn(3));
}

#[tokio::test]
async fn a_record_that_was_cut_never_comes_back() {
    let bench = Bench::with_frames(&[b"one", b"two", b"three", b"four"]).await;
    let whole = bench.read(&bench.segment(1));
    // The third frame is torn, so that the fourth is cut with it: nothing says that the third was synced.
    let frame = |i: usize| 4096 * i..4096 * (i + 1);
    bench.change(&bench.segment(1), |bytes| bytes[frame(3)].fill(0));
    let mut forged = bench.read(&bench.segment(1));
    let mut fourth = whole[frame(4)].to_vec();
    let end = frame::FRAME_HEADER + record::RECORD_HEADER + 4;
    fourth[24..32].copy_from_slice(&2u64.to_le_bytes());
    let crc = crc32fast::hash(&fourth[4..end]);
    fourth[..4].copy_from_slice(&crc.to_le_bytes());
    forged[frame(4)].copy_from_slice(&fourth);
    bench.write(&bench.segment(1), &forged);

    let Opened { wal, report, seen } = bench.open().unwrap();
    assert_eq!((seen.len(), report.cut.unwrap().first_lsn), (2, Lsn(3)));
    // A frame of the size that the third had, so that the fourth would follow it.
    wal.durable(put(&wal, b"THREE")).await.unwrap();
    wal.abandon().await;
    for _ in 0..2 {
        let Opened { wal, report, seen } = bench.open().unwrap();
        assert_eq!(bodies(&seen), [&b"one"[..], b"two", b"THREE"]);
        assert_eq!(report.cut, None);
        wal.abandon().await;
    }
}

#[tokio::test]
async fn an_old_frame_at_the_end_of_a_newer_segment_is_not_taken() {
    let bench = Bench::with_frames(&[b"one", b"two"]).await;
    let old = bench.read(&bench.segment(1))[8192..12288].to_vec();
    let wal = bench.open().unwrap().wal;
    wal.abandon().await;
    bench.change(&bench.segment(1), |bytes| bytes[8192..12288].copy_from_slice(&old));
    let Opened { report, seen, .. } = bench.open().unwrap();
    assert_eq!(bodies(&seen), [b"one"]);
    assert_eq!(report.cut.unwrap().first_lsn, Lsn(2));
}

#[tokio::test]
async fn damage_in_an_acknowledged_record_of_the_last_segment_is_an_error_and_not_a_cut() {
    let bench = Bench::with_frames(&[b"one", b"two", b"three"]).await;
    bench.change(&bench.segment(1), |bytes| bytes[8192 + 60] ^= 1);
    match bench.refused() {
        StorageError::Damaged { file, offset, expected, .. } => {
            assert_eq!((file, offset), (bench.segment(1), 8192));
            assert!(expected.contains("LSN 2") && expected.contains("offset 12288"), "{expected}");
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn the_last_frame_of_a_closed_log_cannot_be_torn() {
    let bench = Bench::with_frames(&[b"one", b"two"]).await;
    bench.close().await;
    let intact = bench.read(&bench.segment(1));
    bench.change(&bench.segment(1), |bytes| bytes[8192 + 60] ^= 1);
    assert!(matches!(bench.refused(), StorageError::Damaged { offset: 8192, .. }));
    bench.write(&bench.segment(1), &intact);
    bench.change(&bench.segment(1), |bytes| bytes[8192..].fill(0));
    assert!(matches!(bench.refused(), StorageError::Damaged { offset: 8192, .. }));
    bench.write(&bench.segment(1), &intact);
    bench.change(&bench.segment(1), |bytes| bytes[12288 + 5] = 1);
    assert!(matches!(bench.refused(), StorageError::Damaged { offset: 12293, .. }));
}

#[tokio::test]
async fn records_after_the_end_of_a_closed_log_are_damage() {
    let bench = Bench::with_frames(&[b"one", b"two"]).await;
    let mut manifest = Manifest::decode(&bench.read(&bench.manifest()), &bench.manifest()).unwrap();
    manifest.closed = Some(Lsn(1));
    bench.write(&bench.manifest(), &manifest.encode());
    assert!(matches!(bench.refused(), StorageError::Damaged { .. }));
}

#[tokio::test]
async fn a_missing_segment_is_named() {
    for missing in [3, 5] {
        let bench = three_segments().await;
        bench.platform.fs.remove(&bench.segment(missing)).unwrap();
        match bench.refused() {
            StorageError::MissingSegment { file, first_lsn } => {
                assert_eq!((file, first_lsn), (bench.segment(missing), Lsn(missing)));
            }
            other => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn a_log_whose_start_is_missing_says_where_the_checkpoint_ends() {
    let bench = three_segments().await;
    bench.platform.fs.remove(&bench.segment(1)).unwrap();
    for behind in [0, 1] {
        match bench.open_after(config(), Lsn(behind)).unwrap_err() {
            StorageError::CheckpointBehind { applied, oldest, file } => {
                assert_eq!((applied, oldest, file), (Lsn(behind), Lsn(3), bench.segment(3)));
            }
            other => panic!("{other}"),
        }
    }
    assert_eq!(bench.open_after(config(), Lsn(2)).unwrap().seen.len(), 4);
}

#[tokio::test]
async fn a_log_without_any_of_its_segments_is_no_empty_log() {
    let bench = three_segments().await;
    bench.segments().iter().for_each(|path| bench.platform.fs.remove(path).unwrap());
    assert!(matches!(bench.refused(), StorageError::MissingSegment { .. }));
}

#[tokio::test]
async fn the_middle_of_a_log_cannot_be_torn() {
    let bench = three_segments().await;
    bench.change(&bench.segment(3), |bytes| bytes[4096 + 28_672 + 100] ^= 1);
    assert!(matches!(bench.refused(), StorageError::Damaged { file, offset: 32_768, .. } if file == bench.segment(3)));
}

#[tokio::test]
async fn a_segment_under_another_ones_name_is_refused() {
    let bench = three_segments().await;
    let third = bench.read(&bench.segment(5));
    bench.write(&bench.segment(3), &third);
    assert!(matches!(bench.refused(), StorageError::Damaged { file, .. } if file == bench.segment(3)));
}

#[tokio::test]
async fn two_segments_with_the_same_records_are_refused() {
    let bench = three_segments().await;
    let mut copy = bench.read(&bench.segment(3));
    forge(&mut copy[..4096], b"FACTUMWL", |header| header[24..32].copy_from_slice(&4u64.to_le_bytes()));
    bench.write(&bench.segment(4), &copy);
    assert!(matches!(bench.refused(), StorageError::Damaged { offset: 16, .. }), "two segments with one salt");
    // With a salt of its own, its records still are those of another.
    let mut last = bench.read(&bench.segment(5));
    forge(&mut last[..4096], b"FACTUMWL", |header| header[16..24].copy_from_slice(&4u64.to_le_bytes()));
    forge(&mut copy[..4096], b"FACTUMWL", |header| header[16..24].copy_from_slice(&3u64.to_le_bytes()));
    bench.write(&bench.segment(5), &last);
    bench.write(&bench.segment(4), &copy);
    bench.change(&bench.manifest(), |bytes| {
        forge(bytes, b"FACTUMDB", |bytes| bytes[32..40].copy_from_slice(&5u64.to_le_bytes()));
    });
    match bench.refused() {
        StorageError::DoubledSegment { file, other, lsn } => {
            assert_eq!((file, other, lsn), (bench.segment(3), bench.segment(4), Lsn(4)));
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_segment_of_another_directory_is_refused() {
    let (bench, other) = (Bench::with_frames(&[b"one"]).await, Bench::with_frames(&[b"other"]).await);
    bench.write(&bench.segment(1), &other.read(&other.segment(1)));
    assert!(matches!(bench.refused(), StorageError::ForeignSegment { file, .. } if file == bench.segment(1)));
}

#[tokio::test]
async fn a_newer_format_is_named() {
    for (file, magic, newest) in [("MANIFEST", b"FACTUMDB", 2), ("wal/0000000000000001.wal", b"FACTUMWL", 1)] {
        let bench = Bench::with_frames(&[b"one"]).await;
        let path = bench.dir.join(file);
        bench.change(&path, |bytes| {
            let end = bytes.len().min(4096);
            forge(&mut bytes[..end], magic, |header| header[8..12].copy_from_slice(&(newest + 1u32).to_le_bytes()));
        });
        match bench.refused() {
            StorageError::NewerFormat { file, found, supported } => {
                assert_eq!((file, found, supported), (path, newest + 1, newest));
            }
            other => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn files_of_others_are_left_alone_and_named() {
    let bench = Bench::new();
    bench.platform.fs.create_dir_all(&bench.dir).unwrap();
    bench.write(&bench.dir.join("notes.txt"), b"mine");
    assert!(
        matches!(bench.refused(), StorageError::ForeignDirectory { entry, .. } if entry == bench.dir.join("notes.txt"))
    );

    let bench = Bench::new();
    bench.platform.fs.create_dir_all(&bench.dir).unwrap();
    bench.write(&bench.manifest(), b"leveldb's manifest, for example");
    let error = bench.refused();
    assert!(matches!(&error, StorageError::ForeignFile { file, .. } if *file == bench.manifest()));
    assert!(error.to_string().contains("`leveldb'`") || error.to_string().contains("leveldb"), "{error}");

    let bench = Bench::with_frames(&[b"one"]).await;
    bench.write(&bench.dir.join("wal/0000000000000001.bak"), b"");
    assert!(matches!(bench.refused(), StorageError::UnexpectedFile { .. }));
}

#[tokio::test]
async fn a_log_without_its_manifest_is_not_taken_for_a_new_one() {
    let bench = Bench::with_frames(&[b"one"]).await;
    bench.platform.fs.remove(&bench.manifest()).unwrap();
    match bench.refused() {
        StorageError::MissingManifest { dir, file } => {
            assert_eq!((dir, file), (bench.dir.clone(), bench.segment(1)))
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn an_empty_directory_is_made_a_data_directory() {
    let bench = Bench::new();
    bench.platform.fs.create_dir_all(&bench.dir).unwrap();
    assert!(bench.open().unwrap().report.created);
}

#[tokio::test]
async fn leftovers_of_a_crash_are_removed() {
    let bench = Bench::with_frames(&[b"one"]).await;
    let (manifest, segment) = (bench.dir.join("MANIFEST.new"), bench.dir.join("wal/0000000000000002.new"));
    for leftover in [&b""[..], b"half", &[1; 100]] {
        [&manifest, &segment].iter().for_each(|path| bench.write(path, leftover));
        let Opened { wal, seen, .. } = bench.open().unwrap();
        assert_eq!(seen.len(), 1);
        assert!(bench.platform.fs.open(&segment, Open::Read).is_err());
        assert_eq!(bench.read(&manifest), [0; 64], "room for the next");
        wal.abandon().await;
    }
}

#[tokio::test]
async fn a_segment_that_was_made_and_never_named_is_used() {
    let bench = Bench::with_frames(&[b"one"]).await;
    let manifest = Manifest::decode(&bench.read(&bench.manifest()), &bench.manifest()).unwrap();
    let unnamed = |first: u64, salt: u64, used: bool| {
        let header = segment::SegmentHeader { salt, first_lsn: Lsn(first), size: SEGMENT, uuid: manifest.uuid };
        let mut bytes = header.encode().to_vec();
        bytes.resize(SEGMENT as usize, 0);
        bytes[5000] = u8::from(used);
        bytes
    };
    let next = manifest.next_salt;
    bench.write(&bench.segment(2), &unnamed(2, next, true));
    assert!(
        matches!(bench.refused(), StorageError::Damaged { offset: 5000, .. }),
        "nothing can have been written to it"
    );
    bench.write(&bench.segment(2), &unnamed(2, next - 1, false));
    assert!(matches!(bench.refused(), StorageError::Damaged { offset: 16, .. }), "its salt was used");
    bench.write(&bench.segment(2), &unnamed(2, next, false));
    bench.write(&bench.segment(3), &unnamed(3, next + 1, false));
    assert!(matches!(bench.refused(), StorageError::Damaged { .. }), "there can be only one");
    bench.platform.fs.remove(&bench.segment(3)).unwrap();
    let Opened { wal, seen, .. } = bench.open().unwrap();
    assert_eq!(seen.len(), 1);
    wal.durable(put(&wal, b"two")).await.unwrap();
    wal.close().await.unwrap();
    assert_eq!(bodies(&bench.open().unwrap().seen), [b"one", b"two"]);
}

#[tokio::test]
async fn a_refused_record_keeps_the_log_as_it_was() {
    let bench = Bench::new();
    let wal = bench.open().unwrap().wal;
    put(&wal, b"one");
    wal.append(|group| group.record(255, 0, 0, |_| {})).unwrap();
    wal.close().await.unwrap();
    let before = bench.read(&bench.segment(1));
    match bench.refused() {
        StorageError::Refused { file, lsn, reason, .. } => {
            assert_eq!((file, lsn, reason.to_string().as_str()), (bench.segment(1), Lsn(2), "kind 255 is unknown"));
        }
        other => panic!("{other}"),
    }
    assert_eq!(bench.read(&bench.segment(1)), before);
}

#[tokio::test]
async fn a_group_is_whole_or_not_there_wherever_it_is_torn() {
    let bench = Bench::with_frames(&[b"one"]).await;
    let wal = bench.open().unwrap().wal;
    let group = |group: &mut GroupWriter<'_>| (0..9).for_each(|i| group.record(i, 1, 1, |b| b.extend([i + 1; 2000])));
    wal.durable(wal.append(group).unwrap()).await.unwrap();
    wal.abandon().await;
    let (segment, manifest) = (bench.read(&bench.segment(1)), bench.read(&bench.manifest()));
    for torn in (8192..8192 + 5 * 4096).step_by(512) {
        bench.write(&bench.manifest(), &manifest);
        bench.write(&bench.segment(1), &segment);
        bench.change(&bench.segment(1), |bytes| bytes[torn..].fill(0));
        let Opened { wal, report, seen } = bench.open().unwrap();
        let whole = torn >= 8192 + frame::FRAME_HEADER + 9 * (2000 + record::RECORD_HEADER);
        assert_eq!(seen.len(), if whole { 10 } else { 1 }, "torn at {torn}");
        assert_eq!(report.cut.is_some(), !whole && torn > 8192, "torn at {torn}");
        wal.abandon().await;
    }
}

#[tokio::test]
async fn an_error_of_the_disk_says_what_was_done_to_what() {
    let bench = Bench::with_frames(&[b"one"]).await;
    bench.fs.fail(Fail::Syncs);
    let error = bench.refused();
    assert!(
        matches!(&error, StorageError::Io { operation: "sync", path, .. } if path.ends_with("MANIFEST.new")),
        "{error}"
    );
    assert!(std::error::Error::source(&error).is_some());
}
