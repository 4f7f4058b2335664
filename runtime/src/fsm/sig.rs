//! The traits that `#[fsm]` and `#[state]` implement.

use super::{Turn, Visit};
use crate::codec::Recordable;
use crate::ops::Cx;
use crate::plan::{Exit, Graph, Plan, WorkflowSig};
use crate::platform::BoxFuture;

/// A state machine: an enum with `#[fsm]`. Implemented by it, not by hand.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a state machine", label = "expected an enum with `#[fsm]`")]
pub trait Fsm: WorkflowSig<Output = Self> + Recordable + Send + 'static {
    /// The app that the handlers' steps need.
    #[doc(hidden)]
    type App: Send + Sync + 'static;

    #[doc(hidden)]
    const GRAPH: &'static Graph;

    /// Which of the graph's states it is.
    #[doc(hidden)]
    fn index(&self) -> usize;

    /// The state's name on disk: that of its variant.
    fn state_name(&self) -> &'static str {
        Self::GRAPH.states[self.index()].name
    }

    /// The names of the signals that the state accepts.
    fn accepts(&self) -> Vec<&'static str> {
        Self::GRAPH.accepted(&Self::GRAPH.states[self.index()]).collect()
    }

    /// The names of all states, in the order of the variants.
    fn state_names() -> Vec<&'static str> {
        Self::GRAPH.states.iter().map(|state| state.name).collect()
    }
}

/// A machine that can run on an engine whose app is `App`. Implemented by `#[fsm]`, not by hand.
#[diagnostic::on_unimplemented(
    message = "the machine `{Self}` needs another app than `{App}`",
    label = "the machine's `app = ..` is not `{App}`",
    note = "give the app before the machine: `Engine::builder(path).app(..).fsm::<{Self}>()`"
)]
pub trait FsmOn<App>: Fsm {
    /// One visit of the state that it is.
    #[doc(hidden)]
    fn visit(self, visit: Visit<App>) -> BoxFuture<'static, Result<Turn<Self>, Self::Error>>;
}

/// A state of a machine, as the struct that its handler takes. Implemented by `#[fsm]`, not by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a state of a machine",
    label = "expected a struct of the module that `#[fsm]` makes, as in `purchase::Placed`"
)]
pub trait State: Into<Self::Machine> + Send + Sized + 'static {
    /// The machine.
    type Machine: Fsm;
    /// The state itself. What names it in this way says nothing of a type that is no state, of which more would be told otherwise.
    #[doc(hidden)]
    type Itself;
    /// What its handler may go to.
    type Successor: Into<Self::Machine> + Send + 'static;

    /// The name on disk.
    const NAME: &'static str;
    #[doc(hidden)]
    const INDEX: usize;
    /// A run ends in it.
    const TERMINAL: bool;
    /// The names of the signals that it accepts.
    const ACCEPTS: &'static [&'static str];
    /// Of each of its timeouts, in the order of the graph, what makes the state that follows of the present one.
    #[doc(hidden)]
    const TIMEOUTS: &'static [TimedOutInto<Self::Machine>];
}

/// Makes the state that follows when the time of the present one is over.
pub(super) type TimedOutInto<M> = fn(M) -> M;

/// A declared transition, from `Self` to `To`. Implemented by `#[fsm]` for each target of `#[next(..)]`, not by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no transition to `{To}`",
    label = "not a declared successor of `{Self}`",
    note = "add `{To}` to the `#[next(..)]` of `{Self}`, or to that of a group that it is in"
)]
pub trait Transition<To>: State {
    #[doc(hidden)]
    fn successor(to: To) -> Self::Successor;
}

/// A state that has a handler. Implemented by `#[state]`, not by hand.
#[diagnostic::on_unimplemented(
    message = "the state `{Self}` has no handler",
    label = "no function with `#[state]` takes `{Self}`",
    note = "write `#[state] async fn handler(state: {Self}) -> Next<{Self}> {{ .. }}`, or mark the variant `#[terminal]`"
)]
pub trait Handler: Sized {
    /// The machine. Not that of a [`State`] by its bound: of a type that is none it is told once, where the handler names it.
    #[doc(hidden)]
    type Of: Fsm;

    /// What its body awaits.
    #[doc(hidden)]
    const PLAN: &'static Plan;
    #[doc(hidden)]
    const EXITS: &'static [Exit];

    #[doc(hidden)]
    fn handle<'c>(
        cx: &'c Cx<<Self::Of as Fsm>::App>,
        state: Self,
    ) -> BoxFuture<'c, Result<Self::Of, <Self::Of as WorkflowSig>::Error>>;
}
