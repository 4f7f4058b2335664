//! Every bit flipped, every cut: an error, or a cut that is reported, and never another answer.

use super::judge::Place;
use super::*;

async fn flip_each(clean: bool) -> (usize, usize) {
    let bench = Bench::with_frames(&[b"one", b"two", b"three"]).await;
    if clean {
        bench.close().await;
    }
    let whole = {
        let (segment, manifest) = (bench.read(&bench.segment(1)), bench.read(&bench.manifest()));
        let Opened { wal, seen, .. } = bench.open().unwrap();
        wal.abandon().await;
        bench.write(&bench.segment(1), &segment);
        bench.write(&bench.manifest(), &manifest);
        seen
    };
    let files = [bench.manifest(), bench.segment(1)];
    let intact = [0, 1].map(|i: usize| bench.read(&files[i]));
    // Where there is something, every bit; elsewhere one in some.
    let used = |at: usize| at % 4096 < 68 && at < 4 * 4096;
    let (mut flips, mut refused) = (0, 0);
    for (file, bytes) in files.iter().zip(&intact) {
        let is_segment = file != &files[0];
        for at in 0..bytes.len() {
            let bits = if used(at) { 0..8 } else { 3..3 + usize::from(at % 197 == 0) };
            for bit in bits {
                for (file, bytes) in files.iter().zip(&intact) {
                    bench.write(file, bytes);
                }
                bench.change(file, |bytes| bytes[at] ^= 1 << bit);
                let last_frame = is_segment && at >= 3 * 4096;
                let what = format!("{} at {at}, bit {bit}, clean: {clean}", file.display());
                let is_refused = tolerated(&bench, &whole, last_frame && !clean, at, &what).await;
                refused += usize::from(is_refused);
                flips += 1;
            }
        }
    }
    (flips, refused)
}

/// Opens a log with a flipped bit at `at`: says whether it is refused. If not,
/// the flip was in the last frame or behind it, and what is not taken is reported.
async fn tolerated(bench: &Bench, whole: &[Seen], may_cut: bool, at: usize, what: &str) -> bool {
    match bench.open() {
        Err(_) => true,
        Ok(Opened { wal, report, seen }) => {
            wal.abandon().await;
            let behind = at >= 4 * 4096;
            assert!(may_cut, "{what}: {report:?}");
            assert!(report.cut.is_some(), "{what}: a flip that nobody noticed");
            let kept = if behind { whole.len() } else { whole.len() - 1 };
            assert_eq!(seen, whole[..kept], "{what}");
            false
        }
    }
}

#[tokio::test]
async fn every_flipped_bit_of_an_open_log_is_an_error_or_a_reported_cut_at_its_end() {
    let (flips, refused) = flip_each(false).await;
    assert!(refused > 1500 && flips > refused);
}

#[tokio::test]
async fn every_flipped_bit_of_a_closed_log_is_an_error() {
    let (flips, refused) = flip_each(true).await;
    assert_eq!(flips, refused);
    assert!(flips > 2500);
}

#[tokio::test]
async fn a_file_cut_anywhere_is_an_error() {
    for clean in [false, true] {
        let bench = Bench::with_frames(&[b"one", &[2; 5000], b"three"]).await;
        if clean {
            bench.close().await;
        }
        for file in [bench.segment(1), bench.manifest()] {
            let intact = bench.read(&file);
            let step = if intact.len() > 4096 { 512 } else { 1 };
            for len in (0..intact.len()).step_by(step) {
                bench.write(&file, &intact[..len]);
                assert!(matches!(bench.refused(), StorageError::Damaged { .. }), "{} cut at {len}", file.display());
            }
            bench.write(&file, &intact);
        }
        bench.open().unwrap();
    }
}

#[tokio::test]
async fn a_tail_of_zeros_from_anywhere_is_an_error_or_a_reported_cut() {
    for clean in [false, true] {
        let bench = Bench::with_frames(&[b"1", &[2; 5000], &[3; 9000]]).await;
        if clean {
            bench.close().await;
        }
        let (segment, manifest) = (bench.read(&bench.segment(1)), bench.read(&bench.manifest()));
        let starts = [4096, 8192, 16384];
        let ends = [1, 5000, 9000].map(|body| frame::FRAME_HEADER + record::RECORD_HEADER + body);
        let frames: Vec<_> = starts.iter().zip(ends).map(|(&start, len)| start..start + len).collect();
        for zeros in (0..segment.len()).step_by(512) {
            bench.write(&bench.manifest(), &manifest);
            bench.write(&bench.segment(1), &segment);
            bench.change(&bench.segment(1), |bytes| bytes[zeros..].fill(0));
            let whole = frames.iter().filter(|frame| frame.end <= zeros).count();
            if zeros == 0 || clean && whole < 3 {
                assert!(matches!(bench.refused(), StorageError::Damaged { .. }), "zeros from {zeros}");
            } else {
                let Opened { wal, report, seen } = bench.open().unwrap();
                wal.abandon().await;
                let torn = frames.iter().any(|frame| frame.start < zeros && zeros < frame.end);
                assert_eq!((seen.len(), report.cut.is_some()), (whole, torn), "zeros from {zeros}");
            }
        }
    }
}

/// A segment of three frames, one of two blocks with a group in it, as bytes; without the zeros that most of it is.
async fn small() -> (Bench, Vec<u8>, u64) {
    let bench = Bench::with_frames(&[b"one", b"two"]).await;
    let wal = bench.open().unwrap().wal;
    let group = wal.append(|group| {
        group.record(1, 1, 1, |body| body.extend([3; 4500]));
        group.record(2, 1, 1, |body| body.extend(b"four"));
    });
    wal.durable(group.unwrap()).await.unwrap();
    wal.abandon().await;
    let mut bytes = bench.read(&bench.segment(1));
    bytes.truncate(6 * BLOCK);
    let salt = crate::storage::bytes::u64_at(&bytes, segment::SALT_AT);
    (bench, bytes, salt)
}

/// The records of a segment, if it is taken, and whether something is cut off. Without opening, and so fast enough for
/// every bit of every byte.
fn records(bytes: &[u8], salt: u64, place: Place) -> Option<(Vec<Seen>, bool)> {
    let scanned = scan::segment(bytes, salt, Lsn(1)).ok()?;
    let torn = judge::end(Path::new("data"), Path::new("file"), &scanned, place).ok()?;
    let frames = scanned.frames.iter().flat_map(|(_, frame)| frame.records());
    Some((frames.map(|(_, lsn, r)| Seen::of(lsn, &r)).collect(), torn.is_some()))
}

const CLOSED: Place = Place::Last { closed: Some(Lsn(4)), used: true, applied: Lsn(0) };
const OPEN: Place = Place::Last { closed: None, used: true, applied: Lsn(0) };
const BEFORE: Place = Place::Before(Lsn(5));

#[tokio::test]
#[expect(clippy::print_stderr, reason = "how many flips were tried is what the test has to show")]
async fn no_flipped_bit_of_a_segment_gives_other_records() {
    let (bench, mut bytes, salt) = small().await;
    let (whole, _) = records(&bytes, salt, CLOSED).unwrap();
    assert_eq!((whole.len(), records(&bytes, salt, OPEN).unwrap().1), (4, false));
    let uuid = bench.open().unwrap().report.uuid;
    let (mut flips, mut cuts) = (0, 0);
    for at in 0..bytes.len() {
        for bit in 0..8 {
            bytes[at] ^= 1 << bit;
            flips += 1;
            if at < BLOCK {
                let header = segment::SegmentHeader::decode(&bytes[..BLOCK], Path::new("file"), Lsn(1), SEGMENT, uuid);
                assert!(header.is_err(), "byte {at}, bit {bit} of the header");
            } else {
                for place in [CLOSED, BEFORE] {
                    assert_eq!(records(&bytes, salt, place), None, "byte {at}, bit {bit}, {place:?}");
                }
                if let Some((seen, cut)) = records(&bytes, salt, OPEN) {
                    assert!(at >= 3 * BLOCK && cut, "byte {at}, bit {bit} was not noticed");
                    assert_eq!(seen, whole[..if at < 5 * BLOCK { 2 } else { 4 }]);
                    cuts += 1;
                }
            }
            bytes[at] ^= 1 << bit;
        }
    }
    eprintln!("{flips} bits were flipped: all were noticed, {cuts} of them at the end of a log that was not closed");
    assert_eq!(flips, 8 * 6 * BLOCK);
}

#[tokio::test]
async fn a_write_that_is_cut_at_any_byte_leaves_whole_groups_and_a_reported_cut() {
    let (_, mut bytes, salt) = small().await;
    let (whole, _) = records(&bytes, salt, CLOSED).unwrap();
    let body = |len: usize| frame::FRAME_HEADER + record::RECORD_HEADER + len;
    let ends = [BLOCK + body(3), 2 * BLOCK + body(3), 3 * BLOCK + body(4500) + record::RECORD_HEADER + 4];
    for zeros in (BLOCK..=bytes.len()).rev() {
        bytes[zeros..].fill(0);
        let frames = ends.iter().filter(|&&end| end <= zeros).count();
        let (seen, cut) = records(&bytes, salt, OPEN).unwrap();
        assert_eq!(seen, whole[..[0, 1, 2, 4][frames]], "zeros from {zeros}");
        let started = frames < 3 && bytes[(1 + frames) * BLOCK..].iter().any(|&byte| byte != 0);
        assert_eq!(cut, started, "zeros from {zeros}");
        for place in [CLOSED, BEFORE] {
            assert_eq!(records(&bytes, salt, place).is_some(), frames == 3, "zeros from {zeros}, {place:?}");
        }
    }
}

#[tokio::test]
async fn a_segment_of_any_other_length_is_damage() {
    let bench = Bench::with_frames(&[b"one"]).await;
    let (block, uuid) = (bench.read(&bench.segment(1)), bench.open().unwrap().report.uuid);
    let decode = |len: usize| {
        let read = &block[..len.min(BLOCK)];
        segment::SegmentHeader::decode(read, Path::new("file"), Lsn(1), len as u64, uuid)
    };
    for len in (0..=2 * SEGMENT as usize).filter(|&len| len != SEGMENT as usize) {
        assert!(matches!(decode(len), Err(StorageError::Damaged { .. })), "{len} bytes");
    }
    assert!(decode(SEGMENT as usize).is_ok());
}

#[tokio::test]
async fn files_of_zeros_are_damage() {
    let bench = Bench::with_frames(&[b"one"]).await;
    for file in [bench.manifest(), bench.segment(1)] {
        let intact = bench.read(&file);
        for len in [intact.len(), 0] {
            bench.write(&file, &vec![0; len]);
            match bench.refused() {
                StorageError::Damaged { file: found, offset: 0, .. } => assert_eq!(found, file),
                other => panic!("{other}"),
            }
        }
        bench.write(&file, &intact);
    }
    assert_eq!(bench.open().unwrap().seen.len(), 1);
}
