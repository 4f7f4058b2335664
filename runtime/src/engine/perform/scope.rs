//! A saga inside a run.

use super::wait::known;
use super::{Interrupt, Performer, RolledBack};
use crate::engine::host::{Entered, Recorded};
use crate::engine::past::{ScopePast, awaits};
use crate::id::Position;
use crate::plan::WorkflowMeta;
use crate::record::{Cause, Event};
use crate::run::Decision;
use crate::step::Site;

impl Performer {
    pub(super) async fn enter_scope(
        &self,
        at: Position,
        site: Site,
        saga: &'static WorkflowMeta,
        args: u64,
    ) -> Entered {
        let past = self.run.past_scope(&at, site, saga, args).await;
        match past {
            Some(ScopePast::Ended(end)) => {
                self.run.lock().visit_within(&at);
                Entered::Ended(end)
            }
            Some(ScopePast::RollingBack(cause)) => {
                self.run.lock().visit_within(&at);
                self.go_on(&at).await;
                Entered::Ended(self.undo_scope(at, cause).await)
            }
            Some(ScopePast::Open) => Entered::Body,
            None => {
                self.go_live(&at, site, || awaits::scope(saga)).await;
                self.heed(&at, false).await;
                self.run.not_too_deep(&at, site, &format!("saga `{}`", saga.name)).await;
                self.hold(Event::ScopeEntered { at, saga: known(saga.name), version: saga.version, args });
                Entered::Body
            }
        }
    }

    pub(super) async fn leave_scope(&self, at: Position, result: Recorded) -> Recorded {
        self.run.check_scope(&at).await;
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
}
