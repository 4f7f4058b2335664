//! What is found on the disk when an arena is opened.

use super::*;

/// A directory with one segment, in which these blobs are.
async fn with_blobs(bodies: &[&[u8]]) -> (Bench, Vec<BlobAt>) {
    let bench = Bench::new();
    let arena = bench.open();
    let mut places = Vec::new();
    for body in bodies {
        places.push(put(&arena, body).await.at());
    }
    arena.close().await;
    (bench, places)
}

#[tokio::test]
async fn blobs_are_found_by_rows_and_by_records() {
    let (bench, places) = with_blobs(&[b"one", b"two", b"three"]).await;
    let arena = bench.open_with(vec![places[0]]).unwrap();
    arena.note(&places[2]).unwrap();
    arena.note(&places[0]).unwrap();
    assert_eq!((&*arena.get(1).unwrap(), &*arena.get(3).unwrap()), (&b"one"[..], &b"three"[..]));
    assert!(matches!(arena.get(2), Err(StorageError::MissingBlob { id: 2 })));
    arena.collect();
    assert!(arena.get(3).is_ok(), "live until the record's LSN is told");
    arena.named(3, Lsn(4));
    arena.applied(Lsn(4));
    arena.collect();
    assert!(arena.get(3).is_err() && arena.get(1).is_ok());
}

#[tokio::test]
async fn appending_goes_on_behind_the_last_blob_that_somebody_names() {
    let (bench, places) = with_blobs(&[b"one", b"two", b"orphan"]).await;
    let arena = bench.open_with(vec![places[0]]).unwrap();
    arena.note(&places[1]).unwrap();
    let next = put(&arena, b"next").await;
    assert_eq!((next.at().id, next.at().segment, next.at().offset), (3, 1, places[2].offset));
    let seen: Vec<Blob> = (1..=3).map(|id| arena.get(id).unwrap()).collect();
    assert_eq!(seen.iter().map(|blob| &**blob).collect::<Vec<_>>(), [&b"one"[..], b"two", b"next"]);
}

#[tokio::test]
async fn appending_spares_a_place_that_only_a_record_says_still() {
    let (bench, places) = with_blobs(&[b"one", b"two", b"orphan"]).await;
    let arena = bench.open_with(places[..2].to_vec()).unwrap();
    // As if the second one had moved away from behind the place of the third.
    let old = BlobAt { offset: places[2].offset + 4096, ..places[1] };
    arena.note(&old).unwrap();
    assert_eq!(put(&arena, b"next").await.at().offset, old.offset + 4096);
    assert_eq!(arena.place(2).unwrap(), places[1], "the row outweighs the record");
}

#[tokio::test]
async fn a_record_and_a_row_that_do_not_mean_the_same_bytes_are_refused() {
    let (bench, places) = with_blobs(&[b"one"]).await;
    let arena = bench.open_with(places.clone()).unwrap();
    let error = arena.note(&BlobAt { crc: 1, ..places[0] }).unwrap_err();
    assert!(matches!(error, StorageError::DoubledBlob { id: 1, .. }), "{error}");
}

#[tokio::test]
async fn a_segment_without_a_blob_that_somebody_names_goes() {
    let (bench, _) = with_blobs(&[b"orphan"]).await;
    let arena = bench.open();
    assert_eq!((arena.collect().segments, bench.segments()), (1, vec![]));
    assert_eq!(put(&arena, b"x").await.at().segment, 2);
}

#[tokio::test]
async fn a_segment_in_the_making_is_removed() {
    let (bench, places) = with_blobs(&[b"one"]).await;
    bench.write(&bench.segment(2).with_extension("new"), b"half");
    let arena = bench.open_with(places).unwrap();
    assert_eq!((bench.segments(), &*arena.get(1).unwrap()), (vec![1], &b"one"[..]));
}

async fn refused(change: impl FnOnce(&Bench, &mut Vec<BlobAt>)) -> StorageError {
    let (bench, mut places) = with_blobs(&[b"one", b"two"]).await;
    change(&bench, &mut places);
    let before: Vec<_> = bench.segments().iter().map(|number| bench.read(&bench.segment(*number))).collect();
    let error = bench.open_with(places).unwrap_err();
    let after: Vec<_> = bench.segments().iter().map(|number| bench.read(&bench.segment(*number))).collect();
    assert_eq!(before, after, "nothing is changed");
    error
}

#[tokio::test]
async fn a_short_segment_is_damage() {
    for len in [0, 7, 4095, 4096, 4200, SEGMENT as usize - 4096, SEGMENT as usize - 1, SEGMENT as usize + 1] {
        let error = refused(|bench, _| bench.change(&bench.segment(1), |bytes| bytes.resize(len, 0))).await;
        assert!(matches!(error, StorageError::Damaged { offset: 0 | 24, .. }), "{len}: {error}");
    }
}

#[tokio::test]
async fn a_segment_of_zeros_is_damage() {
    let error = refused(|bench, _| bench.change(&bench.segment(1), |bytes| bytes.fill(0))).await;
    assert!(matches!(error, StorageError::Damaged { offset: 0, .. }), "{error}");
}

#[tokio::test]
async fn a_missing_segment_is_named_with_the_blob_that_is_lost() {
    let error = refused(|bench, _| bench.fs.remove(&bench.segment(1)).unwrap()).await;
    let expected = "the arena segment `/data/arena/0000000000000001.arena`, in which blob 1 lies, is missing";
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn a_record_in_the_tail_that_names_a_missing_segment_is_refused() {
    let (bench, places) = with_blobs(&[b"one"]).await;
    bench.fs.remove(&bench.segment(1)).unwrap();
    let error = bench.open().note(&places[0]).unwrap_err();
    assert!(matches!(error, StorageError::MissingArenaSegment { id: 1, .. }), "{error}");
}

#[tokio::test]
async fn a_segment_of_another_directory_is_refused() {
    let error = refused(|bench, _| {
        bench.change(&bench.segment(1), |bytes| {
            let other = SegmentHeader { number: 1, size: SEGMENT, uuid: Uuid::from_u128(9) };
            bytes[..4096].copy_from_slice(&other.encode());
        });
    })
    .await;
    assert!(matches!(error, StorageError::ForeignSegment { expected: UUID, .. }), "{error}");
}

#[tokio::test]
async fn a_segment_under_the_name_of_another_is_refused() {
    let error = refused(|bench, _| bench.fs.rename(&bench.segment(1), &bench.segment(3)).unwrap()).await;
    assert!(matches!(error, StorageError::Damaged { offset: 16, .. }), "{error}");
}

#[tokio::test]
async fn a_newer_format_is_refused_as_that() {
    let error = refused(|bench, _| {
        bench.change(&bench.segment(1), |bytes| {
            bytes[8..12].copy_from_slice(&2u32.to_le_bytes());
            let crc = crc32fast::hash(&[&bytes[..12], &bytes[16..4096]].concat());
            bytes[12..16].copy_from_slice(&crc.to_le_bytes());
        });
    })
    .await;
    assert!(matches!(error, StorageError::NewerFormat { found: 2, supported: 1, .. }), "{error}");
}

#[tokio::test]
async fn an_unexpected_file_is_refused() {
    for name in ["x", "1.arena", "0000000000000000.arena", "000000000000000A.arena", "ffffffffffffffff.arena"] {
        let error = refused(|bench, _| bench.write(&bench.segment(1).with_file_name(name), b"")).await;
        assert!(matches!(error, StorageError::UnexpectedFile { .. }), "{name}: {error}");
    }
}

#[tokio::test]
async fn a_place_that_cannot_be_one_is_refused_and_nothing_is_allocated_for_it() {
    let changes: [fn(&mut BlobAt); 8] = [
        |at| at.len = u64::MAX,
        |at| at.len = MAX_BLOB + 1,
        |at| at.len = SEGMENT,
        |at| at.offset = 0,
        |at| at.offset += 1,
        |at| at.offset = u64::MAX - 63,
        |at| at.id = 0,
        |at| at.id = u64::MAX,
    ];
    for (i, change) in changes.into_iter().enumerate() {
        let error = refused(|_, places| change(&mut places[0])).await;
        assert!(matches!(error, StorageError::Damaged { .. }), "{i}: {error}");
    }
}

#[tokio::test]
async fn rows_that_do_not_agree_are_refused() {
    let error = refused(|_, places| places.push(BlobAt { offset: 8192, ..places[0] })).await;
    assert!(matches!(error, StorageError::DoubledBlob { id: 1, .. }), "{error}");
}

#[tokio::test]
async fn a_record_that_says_something_else_than_the_blob_is_damage() {
    type Change = fn(&mut BlobAt);
    let changes: [(Change, u64); 5] = [
        (|at| at.id = 77, 8),
        (|at| at.len += 1, 16),
        (|at| at.schema = 1, 40),
        (|at| at.crc ^= 1, 48),
        (|at| at.offset += 64, 0),
    ];
    for (change, field) in changes {
        let (bench, mut places) = with_blobs(&[b"one"]).await;
        change(&mut places[0]);
        let arena = bench.open_with(places.clone()).unwrap();
        let error = arena.get(places[0].id).unwrap_err();
        let at = places[0].offset + field;
        assert!(matches!(error, StorageError::Damaged { offset, .. } if offset == at), "{field}: {error}");
    }
}

#[tokio::test]
async fn a_segment_that_is_shortened_while_it_is_open_is_damage_and_no_signal() {
    let (bench, places) = with_blobs(&[b"one", &[2; 10_000]]).await;
    let arena = bench.open_with(places).unwrap();
    bench.change(&bench.segment(1), |bytes| bytes.truncate(9000));
    assert!(matches!(arena.get(2), Err(StorageError::Damaged { .. })));
}
