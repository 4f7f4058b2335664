//! A list of runs that has not been asked for yet.

use std::future::IntoFuture;
use std::time::SystemTime;

use super::Engine;
use crate::engine::{Cursor, Filter, Result, RunPage, Status};
use crate::platform::BoxFuture;

/// A page of the runs that are known, which has not been asked for yet: [`Engine::list`].
#[derive(Debug)]
#[must_use = "nothing is listed unless this is awaited: add `.await`"]
pub struct ListRequest {
    engine: Engine,
    filter: Filter,
}

impl ListRequest {
    pub(super) fn new(engine: Engine) -> Self {
        ListRequest { engine, filter: Filter::default() }
    }

    /// Only runs of the workflow of this name.
    pub fn workflow(mut self, name: impl Into<String>) -> Self {
        self.filter.workflow = Some(name.into());
        self
    }

    /// Only runs of this version of their workflow.
    pub fn version(mut self, version: u32) -> Self {
        self.filter.version = Some(version);
        self
    }

    /// Only runs of this status; said again, of that one too.
    pub fn status(mut self, status: Status) -> Self {
        self.filter.statuses.push(status);
        self
    }

    /// Only runs of state machines that are in this state, or were in it when they ended: the variant's name.
    pub fn state(mut self, name: impl Into<String>) -> Self {
        self.filter.state = Some(name.into());
        self
    }

    /// Only runs that were started after this moment.
    pub fn started_after(mut self, moment: SystemTime) -> Self {
        self.filter.started_after = Some(moment.into());
        self
    }

    /// Only runs that were started before this moment.
    pub fn started_before(mut self, moment: SystemTime) -> Self {
        self.filter.started_before = Some(moment.into());
        self
    }

    /// How many runs the page has at most: 100 unless told otherwise, and at least 1.
    pub fn limit(mut self, runs: usize) -> Self {
        self.filter.limit = runs;
        self
    }

    /// Begins where another page ended: its [`RunPage::next`].
    pub fn after(mut self, cursor: &Cursor) -> Self {
        self.filter.after = Some(*cursor);
        self
    }
}

impl IntoFuture for ListRequest {
    type Output = Result<RunPage>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.engine.core().list(&self.filter).await })
    }
}
