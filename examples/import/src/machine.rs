//! The machine: one page a visit of `Page`, which is followed by itself.
//!
//! This is the file to copy. What a visit needs of those before it stands in
//! its state and nowhere else: the records of a visit go when the next one
//! begins, so the run is as small after a million pages as after one.

use std::time::Duration;

use factum::prelude::*;
use serde::{Deserialize, Serialize};

use crate::desk::Desk;
use crate::page::{self, Job, Page, PageError, Place};
use crate::summary::{self, Summary};

/// Asks an import to stop behind the page that it is at. What it has imported stays.
#[signal]
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Stop;

/// An import of a file of orders.
#[fsm(app = Desk)]
#[group(Working, next(Stopped), accepts(Stop))]
#[reject]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Import {
    /// The file is looked at, as soon as it is there.
    #[initial]
    #[parent(Working)]
    #[next(Page, Refused)]
    #[timeout("1 hour" => Refused { reason: format!("`{}` was not there for an hour", state.job.file.display()) })]
    Opening {
        /// What is to be done.
        job: Job,
    },
    /// A page of it is imported, and then the next one.
    #[parent(Working)]
    #[next(Page, Finishing, Refused)]
    Page {
        /// What is to be done.
        job: Job,
        /// How many bytes the file had when it was looked at. What was added since is left for another import.
        bytes: u64,
        /// How many of them were read.
        cursor: u64,
        /// How many lines these are.
        lines: u64,
        /// How many of the lines became rows of the table.
        imported: u64,
        /// How many became lines of the rejects.
        rejected: u64,
        /// How many had nothing on them. States that are older than this field have none.
        #[serde(default)]
        blank: u64,
    },
    /// The table is summed up.
    #[next(Done)]
    Finishing {
        /// How many lines became rows of the table.
        imported: u64,
        /// How many became lines of the rejects.
        rejected: u64,
    },
    /// Everything is in the table, or in the rejects.
    #[terminal]
    Done {
        /// What there is in the table.
        summary: Summary,
    },
    /// Somebody has sent a [`Stop`].
    #[terminal]
    Stopped {
        /// How many lines were read.
        lines: u64,
    },
    /// The file cannot be imported.
    #[terminal]
    Refused {
        /// Why.
        reason: String,
    },
}

/// Waits for the file: somebody may still be bringing it. The state's timeout ends that.
#[state]
async fn opening(import::Opening { job }: import::Opening) -> Next<import::Opening> {
    let mut wait = seconds(1);
    loop {
        match look(&job).await {
            Ok(Some(bytes)) => {
                return go(import::Page { job, bytes, cursor: 0, lines: 0, imported: 0, rejected: 0, blank: 0 });
            }
            Ok(None) => {}
            Err(problem) if problem.may_pass() => pause(&problem.to_string()).await,
            Err(problem) => return go(import::Refused { reason: problem.to_string() }),
        }
        if signal::<Stop>().timeout(wait).await.is_ok() {
            return go(import::Stopped { lines: 0 });
        }
        wait = minutes(1).min(wait * 2);
    }
}

/// Imports one page. One that cannot be imported stops the run with the reason. It tries that
/// page again when it is resumed: once the disk has space, or the file can be read.
#[state]
async fn page(state: import::Page) -> Next<import::Page> {
    // Between two pages, and not in a race with one: a page that began is finished and counted.
    if signal::<Stop>().timeout(Duration::ZERO).await.is_ok() {
        return go(import::Stopped { lines: state.lines });
    }
    let read = loop {
        match import_page(&state.job, Place { bytes: state.bytes, cursor: state.cursor, lines: state.lines }).await {
            Ok(read) => break read,
            Err(problem @ PageError::Changed(_)) => return go(import::Refused { reason: problem.to_string() }),
            Err(problem) => pause(&problem.to_string()).await,
        }
    };
    let next = import::Page {
        cursor: read.place.cursor,
        lines: read.place.lines,
        imported: state.imported + read.imported,
        rejected: state.rejected + read.rejected,
        blank: state.blank + read.blank,
        ..state
    };
    if next.cursor < next.bytes {
        go(next)
    } else {
        go(import::Finishing { imported: next.imported, rejected: next.rejected })
    }
}

#[state]
async fn finishing(import::Finishing { imported, rejected }: import::Finishing) -> Next<import::Finishing> {
    loop {
        match sum_up().await {
            Ok(summary) if (summary.imported, summary.rejected) == (imported, rejected) => {
                return go(import::Done { summary });
            }
            Ok(Summary { imported: rows, rejected: rejects, .. }) => {
                let other = format!(
                    "{imported} lines were imported and {rejected} rejected, and {rows} and {rejects} are there"
                );
                pause(&other).await;
            }
            Err(problem) => pause(&problem.to_string()).await,
        }
    }
}

/// The file's bytes; none while it is not there.
#[step(pure)]
async fn look(io: &mut Io<Desk>, job: &Job) -> Result<Option<u64>, PageError> {
    if io.app().lines()? > 0 {
        return Err(PageError::Changed("the table has lines already: give another directory with `--data`".to_owned()));
    }
    page::look(job)
}

// No `compensate`: undos outlive their visit, one for each page. A page that is imported twice, because a crash came
// between it and its record, is in the table once.
#[step(idempotent, retry(attempts = 3, when = PageError::may_pass))]
async fn import_page(io: &mut Io<Desk>, job: &Job, place: Place) -> Result<Page, PageError> {
    let (desk, job) = (io.app().clone(), job.clone());
    in_the_background(move || {
        let (page, batch) = page::read(&job, place)?;
        desk.put(place.lines, page.place.lines, &batch)?;
        Ok(page)
    })
    .await
}

/// What there is in the table.
#[step(pure, retry(attempts = 3, when = PageError::may_pass))]
async fn sum_up(io: &mut Io<Desk>) -> Result<Summary, PageError> {
    let desk = io.app().clone();
    in_the_background(move || summary::of(desk.dir())).await
}

/// Files block: not on the threads that all runs share.
async fn in_the_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PageError> + Send + 'static,
) -> Result<T, PageError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(PageError::Broke(error.to_string())))
}
