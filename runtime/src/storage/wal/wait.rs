//! The futures of the log.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::shared::{Goal, Shared, Ticket};
use crate::storage::StorageError;

/// Waits for something that the writer does. Cancel safe.
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub(super) struct Wait {
    shared: Arc<Shared>,
    goal: Goal,
    ticket: Option<Ticket>,
}

impl Wait {
    pub(super) fn new(shared: Arc<Shared>, goal: Goal) -> Wait {
        Wait { shared, goal, ticket: None }
    }
}

impl Future for Wait {
    type Output = Result<(), StorageError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.shared.poll(this.goal, &mut this.ticket, cx)
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.shared.forget(ticket);
        }
    }
}
