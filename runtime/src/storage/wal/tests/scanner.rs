//! The scanner on bytes that nobody wrote, and on all that the writer can write.

use proptest::collection::vec;
use proptest::prelude::*;

use super::frame::FrameHeader;
use super::judge::Place;
use super::queue::Queue;
use super::*;

const SALT: u64 = 77;

/// A group, as kinds, runs, times and bodies of its records.
type Group = Vec<(u8, u64, i64, Vec<u8>)>;

fn groups() -> impl Strategy<Value = Vec<Group>> {
    let record = (any::<u8>(), any::<u64>(), any::<i64>(), vec(any::<u8>(), 0..3000));
    vec(vec(record, 1..5), 1..8)
}

/// The bytes of a segment with a frame for each of these groups.
fn segment_of(groups: &[Group]) -> Vec<u8> {
    let mut queue = Queue::new(Lsn(1), 1 << 20);
    let mut bytes = vec![0; BLOCK];
    for group in groups {
        queue
            .append(|writer| {
                for (kind, run, time, body) in group {
                    writer.record(*kind, *run, *time, |bytes| bytes.extend_from_slice(body));
                }
            })
            .unwrap();
        let (mut batch, _) = queue.take().unwrap();
        let durable_through = Lsn(batch.first_lsn.0 - 1);
        let header = FrameHeader { first_lsn: batch.first_lsn, durable_through, count: batch.count };
        frame::seal(&mut batch.bytes, SALT, header);
        bytes.extend_from_slice(&batch.bytes);
    }
    bytes.resize(bytes.len() + 2 * BLOCK, 0);
    bytes
}

fn wanted(groups: &[Group]) -> Vec<Seen> {
    let mut seen = Vec::new();
    for group in groups {
        for (i, (kind, run, time, body)) in group.iter().enumerate() {
            let flags = if i + 1 < group.len() { GROUP_CONTINUES } else { 0 };
            let lsn = seen.len() as u64 + 1;
            seen.push(Seen { lsn, kind: *kind, flags, run: *run, time: *time, body: body.clone() });
        }
    }
    seen
}

/// Scans and judges; the records if the segment is taken.
fn judged(bytes: &[u8], salt: u64) -> Option<Vec<Seen>> {
    let scanned = scan::segment(bytes, salt, Lsn(1)).ok()?;
    judge::end(
        Path::new("data"),
        Path::new("file"),
        &scanned,
        Place::Last { closed: None, used: true, applied: Lsn(0) },
    )
    .ok()?;
    Some(scanned.frames.iter().flat_map(|(_, frame)| frame.records()).map(|(_, lsn, r)| Seen::of(lsn, &r)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read(groups in groups()) {
        prop_assert_eq!(judged(&segment_of(&groups), SALT), Some(wanted(&groups)));
    }

    #[test]
    fn a_copy_under_another_salt_has_the_same_records(groups in groups()) {
        let bytes = segment_of(&groups);
        let mut copy = vec![0; BLOCK];
        for (_, frame) in scan::segment(&bytes, SALT, Lsn(1)).unwrap().frames {
            frame.copy(SALT + 1, &mut copy);
        }
        prop_assert_eq!(judged(&copy, SALT + 1), Some(wanted(&groups)));
        prop_assert_eq!(scan::segment(&copy, SALT, Lsn(1)).unwrap().frames.len(), 0);
    }

    #[test]
    fn arbitrary_bytes_are_no_records(bytes in vec(any::<u8>(), 0..20_000), salt in any::<u64>()) {
        if let Some(seen) = judged(&bytes, salt) {
            prop_assert!(seen.is_empty());
        }
    }

    /// Frames with a right checksum over contents that make no sense.
    #[test]
    fn sealed_nonsense_is_refused_or_read_and_never_a_panic(
        records in vec(prop_oneof![4 => Just(0u8), 1 => any::<u8>()], 1..6000),
        first in prop_oneof![Just(1u64), any::<u64>()],
        durable in prop_oneof![Just(0u64), any::<u64>()],
        count in prop_oneof![0..4u32, any::<u32>()],
    ) {
        let mut frame = vec![0; frame::FRAME_HEADER];
        frame.extend_from_slice(&records);
        frame::seal(&mut frame, SALT, FrameHeader { first_lsn: Lsn(first), durable_through: Lsn(durable), count });
        let bytes = [vec![0; BLOCK], frame, vec![0; BLOCK]].concat();
        if let Some(seen) = judged(&bytes, SALT) {
            prop_assert_eq!((seen.len() as u64, first, durable), (u64::from(count), 1, 0));
        }
    }

    #[test]
    fn changed_bytes_never_give_other_records(
        groups in groups(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = segment_of(&groups);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(seen) = judged(&bytes, SALT) {
            prop_assert!(wanted(&groups).starts_with(&seen));
        }
    }

    #[test]
    fn arbitrary_bytes_are_no_manifest_and_no_header(bytes in vec(any::<u8>(), 0..5000)) {
        let file = Path::new("file");
        prop_assert!(Manifest::decode(&bytes, file).is_err());
        let len = bytes.len() as u64;
        prop_assert!(segment::SegmentHeader::decode(&bytes, file, Lsn(1), len, Uuid::nil()).is_err());
    }
}

#[test]
fn unknown_flags_are_refused_by_name() {
    let mut bytes = segment_of(&[vec![(1, 1, 1, vec![])]]);
    bytes[BLOCK + frame::FRAME_HEADER + 5] = 0b100;
    let end = BLOCK + frame::FRAME_HEADER + record::RECORD_HEADER;
    let crc = crc32fast::hash(&bytes[BLOCK + 4..end]);
    bytes[BLOCK..BLOCK + 4].copy_from_slice(&crc.to_le_bytes());
    match scan::segment(&bytes, SALT, Lsn(1)) {
        Err(scan::Fault::Flags { offset, lsn, flags }) => {
            assert_eq!((offset, lsn, flags), (BLOCK + frame::FRAME_HEADER, Lsn(1), 0b100));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_length_is_never_believed_beyond_the_segment() {
    let mut bytes = segment_of(&[vec![(1, 1, 1, vec![])]]);
    bytes[BLOCK + 4..BLOCK + 8].copy_from_slice(&u32::MAX.to_le_bytes());
    let scanned = scan::segment(&bytes, SALT, Lsn(1)).unwrap();
    assert!(matches!(scanned.rest, scan::Rest::Junk { invalid: frame::Invalid::Length { found: u32::MAX, .. }, .. }));
}

/// Scans a segment with one frame of two records, after `change` was made to the frame and its checksum set right.
fn forged(change: impl FnOnce(&mut [u8])) -> Result<(), scan::Fault> {
    let mut bytes = segment_of(&[vec![(1, 1, 1, vec![]), (2, 2, 2, vec![5])]]);
    let frame = &mut bytes[BLOCK..];
    change(frame);
    let crc = crc32fast::hash(&frame[4..frame::FRAME_HEADER + 2 * record::RECORD_HEADER + 1]);
    frame[..4].copy_from_slice(&crc.to_le_bytes());
    scan::segment(&bytes, SALT, Lsn(1)).map(drop)
}

fn damage_at(change: impl FnOnce(&mut [u8])) -> usize {
    match forged(change) {
        Err(scan::Fault::Damage(damage)) => damage.offset - BLOCK,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_frame_with_a_right_checksum_and_wrong_contents_is_damage() {
    let (first, second) = (frame::FRAME_HEADER, frame::FRAME_HEADER + record::RECORD_HEADER);
    assert_eq!(forged(|_| {}), Ok(()));
    assert_eq!(damage_at(|frame| frame[16] = 2), 16, "a first LSN that is not the next");
    assert_eq!(damage_at(|frame| frame[24] = 1), 24, "durable through itself");
    assert_eq!(damage_at(|frame| frame[32] = 3), first, "more records than there are");
    assert_eq!(damage_at(|frame| frame[32] = 1), first, "fewer records than there are");
    assert_eq!(damage_at(|frame| frame[second + 5] = 1), second, "a group that goes on after its frame");
    assert_eq!(damage_at(|frame| frame[first + 6] = 1), first + 6, "a reserved field that is used");
    assert_eq!(damage_at(|frame| frame[second] = 2), second, "a body longer than its frame");
    assert_eq!(damage_at(|frame| frame[second] = 0), second + record::RECORD_HEADER, "a byte too many");
    assert_eq!(damage_at(|frame| frame[4095] = 1), 4095, "padding that is not zero");
}
