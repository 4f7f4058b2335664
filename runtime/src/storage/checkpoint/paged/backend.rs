//! What redb sees of a session: a file of bytes.
//!
//! redb reads and writes whole pages, and the start of page 0; anything else works too, a page at a time. The errors
//! that it is given say little, as it passes on little: the session keeps the one that counts.

use std::io;
use std::sync::Arc;

use redb::StorageBackend;

use super::layout::PAGE;
use super::session::Session;
use crate::storage::checkpoint::CheckpointError;

#[derive(Debug)]
pub(super) struct Backend(pub(super) Arc<Session>);

/// A part of the bytes that were asked for.
enum Piece {
    /// Some of page 0, from this byte on.
    Header(usize),
    /// Whole pages from this one on.
    Pages(u64),
    /// Some of one page, from this byte of it on.
    Part(u64, usize),
}

/// The piece that starts at an offset, and how long it is, if `len` bytes are asked for.
fn piece(offset: u64, len: usize) -> (Piece, usize) {
    let (page, within) = (offset / PAGE as u64, (offset % PAGE as u64) as usize);
    match (page, within) {
        (0, _) => (Piece::Header(within), len.min(PAGE - within)),
        (_, 0) if len >= PAGE => (Piece::Pages(page), len / PAGE * PAGE),
        _ => (Piece::Part(page, within), len.min(PAGE - within)),
    }
}

impl Backend {
    fn read_piece(&self, piece: &Piece, out: &mut [u8]) -> Result<(), CheckpointError> {
        match *piece {
            Piece::Header(at) => self.0.read_header(at, out),
            Piece::Pages(page) => self.0.read_pages(page, out)?,
            Piece::Part(page, at) => {
                let mut whole = [0; PAGE];
                self.0.read_pages(page, &mut whole)?;
                out.copy_from_slice(&whole[at..at + out.len()]);
            }
        }
        Ok(())
    }

    fn write_piece(&self, piece: &Piece, bytes: &[u8]) -> Result<(), CheckpointError> {
        match *piece {
            Piece::Header(at) => self.0.write_header(at, bytes),
            Piece::Pages(page) => self.0.write_pages(page, bytes),
            Piece::Part(page, at) => {
                let mut whole = [0; PAGE];
                self.0.read_pages(page, &mut whole)?;
                whole[at..at + bytes.len()].copy_from_slice(bytes);
                self.0.write_pages(page, &whole)
            }
        }
    }

    fn check_end(&self, offset: u64, len: usize) -> io::Result<()> {
        match offset.checked_add(len as u64) {
            Some(end) if end <= self.0.len() => Ok(()),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.len())
    }

    fn read(&self, mut offset: u64, mut out: &mut [u8]) -> io::Result<()> {
        self.check_end(offset, out.len())?;
        while !out.is_empty() {
            let (piece, len) = piece(offset, out.len());
            let (now, rest) = out.split_at_mut(len);
            self.read_piece(&piece, now).map_err(io::Error::other)?;
            (offset, out) = (offset + len as u64, rest);
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len).map_err(io::Error::other)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync().map_err(io::Error::other)
    }

    fn write(&self, mut offset: u64, mut data: &[u8]) -> io::Result<()> {
        self.check_end(offset, data.len())?;
        while !data.is_empty() {
            let (piece, len) = piece(offset, data.len());
            let (now, rest) = data.split_at(len);
            self.write_piece(&piece, now).map_err(io::Error::other)?;
            (offset, data) = (offset + len as u64, rest);
        }
        Ok(())
    }

    /// redb is done with the file; what it wrote last, its header, is the same in both slots.
    fn close(&self) -> io::Result<()> {
        if self.0.fault().is_some() {
            return Ok(());
        }
        self.0.mirror().map_err(io::Error::other)
    }
}
