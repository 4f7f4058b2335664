//! What a step and a saga have in common: a function's types.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::{self, DecodeError, EncodeError, Payload};

/// What a step or a saga gives back, as success or as error, and what a signal is.
// Not a subtrait of serde's: the compiler would tell of each of those, and not of this one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be recorded and read back",
    label = "this type does not implement `Serialize` and `Deserialize`, or borrows",
    note = "write `#[derive(Serialize, Deserialize)]` on it (from `serde`), or take what of it can be kept"
)]
pub trait Recordable: Sized {
    /// Its JSON, and what that decodes to.
    ///
    /// # Errors
    /// When JSON cannot hold it.
    fn record(&self) -> Result<(Payload, Self), EncodeError>;

    /// The value of a record.
    ///
    /// # Errors
    /// When it is not that of this type.
    fn read(payload: &Payload) -> Result<Self, DecodeError>;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Recordable for T {
    fn record(&self) -> Result<(Payload, T), EncodeError> {
        codec::encode_checked(self)
    }

    fn read(payload: &Payload) -> Result<T, DecodeError> {
        codec::decode(payload)
    }
}

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
