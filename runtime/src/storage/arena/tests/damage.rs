//! Every bit flipped: an error, or harmless, and never another answer.

use super::*;

const BODIES: [&[u8]; 4] = [b"one", &[2; 700], b"", &[4; 2000]];

/// A segment with a few blobs.
async fn segment_with_blobs() -> (Bench, Vec<BlobAt>) {
    let bench = Bench::new();
    let arena = bench.open();
    let mut places = Vec::new();
    for body in BODIES {
        places.push(put(&arena, body).await.at());
    }
    arena.close().await;
    (bench, places)
}

/// What the bytes at a blob's place amount to.
fn judge(bytes: &[u8], at: &BlobAt) -> Result<Vec<u8>, StorageError> {
    let file = Path::new("segment");
    let start = at.offset as usize;
    let content = &bytes[start + 64..start + 64 + at.len as usize];
    header::check(&bytes[start..start + 64], at, file)?;
    header::check_content(content, at, file)?;
    Ok(content.to_vec())
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "says how much was tried")]
async fn every_flipped_bit_of_a_segment_is_an_error_or_harmless() {
    let (bench, places) = segment_with_blobs().await;
    let mut bytes = bench.read(&bench.segment(1));
    let len = bytes.len() as u64;
    let (mut flips, mut seen) = (0, 0);
    for at in 0..bytes.len() {
        let hit = |place: &&BlobAt| (place.offset..header::end(place)).contains(&(at as u64));
        let hit = places.iter().zip(BODIES).find(|(place, _)| hit(place));
        for bit in 0..8 {
            bytes[at] ^= 1 << bit;
            flips += 1;
            if at < BLOCK as usize {
                let header = SegmentHeader::decode(&bytes[..BLOCK as usize], Path::new("segment"), 1, len, UUID);
                assert!(header.is_err(), "byte {at}, bit {bit}");
                seen += 1;
            } else if let Some((place, body)) = hit {
                let padding = at as u64 >= header::content(place) + place.len;
                match judge(&bytes, place) {
                    Ok(read) => assert!(padding && read == body, "byte {at}, bit {bit} was not noticed"),
                    Err(_) => seen += 1,
                }
            }
            bytes[at] ^= 1 << bit;
        }
    }
    println!("{flips} bits were flipped, {seen} of them noticed, the others in no blob");
    let covered = BLOCK as usize + BODIES.iter().map(|body| 64 + body.len()).sum::<usize>();
    assert_eq!((flips, seen), (len as usize * 8, covered * 8));
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "says how much was tried")]
async fn a_flipped_bit_on_the_disk_is_a_named_error() {
    let (bench, places) = segment_with_blobs().await;
    let intact = bench.read(&bench.segment(1));
    let end = places.iter().map(header::end).max().unwrap() as usize;
    let (mut flips, mut refused) = (0, 0);
    for bit in (0..end * 8).step_by(131) {
        bench.write(&bench.segment(1), &intact);
        bench.change(&bench.segment(1), |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
        flips += 1;
        let arena = match bench.open_with(places.clone()) {
            Ok(arena) => arena,
            Err(error) => {
                let named = matches!(error, StorageError::Damaged { .. } | StorageError::ForeignSegment { .. });
                assert!(named && bit / 8 < BLOCK as usize, "bit {bit}: {error}");
                refused += 1;
                continue;
            }
        };
        for (place, body) in places.iter().zip(BODIES) {
            match arena.get(place.id) {
                Ok(blob) => assert_eq!(*blob, *body, "bit {bit}"),
                Err(StorageError::Damaged { file, offset, .. }) => {
                    assert_eq!(file, bench.segment(1));
                    assert!((place.offset..header::end(place)).contains(&offset), "bit {bit}");
                    refused += 1;
                }
                Err(other) => panic!("bit {bit}: {other}"),
            }
        }
    }
    println!("{flips} bits were flipped, {refused} of them refused");
    assert!(flips > 1000 && refused > 400);
}

#[tokio::test]
async fn a_damaged_blob_is_not_moved() {
    let (bench, places) = segment_with_blobs().await;
    bench.change(&bench.segment(1), |bytes| bytes[places[1].offset as usize + 100] ^= 1);
    let arena = bench.open_with(places).unwrap();
    // The segment is not the one that is written any more.
    while put(&arena, &[9; 16_000]).await.at().segment == 1 {}
    let moved = arena.move_blobs(arena.survivors().unwrap()).await;
    assert!(matches!(moved, Err(StorageError::Damaged { .. })), "{moved:?}");
    assert_eq!(*arena.get(1).unwrap(), *b"one");
}
