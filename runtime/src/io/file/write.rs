//! Files that are written whole, and removed.
//!
//! What must always hold: under the file's name there are the bytes from before or all of the new ones, at any moment
//! and after any crash; what is told to be written is durable.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustix::fs::{AtFlags, Dir, Mode, OFlags, fsync, openat, renameat, unlinkat};
use rustix::io::{Errno, retry_on_intr, write};

use super::FileError;
use super::read::same;
use super::root::Place;
use crate::io::Call;

/// Bytes that no other call, attempt or process writes to: beside the file, and in its place when they are complete.
pub(super) struct Beside {
    /// What the names of a call's files begin with.
    call: String,
    attempt: u32,
    number: u64,
}

impl Beside {
    pub(super) fn new(call: &Call) -> Beside {
        // A call can be made twice in one attempt, and the first may still be at it.
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Beside { call: format!(".factum-{}-", call.key()), attempt: call.attempt(), number }
    }

    /// Whether a file was left by an earlier attempt, which a crash cut short.
    fn is_left(&self, name: &[u8]) -> bool {
        let attempt = std::str::from_utf8(name).ok().and_then(|name| name.strip_prefix(&*self.call));
        let attempt = attempt.and_then(|rest| rest.split('-').next()?.parse::<u32>().ok());
        attempt.is_some_and(|attempt| attempt < self.attempt)
    }
}

impl fmt::Display for Beside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}-{}", self.call, self.attempt, self.number)
    }
}

/// Writes a file whole. Nothing is put in its place when `dropped` is set before.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write_whole(place: &Place, bytes: &[u8], beside: &Beside, dropped: &AtomicBool) -> Result<(), FileError> {
    if beside.attempt > 1 {
        clear(place, beside)?;
    }
    // That something else is there is told when it cannot be replaced.
    if let Ok(Some(file)) = same(place, bytes) {
        // Who wrote it may not have come to this.
        fsync(&file).map_err(|errno| place.unknown("sync", errno))?;
        return fsync(&place.dir).map_err(|errno| place.unknown("sync the directory of", errno));
    }
    let name = beside.to_string();
    let written = fill(place, &name, bytes);
    if written.is_err() || dropped.load(Ordering::Acquire) {
        // What stays is removed by the next attempt. Of what was dropped, nobody is told.
        let _ = unlinkat(&place.dir, &*name, AtFlags::empty());
        return written;
    }
    if let Err(errno) = renameat(&place.dir, &*name, &place.dir, &*place.name) {
        let _ = unlinkat(&place.dir, &*name, AtFlags::empty());
        return Err(match errno {
            Errno::ISDIR | Errno::NOTDIR | Errno::EXIST | Errno::NOTEMPTY => {
                FileError::Path { path: place.path.clone(), reason: "it is a directory" }
            }
            errno => place.unknown("replace", errno),
        });
    }
    fsync(&place.dir).map_err(|errno| place.unknown("sync the directory of", errno))
}

/// Removes a file, durably; none when `dropped` is set before: it may be a later call's by then.
///
/// # Errors
/// When it is there and cannot be removed.
pub(super) fn remove(place: &Place, dropped: &AtomicBool) -> Result<(), FileError> {
    if dropped.load(Ordering::Acquire) {
        return Ok(());
    }
    match unlinkat(&place.dir, &*place.name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => fsync(&place.dir).map_err(|errno| place.unknown("sync the directory of", errno)),
        Err(Errno::ISDIR | Errno::PERM) => {
            Err(FileError::Path { path: place.path.clone(), reason: "it is a directory, or may not be removed" })
        }
        Err(errno) => Err(place.refused("remove", errno)),
    }
}

/// Makes a file of these bytes, durable but for its name.
fn fill(place: &Place, name: &str, bytes: &[u8]) -> Result<(), FileError> {
    let how = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let make = || openat(&place.dir, name, how, Mode::from_raw_mode(0o666));
    let file = match make() {
        // In this process the name is new: whoever left it has ended.
        Err(Errno::EXIST) => unlinkat(&place.dir, name, AtFlags::empty()).and_then(|()| make()),
        made => made,
    };
    let file = file.map_err(|errno| place.refused("write beside", errno))?;
    let mut rest = bytes;
    while !rest.is_empty() {
        let count = retry_on_intr(|| write(&file, rest)).map_err(|errno| place.refused("write beside", errno))?;
        rest = rest.get(count..).unwrap_or_default();
    }
    fsync(&file).map_err(|errno| place.refused("sync what is beside", errno))
}

/// Removes what earlier attempts of the call left. One of them that is still at it, and whose answer nobody waits for,
/// fails.
fn clear(place: &Place, beside: &Beside) -> Result<(), FileError> {
    let failed = |errno| place.refused("look through the directory of", errno);
    for entry in Dir::read_from(&place.dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if beside.is_left(entry.file_name().to_bytes()) {
            match unlinkat(&place.dir, entry.file_name(), AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(errno) => return Err(place.refused("remove what was left beside", errno)),
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
