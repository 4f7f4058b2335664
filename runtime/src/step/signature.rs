//! What a step and a saga have in common: a function's types.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::EncodeError;

/// What a step or a saga gives back, as success or as error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the output or the error of a step or saga: it cannot be recorded and read back",
    label = "this type does not implement `Serialize` and `Deserialize`, is not `Send`, or borrows",
    note = "write `#[derive(Serialize, Deserialize)]` on it (from `serde`); of what cannot have that, such as a `Box<dyn Error>`, record what you need: its text, or an error type of your own"
)]
pub trait Recorded: Serialize + DeserializeOwned + Send + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Send + 'static> Recorded for T {}

/// The types of a function with `#[step]` or `#[saga]`. Implemented by them, not by hand.
pub trait Signature: Sized + Send + 'static {
    /// The arguments but `io`, as a tuple.
    type Args<'a>: Send;
    /// The declared return type: what awaiting the call gives.
    type Ret: Send;
    /// The type of a success.
    type Ok: Recorded;
    /// The type of a failure; [`Never`](super::Never) where no `Result` is declared.
    type Err: Recorded;

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
