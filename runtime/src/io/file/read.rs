//! Files that are read.

use std::os::fd::OwnedFd;

use rustix::fs::{FileType, Mode, OFlags, fstat, openat};
use rustix::io::{Errno, read, retry_on_intr};

use super::FileError;
use super::root::Place;

/// How many bytes are read at once.
const CHUNK: usize = 64 << 10;

/// A file's bytes, `limit` at most.
///
/// # Errors
/// When there is no such file, it is no regular one, or it is larger.
pub(super) fn read_whole(place: &Place, limit: usize) -> Result<Vec<u8>, FileError> {
    let too_large = || FileError::TooLarge { path: place.path.clone(), limit };
    let (file, len) = open(place)?.ok_or_else(|| place.refused("open", Errno::NOENT))?;
    if len > limit as u64 {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    each_chunk(place, &file, |chunk| {
        bytes.extend_from_slice(chunk);
        bytes.len() <= limit
    })?;
    // It may have grown since it was measured.
    if bytes.len() > limit { Err(too_large()) } else { Ok(bytes) }
}

/// Whether these are a file's bytes; the file, if so.
///
/// # Errors
/// When it is there and cannot be read.
pub(super) fn same(place: &Place, bytes: &[u8]) -> Result<Option<OwnedFd>, FileError> {
    let Some((file, len)) = open(place)? else { return Ok(None) };
    if len != bytes.len() as u64 {
        return Ok(None);
    }
    let mut rest = bytes;
    let mut same = true;
    each_chunk(place, &file, |chunk| {
        match rest.strip_prefix(chunk) {
            Some(behind) => rest = behind,
            None => same = false,
        }
        same
    })?;
    Ok((same && rest.is_empty()).then_some(file))
}

/// A regular file, with its length; none if there is no file.
fn open(place: &Place) -> Result<Option<(OwnedFd, u64)>, FileError> {
    // A pipe without a writer would be waited for.
    let how = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match openat(&place.dir, &*place.name, how, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(place.refused("open", errno)),
    };
    let stat = fstat(&file).map_err(|errno| place.refused("look at", errno))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(FileError::Path { path: place.path.clone(), reason: "it is a directory, a pipe or a device" });
    }
    Ok(Some((file, u64::try_from(stat.st_size).unwrap_or_default())))
}

/// Reads a file, chunk by chunk, for as long as `more` says so.
fn each_chunk(place: &Place, file: &OwnedFd, mut more: impl FnMut(&[u8]) -> bool) -> Result<(), FileError> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = retry_on_intr(|| read(file, &mut chunk)).map_err(|errno| place.refused("read", errno))?;
        if count == 0 || !more(&chunk[..count]) {
            return Ok(());
        }
    }
}
