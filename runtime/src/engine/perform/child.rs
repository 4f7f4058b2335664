//! Runs that this one has started: their start, their end, and their end before their time.

use std::convert::Infallible;

use super::{Interrupt, Performer};
use crate::engine::Error;
use crate::engine::host::NewChild;
use crate::engine::past::awaits;
use crate::engine::status::WaitingOn;
use crate::id::{MAX_RUN_ID, Position, RunId};
use crate::record::{Cause, ChildEnd, Event};
use crate::run::{Phase, UndoEntry};
use crate::step::Site;

impl Performer {
    pub(super) async fn start_child(&self, at: Position, site: Site, mut new: NewChild) -> RunId {
        if let Some(child) = self.run.past_child(&at, site, &new).await {
            return child;
        }
        self.go_live(&at, site, || awaits::child(&new)).await;
        self.heed(&at, false).await;
        let id = match new.id.take() {
            Some(id) => id,
            None => self.child_id(&at),
        };
        if id == self.run.id {
            let message = format!("the child at {site}: a run cannot be its own child");
            match self.interrupt(&at, Interrupt::Fail(Cause::Refused { message })).await {}
        }
        new.input = self.settle(new.input).await;
        loop {
            match self.core.start_child(&self.run, &at, id.clone(), &new).await {
                Ok(true) => return id,
                // Somebody else has started it in this moment.
                Ok(false) => {}
                Err(error @ (Error::Conflict { .. } | Error::NotRegistered { .. } | Error::InvalidId { .. })) => {
                    let message = format!("the child at {site}: {error}");
                    match self.interrupt(&at, Interrupt::Fail(Cause::Refused { message })).await {}
                }
                Err(error) => match self.broken(error).await {},
            }
        }
    }

    /// A child's id: that of its parent and the place in it.
    fn child_id(&self, at: &Position) -> RunId {
        let place = match at.to_string() {
            place if at.visit() == 0 => place,
            place => place.replace("visit ", "").replace(' ', ":"),
        };
        let again = match self.run.lock().state.redone(at) {
            0 => String::new(),
            n => format!("+{n}"),
        };
        let id = format!("{}/{place}{again}", self.run.id);
        if id.len() <= MAX_RUN_ID {
            return RunId::from(id);
        }
        let digest = crate::codec::Digest::of_bytes(&[b"factum child 1", id.as_bytes()]).to_string();
        RunId::from(format!("child-{digest}"))
    }

    pub(super) async fn await_child(&self, at: Position, site: Site, child: RunId) -> ChildEnd {
        if let Some(end) = self.run.past_child_end(&at, site, &child).await {
            return end;
        }
        self.go_live(&at, site, || awaits::child_end(&child)).await;
        self.heed(&at, false).await;
        self.record([]).await;
        let end = match self.core.obtain(child.as_str()).await {
            Ok(held) => {
                let _visible = self.visible(&at, site, WaitingOn::Child { id: child.clone() });
                match self.heeding(&at, false, held.ended()).await {
                    Ok(Phase::Completed { output }) => ChildEnd::Completed { output },
                    Ok(Phase::Failed { cause }) => ChildEnd::Failed { cause },
                    Ok(_) => ChildEnd::Cancelled,
                    Err(error) => match self.gone(&at, error).await {},
                }
            }
            Err(Error::Forgotten { .. } | Error::UnknownRun { .. }) => ChildEnd::Forgotten,
            Err(Error::Stopped { .. }) => match self.interrupt(&at, Interrupt::Shutdown).await {},
            Err(error) => match self.broken(error).await {},
        };
        self.hold(Event::ChildEnded { at, child, end: end.clone() });
        end
    }

    /// A child's task is gone: with the engine, or because the engine has failed under it.
    async fn gone(&self, at: &Position, error: Error) -> Infallible {
        match self.core.is_open() {
            Ok(()) => self.broken(error).await,
            Err(_) => self.interrupt(at, Interrupt::Shutdown).await,
        }
    }

    /// Asks the linked children that a rollback of a scope ends to end, all at once.
    pub(super) async fn cancel_children(&self, scope: &Position) {
        let children = self.run.lock().state.linked_children(scope);
        if children.is_empty() {
            return;
        }
        // That they are asked follows from the decision to roll back.
        self.record([]).await;
        self.barrier().await;
        for child in children {
            self.heed(scope, true).await;
            match self.core.cancel(child.as_str()).await {
                // What has ended is at its end; what can no longer be cancelled is waited for.
                Ok(())
                | Err(
                    Error::NotActive { .. }
                    | Error::PastPivot { .. }
                    | Error::UnknownRun { .. }
                    | Error::Forgotten { .. }
                    | Error::Stopped { .. },
                ) => {}
                Err(error) => match self.broken(error).await {},
            }
        }
    }

    /// Waits for the end of a linked child that was asked to end.
    pub(super) async fn end_child(&self, scope: &Position, entry: UndoEntry) {
        let (of, child) = (entry.of, entry.step);
        let event = match self.core.obtain(&child).await {
            Err(Error::Forgotten { .. } | Error::UnknownRun { .. }) => Event::CompensationDone { of },
            Err(Error::Stopped { .. }) => match self.interrupt(scope, Interrupt::Shutdown).await {},
            Err(error) => match self.broken(error).await {},
            // One that was paused meanwhile is waited for, too.
            Ok(held) => match self.heeding(scope, true, held.at_rest()).await {
                Ok(phase) if phase.has_ended() => Event::CompensationDone { of },
                Ok(_) => {
                    let status = held.info().status;
                    let cause = Cause::Refused { message: format!("the linked child `{child}` is {status}") };
                    Event::CompensationFailed { of, cause, last: true, retry_at: None }
                }
                Err(error) => match self.gone(scope, error).await {},
            },
        };
        self.record([event]).await;
    }
}
