//! What runs: short sagas of every sort, known by the number in their ids.

use factum::prelude::*;
use factum::{Blob, Builder, RunInfo, Status};
use serde::{Deserialize, Serialize};

/// The sizes of blobs, in bytes.
pub const BLOBS: std::ops::Range<usize> = 100 << 10..1 << 20;
/// Of so many runs one has each ending.
const SORTS: u64 = 10;

#[derive(Debug, Clone, Serialize, Deserialize, thiserror::Error)]
pub enum Oops {
    #[error("{0} cannot go well")]
    Planned(u64),
    #[error("a blob came back with other bytes")]
    OtherBytes,
    #[error("no space: {0}")]
    NoSpace(String),
}

#[signal]
#[derive(Debug, Serialize, Deserialize)]
pub struct Go {
    pub by: u64,
}

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    Quick,
    Fails,
    Naps,
    Asks,
    Carries,
    Makes,
}

impl Sort {
    pub fn of(n: u64) -> Sort {
        match n % SORTS {
            0..4 => Sort::Quick,
            4 | 5 => Sort::Fails,
            6 => Sort::Naps,
            7 => Sort::Asks,
            8 => Sort::Carries,
            _ => Sort::Makes,
        }
    }
}

#[step(compensate = put_back(&n))]
async fn take(n: u64) -> u64 {
    n
}

#[step]
async fn put_back(n: &u64) {
    let _ = n;
}

#[step(pure)]
async fn refuse(n: u64) -> Result<(), Oops> {
    Err(Oops::Planned(n))
}

#[step(pure)]
async fn look(n: u64, blob: Blob) -> Result<usize, Oops> {
    if *blob == *bytes(n, blob.len()) { Ok(blob.len()) } else { Err(Oops::OtherBytes) }
}

#[step]
async fn make(io: &mut Io, n: u64, len: usize) -> Result<Blob, Oops> {
    io.put(bytes(n, len)).await.map_err(|error| Oops::NoSpace(error.to_string()))
}

#[saga]
pub async fn quick(n: u64) -> Result<u64, Oops> {
    Ok(take(n).await + take(1).await)
}

#[saga]
pub async fn fails(n: u64) -> Result<(), Oops> {
    take(n).await;
    take(n + 1).await;
    refuse(n).await
}

#[saga]
pub async fn naps(n: u64) -> Result<u64, Oops> {
    let n = take(n).await;
    sleep(millis(n % 400)).await;
    Ok(n)
}

#[saga]
pub async fn asks(n: u64) -> Result<u64, Oops> {
    take(n).await;
    Ok(signal::<Go>().await.by)
}

#[saga]
pub async fn carries(n: u64, blob: Blob) -> Result<usize, Oops> {
    take(n).await;
    look(n, blob).await
}

#[saga]
pub async fn makes(n: u64, len: usize) -> Result<Blob, Oops> {
    let blob = make(n, len).await?;
    look(n, blob.clone()).await?;
    Ok(blob)
}

/// The bytes of the blob of a run.
pub fn bytes(n: u64, len: usize) -> Vec<u8> {
    let tag = n.to_le_bytes();
    (0..len).map(|i| tag[i % 8] ^ (i >> 8) as u8).collect()
}

pub fn registered(builder: Builder) -> Builder {
    builder.saga(quick).saga(fails).saga(naps).saga(asks).saga(carries).saga(makes)
}

/// The number in a run's id.
pub fn number(id: &str) -> Option<u64> {
    id.rsplit('-').next()?.parse().ok()
}

/// What is wrong with a run as it is listed, if anything is.
pub fn wrong(run: &RunInfo) -> Option<String> {
    let Some(sort) = number(run.id.as_str()).map(Sort::of) else {
        return Some(format!("nobody started `{}`", run.id));
    };
    let expected = if sort == Sort::Fails { Status::Failed } else { Status::Completed };
    let goes_on = [Status::Running, Status::Waiting, Status::Compensating].contains(&run.status);
    let problem = run.problem.as_deref().unwrap_or("no reason");
    (!goes_on && run.status != expected).then(|| format!("`{}` of {sort:?} is {}: {problem}", run.id, run.status))
}

/// Whether a run has ended.
pub fn has_ended(run: &RunInfo) -> bool {
    matches!(run.status, Status::Completed | Status::Failed)
}
