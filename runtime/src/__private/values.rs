//! Values to bytes and back, for types that may not allow it.
//!
//! Where a type does not, the compiler has said so once, at the user's own
//! token ([`checks`](super::checks)). So that it says nothing here again, each
//! method stands in two traits, of which the second applies to every type and
//! is found only behind one more reference.

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
    fn encode(&self) -> Result<Payload, EncodeError>;

    /// A hash of the value's JSON.
    ///
    /// # Errors
    /// When JSON cannot hold it.
    fn hash(&self) -> Result<u64, EncodeError>;
}

impl<T: serde::Serialize + ?Sized> Encodes for ByRef<'_, T> {
    fn encode(&self) -> Result<Payload, EncodeError> {
        crate::codec::encode(self.0)
    }

    fn hash(&self) -> Result<u64, EncodeError> {
        crate::codec::hash(self.0)
    }
}

/// Found where [`Encodes`] does not apply.
pub trait EncodesNot {
    /// Never called.
    ///
    /// # Errors
    /// None.
    fn encode(&self) -> Result<Payload, EncodeError>;

    /// Never called.
    ///
    /// # Errors
    /// None.
    fn hash(&self) -> Result<u64, EncodeError>;
}

impl<T: ?Sized> EncodesNot for &ByRef<'_, T> {
    fn encode(&self) -> Result<Payload, EncodeError> {
        broken()
    }

    fn hash(&self) -> Result<u64, EncodeError> {
        broken()
    }
}

/// Found first where `T` can be cloned.
pub trait Copies<T> {
    /// The value's copy.
    fn copy(&self) -> T;
}

impl<T: Clone> Copies<T> for ByRef<'_, T> {
    fn copy(&self) -> T {
        self.0.clone()
    }
}

/// Found where [`Copies`] does not apply.
pub trait CopiesNot<T> {
    /// Never called.
    fn copy(&self) -> T;
}

impl<T> CopiesNot<T> for &ByRef<'_, T> {
    fn copy(&self) -> T {
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
    fn payload(&self, payload: &Payload) -> Result<T, DecodeError>;

    /// A step's recorded output.
    ///
    /// # Errors
    /// When it is missing, or not that of a `T`.
    fn output(&self, input: &UndoInput) -> Result<T, UndoError>;

    /// A step's recorded arguments.
    ///
    /// # Errors
    /// When they are missing, or not those of a `T`.
    fn args(&self, input: &UndoInput) -> Result<T, UndoError>;
}

impl<T: serde::de::DeserializeOwned> Decodes<T> for As<T> {
    fn payload(&self, payload: &Payload) -> Result<T, DecodeError> {
        crate::codec::decode(payload)
    }

    fn output(&self, input: &UndoInput) -> Result<T, UndoError> {
        input.output()
    }

    fn args(&self, input: &UndoInput) -> Result<T, UndoError> {
        input.args()
    }
}

/// Found where [`Decodes`] does not apply.
pub trait DecodesNot<T> {
    /// Never called.
    ///
    /// # Errors
    /// None.
    fn payload(&self, payload: &Payload) -> Result<T, DecodeError>;

    /// Never called.
    ///
    /// # Errors
    /// None.
    fn output(&self, input: &UndoInput) -> Result<T, UndoError>;

    /// Never called.
    ///
    /// # Errors
    /// None.
    fn args(&self, input: &UndoInput) -> Result<T, UndoError>;
}

impl<T> DecodesNot<T> for &As<T> {
    fn payload(&self, _: &Payload) -> Result<T, DecodeError> {
        broken()
    }

    fn output(&self, _: &UndoInput) -> Result<T, UndoError> {
        broken()
    }

    fn args(&self, _: &UndoInput) -> Result<T, UndoError> {
        broken()
    }
}
