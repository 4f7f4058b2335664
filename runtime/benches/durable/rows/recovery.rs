//! Opening what a crash has left: how fast records are replayed, and whether twice the log takes twice as long.
//!
//! The logs are written once, by processes that are killed, with nothing in the checkpoint. Each round opens them in a
//! process of its own, which ends at once. An open writes the log's last segment and MANIFEST anew, so that a round opens
//! what the one before has left; the records are the same.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Instant;

use crate::Result;
use crate::bench::Bench;
use crate::child::Child;
use crate::report::{Sample, figure};
use crate::work::MIB;

/// What killed processes have left: a log, and one of about a fourth of its records.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Left {
    whole: Log,
    part: Log,
}

#[derive(Debug, Clone, Copy)]
struct Log {
    records: f64,
    bytes: f64,
}

impl Log {
    /// Of what was being written when the process was killed a little may be there, or not.
    fn check(self, replayed: f64) -> Result<()> {
        match (replayed - self.records).abs() <= self.records / 10.0 {
            true => Ok(()),
            false => Err(format!("{replayed} of {} records were replayed", self.records).into()),
        }
    }
}

pub(super) async fn round(bench: &mut Bench) -> Result<()> {
    let records = bench.size(1_000_000, 100_000);
    let (whole, part) = (bench.dir.join("recovery"), bench.dir.join("recovery-part"));
    let left = match bench.left {
        Some(left) => left,
        None => {
            bench.tell(&format!("{records} records are written"));
            let part = fill(&part, records / 4)?;
            *bench.left.insert(Left { whole: fill(&whole, records)?, part })
        }
    };
    let read = checksum(&whole, left.whole.bytes as u64)?;
    let (took, replayed) = open(&whole)?;
    let (part_took, part_replayed) = open(&part)?;
    if replayed < records as f64 {
        return Err(format!("{replayed} of {records} records were replayed").into());
    }
    left.whole.check(replayed)?;
    left.part.check(part_replayed)?;
    let mib = left.whole.bytes / MIB as f64;
    let note = format!(
        "{} MiB of log, {replayed} records of {} written; {} ms, {} ns a record",
        figure(mib),
        left.whole.records,
        figure(took * 1e3),
        figure(took / replayed * 1e9)
    );
    bench.add("recovery", Sample::against(mib / took, mib / read), note);
    let note = format!("the open of {replayed} records, against that of {part_replayed}");
    bench.add("open-tail", Sample::against(took * 1e3, part_took * 1e3), note);
    Ok(())
}

fn fill(dir: &Path, records: u64) -> Result<Log> {
    let mut child = Child::start("fill", dir, &[records])?;
    let [records, bytes] = child.tells("filled")?;
    child.kill()?;
    Ok(Log { records, bytes })
}

/// Seconds, and records.
fn open(dir: &Path) -> Result<(f64, f64)> {
    let mut child = Child::start("open", dir, &[])?;
    let [took, records] = child.tells("open")?;
    child.end()?;
    Ok((took, records))
}

/// How long it takes to read as many bytes of the log, and to make a checksum of them.
fn checksum(dir: &Path, bytes: u64) -> Result<f64> {
    let mut files: Vec<_> = std::fs::read_dir(dir.join("wal"))?.collect::<std::io::Result<_>>()?;
    files.sort_by_key(std::fs::DirEntry::file_name);
    let mut buffer = vec![0; MIB];
    let (mut left, mut crc) = (bytes, crc32fast::Hasher::new());
    let began = Instant::now();
    for file in files {
        let mut file = File::open(file.path())?;
        while left > 0 {
            let read = file.read(&mut buffer)?.min(usize::try_from(left)?);
            if read == 0 {
                break;
            }
            crc.update(&buffer[..read]);
            left -= read as u64;
        }
    }
    std::hint::black_box(crc.finalize());
    match left {
        0 => Ok(began.elapsed().as_secs_f64()),
        left => Err(format!("the log is {left} bytes too short").into()),
    }
}
