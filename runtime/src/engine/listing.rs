//! The runs that are known, page by page.
//!
//! What must always hold: a page is in the order of the starts, reads no more
//! rows than it needs, and shows each run once, as it is in memory if it is there.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;
use std::sync::Arc;

use super::Error;
use super::core::Core;
use super::live::LiveRun;
use super::status::{RunInfo, Status};
use crate::id::RunNumber;
use crate::time::Timestamp;

/// How many runs a page has, unless told otherwise.
pub(crate) const PAGE: usize = 100;
/// How many rows are read at once.
const ROWS: usize = 1024;

/// Which runs are wanted.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub(crate) workflow: Option<String>,
    pub(crate) version: Option<u32>,
    /// One of these; any if there is none.
    pub(crate) statuses: Vec<Status>,
    /// Runs of machines in this state.
    pub(crate) state: Option<String>,
    pub(crate) started_after: Option<Timestamp>,
    pub(crate) started_before: Option<Timestamp>,
    pub(crate) limit: usize,
    pub(crate) after: Option<Cursor>,
}

impl Default for Filter {
    fn default() -> Filter {
        Filter {
            workflow: None,
            version: None,
            statuses: Vec::new(),
            state: None,
            started_after: None,
            started_before: None,
            limit: PAGE,
            after: None,
        }
    }
}

impl Filter {
    fn takes(&self, run: &RunInfo) -> bool {
        let started = Timestamp::from(run.started_at);
        self.workflow.as_ref().is_none_or(|workflow| *workflow == run.workflow)
            && self.version.is_none_or(|version| version == run.version)
            && (self.statuses.is_empty() || self.statuses.contains(&run.status))
            && self.state.as_ref().is_none_or(|state| run.state.as_ref() == Some(state))
            && self.started_after.is_none_or(|moment| started > moment)
            && self.started_before.is_none_or(|moment| started < moment)
    }

    /// Whether every run is taken.
    fn takes_all(&self) -> bool {
        self.workflow.is_none()
            && self.version.is_none()
            && self.statuses.is_empty()
            && self.state.is_none()
            && self.started_after.is_none()
            && self.started_before.is_none()
    }
}

/// Where a page of [`Engine::list`](crate::Engine::list) ended. As text it can be
/// handed out, and read again with [`str::parse`]; it stays good on its data
/// directory, also when the run there is forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cursor(RunNumber);

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.0.fmt(f)
    }
}

/// A text that is no [`Cursor`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no cursor of a list of runs: a cursor is a number")]
#[non_exhaustive]
pub struct ParseCursorError {
    /// The text.
    pub text: String,
}

impl FromStr for Cursor {
    type Err = ParseCursorError;

    fn from_str(text: &str) -> Result<Cursor, ParseCursorError> {
        let number = text.parse().map_err(|_| ParseCursorError { text: text.to_owned() })?;
        Ok(Cursor(RunNumber(number)))
    }
}

/// Some of the runs that were asked for, in the order of their starts.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RunPage {
    /// The runs.
    pub runs: Vec<RunInfo>,
    /// Where the next page begins, if there is one:
    /// [`ListRequest::after`](crate::ListRequest::after).
    pub next: Option<Cursor>,
}

impl Deref for RunPage {
    type Target = [RunInfo];

    fn deref(&self) -> &[RunInfo] {
        &self.runs
    }
}

impl IntoIterator for RunPage {
    type Item = RunInfo;
    type IntoIter = std::vec::IntoIter<RunInfo>;

    fn into_iter(self) -> Self::IntoIter {
        self.runs.into_iter()
    }
}

impl<'a> IntoIterator for &'a RunPage {
    type Item = &'a RunInfo;
    type IntoIter = std::slice::Iter<'a, RunInfo>;

    fn into_iter(self) -> Self::IntoIter {
        self.runs.iter()
    }
}

impl Core {
    /// The next page of the runs that are wanted.
    pub(crate) async fn list(&self, filter: &Filter) -> Result<RunPage, Error> {
        self.is_there()?;
        let limit = filter.limit.max(1);
        let rows = if filter.takes_all() { limit.saturating_add(1).min(ROWS) } else { ROWS };
        let mut page = RunPage { runs: Vec::new(), next: None };
        let mut at = filter.after.map_or(RunNumber(0), |cursor| cursor.0);
        let mut from = at;
        loop {
            // The rows come later: a run that leaves memory meanwhile is in them.
            let in_memory = self.in_memory_after(from);
            let read = self.checkpoint.rows_after(from, rows).await?;
            let through = read.last().filter(|_| read.len() == rows).map(|(number, _)| *number);
            let mut runs: BTreeMap<RunNumber, RunInfo> =
                read.into_iter().map(|(number, row)| (number, self.told(row.info()))).collect();
            for run in in_memory {
                if through.is_none_or(|through| run.number <= through) {
                    runs.insert(run.number, self.told(run.info()));
                }
            }
            for (number, run) in runs.into_iter().filter(|(_, run)| filter.takes(run)) {
                if page.runs.len() == limit {
                    page.next = Some(Cursor(at));
                    return Ok(page);
                }
                page.runs.push(run);
                at = number;
            }
            match through {
                Some(through) => from = through,
                None => return Ok(page),
            }
        }
    }

    /// What is said of a run, with what its workflow says.
    pub(super) fn told(&self, mut run: RunInfo) -> RunInfo {
        let workflow = self.registry.workflow(&run.workflow, run.version);
        if let Some(workflow) = &workflow {
            // A row does not say it when it is the file of the workflow.
            for waiting in run.waiting.iter_mut().filter(|waiting| waiting.file.is_empty()) {
                waiting.file = workflow.meta().site.file.into();
            }
        }
        match workflow.map(|workflow| workflow.meta().plan) {
            Some(plan) => run.of(plan),
            None => run,
        }
    }

    /// The runs in memory that were started later than one, and durably.
    fn in_memory_after(&self, number: RunNumber) -> Vec<Arc<LiveRun>> {
        let later: Vec<_> = self.runs().by_id.values().filter(|run| run.number > number).cloned().collect();
        later.into_iter().filter(|run| self.journal.is_durable(run.started)).collect()
    }
}
