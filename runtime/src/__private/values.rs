//! Values to bytes and back, for types that may not allow it.
//!
//! Where a type does not, the compiler has said so once, at the user's own
//! token ([`checks`](super::checks)). So that it says nothing here again, each
//! method stands in two traits, of which the second applies to every type and
//! is found only behind one more reference. Their names are ours alone: a trait
//! of the user's that every type implements has no method that is called so.

use std::marker::PhantomData;

use super::broken;
use crate::codec::{DecodeError, EncodeError, Payload};
use crate::step::{UndoError, UndoInput};

/// A value to be encoded or copied, if its type can be. Where it cannot, the
/// compiler has said so at the user's type, and says nothing here again.
#[derive(Debug)]
pub struct ByRef<'v, T: ?Sized>(pub &'v T);

/// Found first where `T` can be encoded.
pub trait Encodes {
    /// The value's JSON.
    ///
    /// # Errors
    /// When JSON cannot hold it.
    fn __factum_encode(&self) -> Result<Payload, EncodeError>;

    /// A hash of the value's JSON.
    ///
    /// # Errors
    /// When JSON cannot hold it.
    fn __factum_hash(&self) -> Result<u64, EncodeError>;
}

impl<T: serde::Serialize + ?Sized> Encodes for ByRef<'_, T> {
    fn __factum_encode(&self) -> Result<Payload, EncodeError> {
        crate::codec::encode(self.0)
    }

    fn __factum_hash(&self) -> Result<u64, EncodeError> {
        crate::codec::hash(self.0)
    }
}

/// Found where [`Encodes`] does not apply.
pub trait EncodesNot {
    /// Never called.
    ///
    /// # Errors
    /// None.
    fn __factum_encode(&self) -> Result<Payload, EncodeError>;

    /// Never called.
    ///
    /// # Errors
    /// None.
    fn __factum_hash(&self) -> Result<u64, EncodeError>;
}

impl<T: ?Sized> EncodesNot for &ByRef<'_, T> {
    fn __factum_encode(&self) -> Result<Payload, EncodeError> {
        broken()
    }

    fn __factum_hash(&self) -> Result<u64, EncodeError> {
        broken()
    }
}

/// Found first where `T` can be cloned.
pub trait Copies<T> {
    /// The value's copy.
    fn __factum_copy(&self) -> T;
}

impl<T: Clone> Copies<T> for ByRef<'_, T> {
    fn __factum_copy(&self) -> T {
        self.0.clone()
    }
}

/// Found where [`Copies`] does not apply.
pub trait CopiesNot<T> {
    /// Never called.
    fn __factum_copy(&self) -> T;
}

impl<T> CopiesNot<T> for &ByRef<'_, T> {
    fn __factum_copy(&self) -> T {
        broken()
    }
}

/// A type to be decoded, if it can be.
#[derive(Debug)]
pub struct As<T>(PhantomData<T>);

impl<T> As<T> {
    /// The type.
    pub const TYPE: As<T> = As(PhantomData);
}

/// Found first where `T` can be decoded.
pub trait Decodes<T> {
    /// The value of a JSON text.
    ///
    /// # Errors
    /// When the text is not that of a `T`.
    fn __factum_payload(&self, payload: &Payload) -> Result<T, DecodeError>;

    /// A step's recorded output.
    ///
    /// # Errors
    /// When it is missing, or not that of a `T`.
    fn __factum_output(&self, input: &UndoInput) -> Result<T, UndoError>;

    /// A step's recorded arguments.
    ///
    /// # Errors
    /// When they are missing, or not those of a `T`.
    fn __factum_args(&self, input: &UndoInput) -> Result<T, UndoError>;
}

impl<T: serde::de::DeserializeOwned> Decodes<T> for As<T> {
    fn __factum_payload(&self, payload: &Payload) -> Result<T, DecodeError> {
        crate::codec::decode(payload)
    }

    fn __factum_output(&self, input: &UndoInput) -> Result<T, UndoError> {
        input.output()
    }

    fn __factum_args(&self, input: &UndoInput) -> Result<T, UndoError> {
        input.args()
    }
}

/// Found where [`Decodes`] does not apply.
pub trait DecodesNot<T> {
    /// Never called.
    ///
    /// # Errors
    /// None.
    fn __factum_payload(&self, payload: &Payload) -> Result<T, DecodeError>;

    /// Never called.
    ///
    /// # Errors
    /// None.
    fn __factum_output(&self, input: &UndoInput) -> Result<T, UndoError>;

    /// Never called.
    ///
    /// # Errors
    /// None.
    fn __factum_args(&self, input: &UndoInput) -> Result<T, UndoError>;
}

impl<T> DecodesNot<T> for &As<T> {
    fn __factum_payload(&self, _: &Payload) -> Result<T, DecodeError> {
        broken()
    }

    fn __factum_output(&self, _: &UndoInput) -> Result<T, UndoError> {
        broken()
    }

    fn __factum_args(&self, _: &UndoInput) -> Result<T, UndoError> {
        broken()
    }
}
