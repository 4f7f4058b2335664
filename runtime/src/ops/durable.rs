//! The trait of everything that a body can await, and the context it is awaited in.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::engine::Host;
use crate::id::Position;
use crate::io::{Lent, NoApp};
use crate::plan::Described;
use crate::platform::BoxFuture;
use crate::step::Site;

/// One scope of a running body: where it stands, and who performs what it awaits.
#[doc(hidden)]
pub struct Cx<App> {
    pub(crate) host: Arc<dyn Host>,
    pub(crate) app: Arc<Lent<App>>,
    scope: Position,
    next: AtomicU32,
}

impl<App> Cx<App> {
    /// The context of a scope, which is a run's root or a saga inside it.
    pub(crate) fn new(host: Arc<dyn Host>, app: Arc<Lent<App>>, scope: Position) -> Self {
        Cx { host, app, scope, next: AtomicU32::new(0) }
    }

    #[doc(hidden)]
    #[must_use]
    pub fn without_app(&self) -> Cx<NoApp> {
        // Only ever called before the scope's first await: the copy starts where this one does.
        Cx {
            host: self.host.clone(),
            app: Arc::new(Lent(Arc::new(NoApp))),
            scope: self.scope.clone(),
            next: AtomicU32::new(self.next.load(Ordering::Relaxed)),
        }
    }

    /// The context of a branch of a group: one await stands in it.
    pub(super) fn branch(&self, group: &Position, index: u32) -> Cx<App> {
        Cx::new(self.host.clone(), self.app.clone(), group.branch(index))
    }

    /// The scope itself.
    pub(crate) fn scope(&self) -> Position {
        self.scope.clone()
    }

    /// The position of the next await of this scope.
    pub(crate) fn take_position(&self) -> Position {
        self.scope.child(self.next.fetch_add(1, Ordering::Relaxed))
    }
}

impl<App> fmt::Debug for Cx<App> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cx").field("scope", &self.scope).finish_non_exhaustive()
    }
}

/// What a saga can await: an operation that the engine records, so that a
/// replay gives the same value without doing it again.
///
/// Implemented by the calls of steps and sagas and by the operations of
/// [`factum::prelude`](crate::prelude); not to be implemented elsewhere.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a durable operation",
    label = "a saga cannot await this",
    note = "a saga can only await steps, other sagas, timers, signals and what is made of them (`join`, `all`, `race`, ..); move this call into a `#[step]` function"
)]
pub trait Durable<App>: Described + Sized + Send {
    /// What awaiting it gives.
    type Output;

    #[doc(hidden)]
    fn perform<'c>(self, cx: &'c Cx<App>, site: Site) -> BoxFuture<'c, Self::Output>
    where
        Self: 'c;
}

/// What `EXPR.await` becomes in a saga. The erased future leaves the compiler
/// one thing to say about an expression that is not durable.
#[track_caller]
pub fn durable<'c, App, D, O>(cx: &'c Cx<App>, operation: D) -> BoxFuture<'c, O>
where
    D: Durable<App, Output = O> + 'c,
{
    operation.perform(cx, Site::caller())
}
