//! What the system tells of this process and of files.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::Result;

/// The processor time of all threads so far, in user and kernel mode.
pub(crate) fn processor() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// A number of `/proc/self/status` in bytes, such as `RssAnon`.
pub(crate) fn memory(what: &str) -> Result<u64> {
    let kib = number(&fs::read_to_string("/proc/self/status")?, what)?;
    Ok(kib << 10)
}

/// The bytes that this process has had written to the disk, or will have: pages that it made dirty.
pub(crate) fn written() -> Result<u64> {
    number(&fs::read_to_string("/proc/self/io")?, "write_bytes")
}

fn number(text: &str, what: &str) -> Result<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':'));
    let word = line.and_then(|line| line.split_whitespace().next()).ok_or("the system does not tell")?;
    Ok(word.parse()?)
}

/// The bytes that files take on disk: those of a directory, with what is below it.
pub(crate) fn disk(path: &Path) -> Result<u64> {
    let meta = fs::metadata(path)?;
    if !meta.is_dir() {
        return Ok(meta.blocks() * 512);
    }
    let mut bytes = 0;
    for entry in fs::read_dir(path)? {
        bytes += disk(&entry?.path())?;
    }
    Ok(bytes)
}
