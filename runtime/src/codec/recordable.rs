//! What can be recorded and read back.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{DecodeError, EncodeError, Payload};

/// What a step or a saga gives back, as success or as error, and what a signal is.
// Not a subtrait of serde's: the compiler would tell of each of those, and not of this one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be recorded and read back",
    label = "this type does not implement `Serialize` and `Deserialize`, or borrows",
    note = "write `#[derive(Serialize, Deserialize)]` on it (from `serde`), or take what of it can be kept",
    note = "a `Secret` is never recorded: keep it in the engine's app, and expose it where it is used"
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
        super::encode_checked(self)
    }

    fn read(payload: &Payload) -> Result<T, DecodeError> {
        super::decode(payload)
    }
}
