//! The real doors: the operating system and the tokio runtime.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is the one place that may touch clock, chance, files and threads"
)]

mod exec;
mod fs;
mod map;

use std::io;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use super::{BoxFuture, Clock, Entropy, Platform, Timestamp};

/// The operating system's doors, with tasks on the tokio runtime that this is called in.
///
/// # Errors
/// When there is no tokio runtime here.
pub(crate) fn platform() -> Result<Platform, tokio::runtime::TryCurrentError> {
    Ok(Platform {
        fs: self::fs(),
        clock: Arc::new(RealClock),
        entropy: entropy(),
        exec: Arc::new(exec::RealExec::current()?),
    })
}

/// The operating system's files.
pub(crate) fn fs() -> Arc<dyn super::Fs> {
    Arc::new(fs::RealFs)
}

/// The operating system's chance.
pub(crate) fn entropy() -> Arc<dyn Entropy> {
    Arc::new(RealEntropy)
}

#[derive(Debug)]
struct RealClock;

impl Clock for RealClock {
    fn wall(&self) -> Timestamp {
        SystemTime::now().into()
    }

    fn elapsed(&self) -> Duration {
        static BEGINNING: OnceLock<Instant> = OnceLock::new();
        BEGINNING.get_or_init(Instant::now).elapsed()
    }

    fn sleep(&self, d: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(d))
    }

    fn sleep_alone(&self, d: Duration) -> BoxFuture<'static, ()> {
        // Timers of the runtime stand still while its threads are busy.
        Box::pin(async move { std::thread::sleep(d) })
    }
}

#[derive(Debug)]
struct RealEntropy;

impl Entropy for RealEntropy {
    fn fill(&self, buf: &mut [u8]) -> io::Result<()> {
        getrandom::fill(buf).map_err(io::Error::other)
    }
}
