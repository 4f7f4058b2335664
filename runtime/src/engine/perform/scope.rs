//! A saga inside a run.

use super::wait::known;
use super::{Interrupt, Performer, RolledBack};
use crate::engine::host::{Entered, Recorded};
use crate::id::Position;
use crate::plan::WorkflowMeta;
use crate::record::{Cause, Event};
use crate::run::{Decision, Entry};
use crate::step::Site;

/// How deep sagas may nest: each takes some of the stack while it is polled,
/// and some of the bytes that a position may have.
const DEEPEST: usize = 128;

/// What is recorded of a scope that the body enters.
enum Past {
    /// With other arguments.
    Other,
    Ended(Recorded),
    RollingBack(Cause),
    Open,
}

impl Performer {
    pub(super) async fn enter_scope(
        &self,
        at: Position,
        site: Site,
        saga: &'static WorkflowMeta,
        args: u64,
    ) -> Entered {
        let past = self
            .recall(
                &at,
                site,
                || format!("saga `{}` version {}", saga.name, saga.version),
                |entry| match entry {
                    Entry::Scope { saga: name, version, args: recorded, rollback, end }
                        if *name == saga.name && *version == saga.version =>
                    {
                        Some(match (end, rollback) {
                            _ if *recorded != args => Past::Other,
                            (Some(end), _) => Past::Ended(end.clone()),
                            (None, Some(cause)) => Past::RollingBack(cause.clone()),
                            (None, None) => Past::Open,
                        })
                    }
                    _ => None,
                },
            )
            .await;
        match past {
            Some(Past::Other) => {
                let name = format!("saga `{}`", saga.name);
                match self.other_arguments(at, site, name).await {}
            }
            Some(Past::Ended(end)) => {
                self.run.lock().visit_within(&at);
                Entered::Ended(end)
            }
            Some(Past::RollingBack(cause)) => {
                self.run.lock().visit_within(&at);
                self.go_on(&at).await;
                Entered::Ended(self.undo_scope(at, cause).await)
            }
            Some(Past::Open) => Entered::Body,
            None => {
                let awaits = || format!("saga `{}` version {}", saga.name, saga.version);
                self.go_live(&at, site, awaits).await;
                self.heed(&at, false).await;
                self.not_too_deep(&at, site, &format!("saga `{}`", saga.name)).await;
                self.hold(Event::ScopeEntered { at, saga: known(saga.name), version: saga.version, args });
                Entered::Body
            }
        }
    }

    pub(super) async fn leave_scope(&self, at: Position, result: Recorded) -> Recorded {
        self.check_visited(&at).await;
        self.go_on(&at).await;
        match result {
            Ok(output) => {
                let output = self.settle(output).await;
                self.hold(Event::ScopeLeft { at, result: Ok(output.clone()) });
                Ok(output)
            }
            Err(error) => {
                let cause = Cause::Error { error: self.settle(error).await };
                let decision = self.run.lock().state.decide(&at);
                match decision {
                    Decision::RollBack => {
                        self.hold(Event::RollbackDecided { scope: at.clone(), cause: cause.clone() });
                        self.undo_scope(at, cause).await
                    }
                    Decision::Stuck => {
                        match self.interrupt(&at, Interrupt::Park(Event::Stuck { cause: Some(cause) })).await {}
                    }
                }
            }
        }
    }

    /// Each level takes some of the stack, and some of the bytes that a position may have.
    pub(super) async fn not_too_deep(&self, at: &Position, site: Site, what: &str) {
        if at.parts().count() > DEEPEST {
            let message = format!("{what} at {site} is nested too deep: {DEEPEST} levels are the most");
            self.interrupt(at, Interrupt::Fail(Cause::Unrecordable { message })).await;
        }
    }

    /// Undoes a scope whose rollback is decided, and gives the caller its error.
    async fn undo_scope(&self, at: Position, cause: Cause) -> Recorded {
        match (self.roll_back(&at).await, cause.error()) {
            (RolledBack::Undone, Some(error)) => {
                self.hold(Event::ScopeLeft { at, result: Err(error.clone()) });
                Err(error.clone())
            }
            (RolledBack::Undone, None) => match self.interrupt(&at, Interrupt::Fail(cause)).await {},
            (RolledBack::Failed, _) => {
                match self.interrupt(&at, Interrupt::Park(Event::Stuck { cause: None })).await {}
            }
        }
    }

    /// A body that ends before it came to everything that is recorded has diverged.
    async fn check_visited(&self, scope: &Position) {
        let left = self.run.lock().unvisited_in(scope);
        if let Some((at, recorded)) = left {
            self.divergence(scope, at, Site::new("the end of the saga", 0), recorded, "ends before it".to_owned())
                .await;
        }
    }
}
