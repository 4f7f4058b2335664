//! The workflow: one page a turn, and the rest in the next turn.
//!
//! This is the file to copy. What a turn needs of those before it stands in its
//! arguments and nowhere else: the records of a turn go when it ends with
//! `again`, so the run is as small after a million pages as after one.

use std::sync::Arc;

use factum::prelude::*;
use serde::{Deserialize, Serialize};

use crate::office::Office;
use crate::page::{self, Cursor, Job, Page, PageError};

/// What a job has come to. Of bounded size, as everything that a turn hands on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Pages that were written.
    pub pages: u64,
    /// Orders that were read.
    pub orders: u64,
    /// Statements that were written.
    pub statements: u64,
    /// What was ordered, in US cents.
    pub amount_cents: u64,
}

impl Totals {
    fn with(self, page: &Page) -> Totals {
        Totals {
            pages: self.pages + 1,
            orders: self.orders + page.orders,
            statements: self.statements + page.statements,
            amount_cents: self.amount_cents + page.amount_cents,
        }
    }
}

/// What the run publishes behind each page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Pages that were written.
    pub pages: u64,
    /// Orders that were read.
    pub orders: u64,
    /// Statements that were written.
    pub statements: u64,
}

/// Writes the statements from `cursor` on; `totals` is what the pages before it came to.
///
/// A page that cannot be written stops the run with the reason. It tries that
/// page again when it is resumed: once the line is mended, or the disk has space.
#[saga(app = Office)]
pub async fn statements(job: Job, cursor: Cursor, totals: Totals) -> Totals {
    let page = loop {
        match write_page(&job, &cursor).await {
            Ok(page) => break page,
            Err(problem) => pause(&problem.to_string()).await,
        }
    };
    let totals = totals.with(&page);
    publish(&Progress { pages: totals.pages, orders: totals.orders, statements: totals.statements }).await;
    match page.next {
        Some(next) => again(statements(job, next, totals)).await,
        None => totals,
    }
}

// No `compensate`: undos outlive their turn, one for each page. A page that is written twice, because a crash came
// between it and its record, is the same bytes at the same place.
#[step]
async fn write_page(io: &mut Io<Office>, job: &Job, cursor: &Cursor) -> Result<Page, PageError> {
    let (office, job, cursor) = (Arc::clone(&io.app().desk), job.clone(), cursor.clone());
    // Files block: not on the threads that all runs share.
    let written = tokio::task::spawn_blocking(move || {
        let page = page::write(&job, &cursor, office.dies_now())?;
        office.finished();
        Ok(page)
    });
    written.await.unwrap_or_else(|error| Err(PageError::Broke(error.to_string())))
}
