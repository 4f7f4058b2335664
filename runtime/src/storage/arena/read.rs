//! Blobs read in place: a view of the segment, checked when a blob is opened for the first time.
//!
//! What must always hold: a handle shows bytes that were durable when it was made, and that had the checksum of their
//! record; as long as it lives its segment is not unlinked. Of an encrypted blob it shows a copy in memory, which has the
//! key's word for it.

use std::path::Path;
use std::sync::Arc;

use super::header;
use super::segment;
use super::shared::Shared;
use crate::codec::{Blob, BlobAt, Digest};
use crate::platform::Map;
use crate::storage::StorageError;
use crate::storage::disk::DiskFile;

/// A blob's part of a view.
#[derive(Debug)]
pub(super) struct Mapped {
    at: BlobAt,
    map: Arc<dyn Map>,
    /// What was decrypted, and its CRC-32, if it is that which is shown.
    plain: Option<(Vec<u8>, u32)>,
    /// Tells the segment that its view is in use.
    _held: Arc<()>,
}

impl Mapped {
    pub(super) fn at(&self) -> BlobAt {
        self.at
    }
}

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        if let Some((plain, _)) = &self.plain {
            return plain;
        }
        // That they are in the view was checked when this was made.
        self.map.bytes(header::content(&self.at), self.at.len as usize).unwrap_or_default()
    }
}

/// The handle of a blob.
pub(super) fn blob(mapped: Arc<Mapped>) -> Blob {
    let crc = mapped.plain.as_ref().map_or(mapped.at.crc, |(_, crc)| *crc);
    Blob::new(mapped.at(), crc, mapped)
}

/// What is shown of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Show {
    /// Its bytes.
    Plain,
    /// What stands in the segment: it is not decrypted, and no key is needed.
    Stored,
}

/// What is to be checked before a blob is handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// That it is there: it was checked before in this process.
    Place,
    /// What was just written: header and checksum.
    Written,
    /// What an earlier process wrote: that it can be read, header and checksum.
    Found,
}

/// What there is of a blob.
#[derive(Debug)]
pub(super) enum Found {
    /// A handle that somebody has.
    Open(Arc<Mapped>),
    /// Where it lies.
    At(BlobAt, Check),
}

impl Shared {
    /// Opens the blob that lies there. Blocks.
    pub(super) fn open_at(&self, at: BlobAt, check: Check, show: Show) -> Result<Arc<Mapped>, StorageError> {
        let Some(seen) = self.view(at.segment) else {
            return Err(StorageError::MissingArenaSegment { file: segment::path(&self.dir, at.segment), id: at.id });
        };
        header::check_place(&at, &seen.path, seen.size)?;
        let mut file = None;
        if check == Check::Found {
            let open = self.disk.open(&seen.path)?;
            touch(&open, &at, seen.size)?;
            file = Some(open);
        }
        let shown = |(_, through): &(Arc<dyn Map>, u64)| *through >= header::end(&at);
        let map = match seen.map.filter(shown) {
            Some((map, _)) => map,
            None => {
                let file = file.map_or_else(|| self.disk.open(&seen.path), Ok)?;
                segment::check_len(&seen.path, seen.size, file.len()?)?;
                let through = if file.maps_show_writes() { seen.size } else { seen.end };
                let map = file.map(through)?;
                self.viewed(at.segment, map.clone(), through);
                map
            }
        };
        let header = map.bytes(at.offset, header::HEADER as usize).unwrap_or_default();
        let content = map.bytes(header::content(&at), at.len as usize);
        let Some(content) = content else {
            let (expected, found) = (format!("{} bytes", at.len), "the end of what was written".to_owned());
            return Err(StorageError::Damaged { file: seen.path, offset: at.offset, expected, found });
        };
        if check != Check::Place {
            header::check(header, &at, &seen.path)?;
            header::check_content(content, &at, &seen.path)?;
        }
        let plain = match at.encrypted && show == Show::Plain {
            true => Some(self.decrypt(content, &at, &seen.path)?),
            false => None,
        };
        Ok(Arc::new(Mapped { at, map, plain, _held: seen.held }))
    }

    /// The bytes of a blob, and their CRC-32.
    fn decrypt(&self, content: &[u8], at: &BlobAt, file: &Path) -> Result<(Vec<u8>, u32), StorageError> {
        let plain =
            self.cipher().decrypt(&header::of(at), content).map_err(|source| header::locked(at, file, source))?;
        let crc = crc32fast::hash(&plain);
        Ok((plain, crc))
    }

    /// What stands in a segment of the blob with this id, checked, for a copy of it. Blocks.
    pub(super) fn stored(&self, id: u64) -> Result<Arc<Mapped>, StorageError> {
        let mut gone = None;
        loop {
            let at = self.place(id)?;
            match self.open_at(at, Check::Found, Show::Stored) {
                // It has moved since, and its segment is gone: it is where the index says now.
                Err(StorageError::MissingArenaSegment { .. }) if gone.replace(at) != Some(at) => {}
                opened => return opened,
            }
        }
    }

    /// The blob with this id. Blocks.
    pub(super) fn blob(&self, id: u64) -> Result<Blob, StorageError> {
        let mut gone = None;
        loop {
            let (at, check) = match self.find(id)? {
                Found::Open(mapped) => return Ok(blob(mapped)),
                Found::At(at, check) => (at, check),
            };
            match self.open_at(at, check, Show::Plain) {
                // It has moved since, and its segment is gone: it is where the index says now.
                Err(StorageError::MissingArenaSegment { .. }) if gone.replace(at) != Some(at) => {}
                opened => return self.opened(opened?).map(blob),
            }
        }
    }

    /// The blob with this content, if there is one. Blocks.
    pub(super) fn content(&self, digest: Digest) -> Result<Option<Blob>, StorageError> {
        let Some((id, hashed)) = self.id_of(digest) else { return Ok(None) };
        let blob = match self.blob(id) {
            // It was dead, and is collected now.
            Err(StorageError::MissingBlob { .. }) => return Ok(None),
            blob => blob?,
        };
        if !hashed {
            let found = Digest::of_bytes(&[&blob]);
            if found != digest {
                let file = segment::path(&self.dir, blob.at().segment);
                let (expected, found) = (format!("bytes whose SHA-256 is {digest}"), found.to_string());
                return Err(StorageError::Damaged { file, offset: header::content(&blob.at()), expected, found });
            }
            self.hashed(id);
        }
        Ok(Some(blob))
    }
}

/// Reads a blob without keeping it: what the disk cannot read is an error here, and would be a SIGBUS in a view.
fn touch(file: &DiskFile, at: &BlobAt, size: u64) -> Result<(), StorageError> {
    segment::check_len(file.path(), size, file.len()?)?;
    let mut buf = vec![0; 128 * 1024];
    let mut offset = at.offset;
    while offset < header::end(at) {
        let some = (header::end(at) - offset).min(buf.len() as u64);
        let read = file.read_at(&mut buf[..some as usize], offset)?;
        if (read as u64) < some {
            let (expected, found) = (format!("{some} bytes"), read.to_string());
            return Err(StorageError::Damaged { file: file.path().to_owned(), offset, expected, found });
        }
        offset += some;
    }
    Ok(())
}
