//! The futures of the log.

use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::shared::{Goal, Shared, Ticket};
use crate::storage::StorageError;

/// Waits for something that the writer does. Cancel safe.
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub(crate) struct Wait<S: Deref<Target = Shared> = Arc<Shared>> {
    shared: S,
    goal: Goal,
    ticket: Option<Ticket>,
}

impl<S: Deref<Target = Shared>> Wait<S> {
    pub(super) fn new(shared: S, goal: Goal) -> Wait<S> {
        Wait { shared, goal, ticket: None }
    }

    /// Of somebody whose waker is kept already, if there is a ticket.
    pub(super) fn joined(shared: S, goal: Goal, ticket: Option<Ticket>) -> Wait<S> {
        Wait { shared, goal, ticket }
    }
}

impl<S: Deref<Target = Shared> + Unpin> Future for Wait<S> {
    type Output = Result<(), StorageError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.shared.poll(this.goal, &mut this.ticket, cx)
    }
}

impl<S: Deref<Target = Shared>> Drop for Wait<S> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.shared.forget(ticket);
        }
    }
}
