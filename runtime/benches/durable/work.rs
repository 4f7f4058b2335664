//! The steps and sagas that are measured.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use factum::Blob;
use factum::prelude::*;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

/// How many steps a run of [`ten`] has.
pub(crate) const STEPS: usize = 10;

pub(crate) const MIB: usize = 1 << 20;

/// JSON of 100 bytes: the quotes, and what stands between them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Output(String);

impl Output {
    fn new() -> Output {
        Output("0123456789".repeat(10)[..98].to_owned())
    }
}

/// Does nothing, and might have done anything: an effectful step.
#[step]
async fn effectful(_n: u64) -> Output {
    Output::new()
}

#[step(pure)]
async fn computed(_n: u64) -> Output {
    Output::new()
}

#[saga]
pub(crate) async fn ten(of: u64) -> u64 {
    for _ in 0..10 {
        effectful(of).await;
    }
    of
}

#[saga]
pub(crate) async fn ten_pure(of: u64) -> u64 {
    for _ in 0..10 {
        computed(of).await;
    }
    of
}

/// So many steps in one run.
#[saga]
pub(crate) async fn many(steps: u64) -> u64 {
    for n in 0..steps {
        effectful(n).await;
    }
    steps
}

/// Closed until so many have come to it, then open.
pub(crate) struct Gate {
    /// How many more have to come.
    missing: AtomicUsize,
    opened: Notify,
}

pub(crate) static GATE: Gate = Gate { missing: AtomicUsize::new(0), opened: Notify::const_new() };

impl Gate {
    /// The next ones have to wait until so many are there; nobody is at the gate.
    pub(crate) fn close(&self, until: usize) {
        self.missing.store(until, Ordering::Release);
    }

    pub(crate) fn is_open(&self) -> bool {
        self.missing.load(Ordering::Acquire) == 0
    }

    async fn pass(&self) {
        if self.is_open() {
            return;
        }
        let opened = self.opened.notified();
        match self.missing.fetch_sub(1, Ordering::AcqRel) {
            1 => self.opened.notify_waiters(),
            _ => opened.await,
        }
    }
}

/// Does nothing, behind the gate.
#[step]
async fn gated(_n: u64) -> Output {
    GATE.pass().await;
    Output::new()
}

/// As [`ten`], whose first step waits at the gate: so many runs are at work at once.
#[saga]
pub(crate) async fn together(of: u64) -> u64 {
    gated(of).await;
    for _ in 0..9 {
        effectful(of).await;
    }
    of
}

#[signal]
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Go;

/// Waits until it is told to go on, in the middle of its ten steps.
#[saga]
pub(crate) async fn halfway(of: u64) -> u64 {
    for _ in 0..5 {
        effectful(of).await;
    }
    signal::<Go>().await;
    for _ in 0..5 {
        effectful(of).await;
    }
    of
}

#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[error("{0}")]
pub(crate) struct NotPut(String);

#[step]
async fn blob(io: &mut Io, bytes: u64) -> Result<Blob, NotPut> {
    io.put(noise(bytes as usize)).await.map_err(|error| NotPut(error.to_string()))
}

/// Bytes that nobody can make fewer.
pub(crate) fn noise(bytes: usize) -> Vec<u8> {
    static NOISE: OnceLock<Vec<u8>> = OnceLock::new();
    let noise = NOISE.get_or_init(|| {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut word = || {
            // xorshift
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        (0..MIB / 8).flat_map(|_| word().to_le_bytes()).collect()
    });
    let mut all = Vec::with_capacity(bytes);
    while all.len() < bytes {
        let more = (bytes - all.len()).min(noise.len());
        all.extend_from_slice(&noise[..more]);
    }
    all
}

/// Steps whose outputs are blobs of 1 MiB.
#[saga]
pub(crate) async fn blobs(count: u64) -> Result<u64, NotPut> {
    for _ in 0..count {
        blob(MIB as u64).await?;
    }
    Ok(count)
}

/// One blob of so many MiB.
#[saga]
pub(crate) async fn large(mib: u64) -> Result<Blob, NotPut> {
    blob(mib * MIB as u64).await
}

/// One step.
#[saga]
pub(crate) async fn one(of: u64) -> u64 {
    effectful(of).await;
    of
}

/// JSON of 64 bytes, which says until when a [`nap`] is to be: milliseconds since 1970, or 0 for a month.
pub(crate) fn input(n: u64, until: u64) -> String {
    format!("{until:020} {n:041}")
}

#[saga]
pub(crate) async fn nap(input: String) -> u64 {
    match input[..20].parse() {
        Ok(until) if until > 0 => sleep_until(UNIX_EPOCH + Duration::from_millis(until)).await,
        _ => sleep(days(30)).await,
    }
    wakes(0).await
}

/// Those that have woken in this process.
pub(crate) struct Woken {
    pub(crate) count: AtomicU64,
    /// When the last one did, in milliseconds since 1970.
    pub(crate) last: AtomicU64,
}

pub(crate) static WOKEN: Woken = Woken { count: AtomicU64::new(0), last: AtomicU64::new(0) };

#[step(pure)]
async fn wakes(of: u64) -> u64 {
    WOKEN.last.fetch_max(crate::child::now(), Ordering::AcqRel);
    WOKEN.count.fetch_add(1, Ordering::AcqRel);
    of
}
