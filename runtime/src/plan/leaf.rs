//! From a function item to the plan of a call of it.

use super::Plan;

/// A durable operation whose plan its type tells.
///
/// The words of the error are those of [`Durable`](crate::Durable): a body that
/// awaits something else is told the same by both.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a durable operation",
    label = "a saga cannot await this",
    note = "a saga can only await steps, timers, signals and other sagas; move this call into a `#[step]` function"
)]
pub trait Described {
    /// The plan of one such operation.
    const PLAN: Plan;
}

/// A function whose calls are [`Described`]. `Shape` only tells the arities apart.
#[diagnostic::on_unimplemented(
    message = "the plan of this saga cannot tell what a call of `{Self}` is",
    label = "not a function with one meaning",
    note = "bind the call to a variable and await that: `let call = ..; call.await`"
)]
pub trait Leaf<Shape> {
    /// The plan of one call.
    const PLAN: Plan;
}

macro_rules! leaf_for {
    ($($arg:ident)*) => {
        impl<Func, $($arg,)* Call> Leaf<($($arg,)* Call,)> for Func
        where
            Func: Fn($($arg),*) -> Call,
            Call: Described,
        {
            const PLAN: Plan = Call::PLAN;
        }
    };
}
leaf_for!();
leaf_for!(A);
leaf_for!(A B);
leaf_for!(A B C);
leaf_for!(A B C D);
leaf_for!(A B C D E);
leaf_for!(A B C D E F);
leaf_for!(A B C D E F G);
leaf_for!(A B C D E F G H);

/// The plan of a call of `function`.
pub const fn leaf<Shape, F: Leaf<Shape>>(function: &F) -> Plan {
    let _ = function;
    F::PLAN
}
