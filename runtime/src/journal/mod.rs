//! Records in order (floor 3).
//!
//! Owns the passage from [`Event`]s to the log and back: appending a group of
//! one run, waiting until it is durable, replaying everything at open, and
//! reading one run's history. What must always hold: a group is appended whole
//! or not at all, and nothing is handed out that cannot be read to the last byte.

use std::future::Future;
use std::ops::ControlFlow;
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::id::{Lsn, RunNumber};
use crate::platform::Platform;
use crate::record::Event;
use crate::storage::{OpenReport, RawRecord, Replay, ReplayError, StorageError, Wal, WalConfig, WalStats};
use crate::time::Timestamp;

/// One event with its place and time.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) lsn: Lsn,
    pub(crate) run: RunNumber,
    pub(crate) time: Timestamp,
    pub(crate) event: Event,
}

/// The log of a data directory, in terms of events.
#[derive(Clone)]
pub(crate) struct Journal {
    wal: Wal,
}

struct Decoded<'a>(&'a mut dyn FnMut(Entry) -> Result<(), String>);

impl Replay for Decoded<'_> {
    fn record(&mut self, lsn: Lsn, record: &RawRecord<'_>) -> Result<(), ReplayError> {
        let entry = decode(lsn, record).map_err(ReplayError::new)?;
        (self.0)(entry).map_err(ReplayError::new)
    }
}

fn decode(lsn: Lsn, record: &RawRecord<'_>) -> Result<Entry, String> {
    let event = Event::decode(record.kind, record.body).map_err(|e| e.to_string())?;
    Ok(Entry { lsn, run: RunNumber(record.run), time: Timestamp(record.time), event })
}

impl Journal {
    /// Opens the log of a data directory and gives every event in it to `replay`.
    ///
    /// # Errors
    /// When the directory cannot be owned or read, the log is damaged, or `replay` refuses an event.
    pub(crate) fn open(
        platform: &Platform,
        dir: &Path,
        config: WalConfig,
        replay: &mut dyn FnMut(Entry) -> Result<(), String>,
    ) -> Result<(Journal, OpenReport), StorageError> {
        let (wal, report) = Wal::open(platform, dir, config, &mut Decoded(replay))?;
        Ok((Journal { wal }, report))
    }

    /// Queues the events of one run as one atomic group, and gives the last one's LSN. Never waits.
    ///
    /// # Errors
    /// When the log is closed or a write has failed.
    pub(crate) fn append(&self, run: RunNumber, time: Timestamp, events: &[Event]) -> Result<Lsn, StorageError> {
        self.wal.append(|group| {
            for event in events {
                group.record(event.kind() as u8, run.0, time.0, |body| event.encode(body));
            }
        })
    }

    /// Completes when everything up to `lsn` is durable. Cancel safe.
    pub(crate) fn durable(&self, lsn: Lsn) -> impl Future<Output = Result<(), StorageError>> + Send + 'static {
        self.wal.durable(lsn)
    }

    /// Whether everything up to `lsn` is durable.
    pub(crate) fn is_durable(&self, lsn: Lsn) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        matches!(pin!(self.durable(lsn)).poll(&mut cx), Poll::Ready(Ok(())))
    }

    /// Completes when the queue has room. Cancel safe.
    pub(crate) fn room(&self) -> impl Future<Output = Result<(), StorageError>> + Send + 'static {
        self.wal.room()
    }

    /// Every durable event of one run, in order, from the log's files.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub(crate) fn history(&self, run: RunNumber) -> Result<Vec<Entry>, StorageError> {
        let mut entries = Vec::new();
        self.wal.scan(&mut |lsn, record| {
            // Everything in the log was decoded or encoded by this process before.
            if record.run == run.0
                && let Ok(entry) = decode(lsn, record)
            {
                entries.push(entry);
            }
            ControlFlow::Continue(())
        })?;
        Ok(entries)
    }

    /// What the writer has done since the log was opened.
    pub(crate) fn stats(&self) -> WalStats {
        self.wal.stats()
    }

    /// Gives the directory up without marking the log as closed.
    pub(crate) async fn abandon(self) {
        self.wal.abandon().await;
    }

    /// Makes everything durable, marks the log as closed and gives the directory up.
    ///
    /// # Errors
    /// When a write or sync fails now or has failed before.
    pub(crate) async fn close(&self) -> Result<(), StorageError> {
        self.wal.close().await
    }
}
