//! What a step and a saga have in common: a function's types.

use crate::codec::{EncodeError, Recordable};

/// The types of a function with `#[step]` or `#[saga]`. Implemented by them, not by hand.
pub trait Signature: Sized + Send + 'static {
    /// The arguments but `io`, as a tuple.
    type Args<'a>: Send;
    /// The declared return type: what awaiting the call gives.
    type Ret: Send;
    /// The type of a success.
    type Ok: Recordable + Send + 'static;
    /// The type of a failure; [`Never`](super::Never) where no `Result` is declared.
    type Err: Recordable + Send + 'static;

    /// The declared value as a result.
    fn split(ret: Self::Ret) -> Result<Self::Ok, Self::Err>;

    /// A result as the declared value.
    fn join(result: Result<Self::Ok, Self::Err>) -> Self::Ret;

    /// A hash of the arguments, by which a replay that comes with others is noticed.
    ///
    /// # Errors
    /// When JSON cannot hold one of them.
    fn hash_args(args: &Self::Args<'_>) -> Result<u64, EncodeError>;
}

/// Gives a macro the types of the arguments of each function that there can be.
macro_rules! for_each_arity {
    ($implement:ident) => {
        $implement!();
        $implement!(A);
        $implement!(A B);
        $implement!(A B C);
        $implement!(A B C D);
        $implement!(A B C D E);
        $implement!(A B C D E F);
        $implement!(A B C D E F G);
        $implement!(A B C D E F G H);
    };
}
pub(crate) use for_each_arity;
