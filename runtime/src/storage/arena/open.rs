//! Opens an arena: knows its files by their names, and hears from each segment that it is what it should be.

use std::path::Path;

use uuid::Uuid;

use super::segment::{self, BLOCK, Name, SegmentHeader};
use crate::storage::StorageError;
use crate::storage::disk::Disk;

/// The segments of a data directory. What is left of one that was in the making is removed.
pub(super) fn segments(disk: &Disk, dir: &Path, uuid: Uuid) -> Result<Vec<SegmentHeader>, StorageError> {
    let arena = dir.join(segment::DIR);
    let entries = match disk.list(&arena)? {
        Some(entries) => entries,
        None => {
            disk.create_dir_all(&arena)?;
            Vec::new()
        }
    };
    // Whoever made it may have been cut short before its name was durable.
    disk.sync_dir(dir)?;
    let mut segments = Vec::new();
    for path in entries {
        match path.file_name().and_then(|name| segment::parse_name(name.to_str()?)) {
            Some(Name::Segment(number)) => segments.push(check(disk, &path, number, uuid)?),
            Some(Name::New) => disk.remove(&path)?,
            None => return Err(StorageError::UnexpectedFile { file: path }),
        }
    }
    Ok(segments)
}

fn check(disk: &Disk, path: &Path, number: u64, uuid: Uuid) -> Result<SegmentHeader, StorageError> {
    let file = disk.open(path)?;
    let mut block = [0; BLOCK as usize];
    let read = file.read_at(&mut block, 0)?;
    SegmentHeader::decode(&block[..read], path, number, file.len()?, uuid)
}
