//! The bytes as FORMAT.md has them, put together by hand: what fails here is a change of the format.

use super::*;
use crate::storage::stamp::FORMAT_VERSION;

const UUID: [u8; 16] = *b"0123456789abcdef";

/// A block whose bytes 12 to 15 are the checksum of the others.
fn stamped(parts: &[&[u8]], len: usize) -> Vec<u8> {
    let mut bytes = parts.concat();
    bytes.resize(len, 0);
    let crc = crc32fast::hash(&[&bytes[..12], &bytes[16..]].concat());
    bytes[12..16].copy_from_slice(&crc.to_le_bytes());
    bytes
}

#[test]
fn the_version_is_the_one_that_is_described() {
    assert_eq!(FORMAT_VERSION, 1);
    // The checksum is the CRC-32 of zlib.
    assert_eq!(crc32fast::hash(b"123456789"), 0xcbf4_3926);
}

#[test]
fn the_manifest_is_as_described() {
    let mut manifest =
        Manifest { next_salt: 0x0102, newest_segment: Lsn(0x0304), ..Manifest::new(Uuid::from_bytes(UUID)) };
    let open: [&[u8]; 6] = [b"FACTUMDB", &[1, 0, 0, 0], &[0; 4], &UUID, &[2, 1, 0, 0, 0, 0, 0, 0], &[4, 3]];
    assert_eq!(manifest.encode()[..], stamped(&open, 64));
    manifest.closed = Some(Lsn(0x0506));
    let closed: [&[u8]; 4] = [&open.concat(), &[0; 6], &[1, 0, 0, 0, 0, 0, 0, 0], &[6, 5]];
    assert_eq!(manifest.encode()[..], stamped(&closed, 64));
    manifest.backup = true;
    let backup: [&[u8]; 4] = [&open.concat(), &[0; 6], &[1, 0, 0, 0, 1, 0, 0, 0], &[6, 5]];
    assert_eq!(manifest.encode()[..], stamped(&backup, 64));
    assert_eq!(Manifest::decode(&manifest.encode(), Path::new("MANIFEST")).unwrap(), manifest);
}

#[test]
fn the_header_of_a_segment_is_as_described() {
    let header = segment::SegmentHeader {
        salt: 0x0102,
        first_lsn: Lsn(0x0304),
        size: 0x0001_0000,
        uuid: Uuid::from_bytes(UUID),
    };
    let wanted: [&[u8]; 7] = [
        b"FACTUMWL",
        &[1, 0, 0, 0],
        &[0; 4],
        &[2, 1, 0, 0, 0, 0, 0, 0],
        &[4, 3, 0, 0, 0, 0, 0, 0],
        &[0, 0, 1, 0, 0, 0, 0, 0],
        &UUID,
    ];
    assert_eq!(header.encode()[..], stamped(&wanted, 4096));
}

#[test]
fn a_frame_and_its_records_are_as_described() {
    let mut queue = queue::Queue::new(Lsn(0x0102), SEGMENT);
    queue
        .append(|group| {
            group.record(9, 0x0304, -2, |body| body.extend_from_slice(b"xyz"));
            group.record(8, 0, 1, |_| {});
        })
        .unwrap();
    let (mut batch, _) = queue.take().unwrap();
    let (first_lsn, durable_through) = (batch.first_lsn, Lsn(0x0101));
    frame::seal(&mut batch.bytes, 0x0506, frame::FrameHeader { first_lsn, durable_through, count: batch.count });
    let covered: [&[u8]; 12] = [
        &[27 + 24, 0, 0, 0],
        &[6, 5, 0, 0, 0, 0, 0, 0],
        &[2, 1, 0, 0, 0, 0, 0, 0],
        &[1, 1, 0, 0, 0, 0, 0, 0],
        &[2, 0, 0, 0],
        // The first record: length, kind and flags and reserved, run, time and body.
        &[3, 0, 0, 0],
        &[9, 1, 0, 0],
        &[4, 3, 0, 0, 0, 0, 0, 0],
        &[254, 255, 255, 255, 255, 255, 255, 255, b'x', b'y', b'z'],
        &[0, 0, 0, 0, 8, 0, 0, 0],
        &[0; 8],
        &[1, 0, 0, 0, 0, 0, 0, 0],
    ];
    let covered = covered.concat();
    let mut wanted = crc32fast::hash(&covered).to_le_bytes().to_vec();
    wanted.extend_from_slice(&covered);
    wanted.resize(4096, 0);
    assert_eq!(batch.bytes, wanted);
}

#[test]
fn a_segment_is_named_by_its_first_record() {
    use segment::{Name, parse_name};
    assert_eq!(segment::path(Path::new("d"), Lsn(0xabc)), Path::new("d/wal/0000000000000abc.wal"));
    assert_eq!(parse_name("0000000000000abc.wal"), Some(Name::Segment(Lsn(0xabc))));
    assert_eq!(parse_name("0000000000000abc.new"), Some(Name::New));
    assert_eq!(segment::free_path(Path::new("d"), 0), Path::new("d/wal/0000000000000000.free"));
    assert_eq!(parse_name("0000000000000abc.free"), Some(Name::Free(0xabc)));
    for name in [
        "0000000000000ABC.wal",
        "0000000000000000.wal",
        "abc.wal",
        "0000000000000abc",
        "0000000000000abc.wal.new",
        "+000000000000abc.wal",
    ] {
        assert_eq!(parse_name(name), None, "{name}");
    }
}
