//! Values that are never recorded.
//!
//! A [`Secret`] has no `Serialize`, so that nothing that holds one can be an argument, an output, an error, a signal
//! or a fact. While it lives, its text is known to [`live`], in the [forms] in which it may turn up, so that a
//! [`Redaction`](super::Redaction) finds it wherever it was written by hand. What must always hold: nothing here
//! prints a secret, and whatever holds one is overwritten when it goes.

mod forms;
mod live;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer};
use zeroize::{Zeroize, Zeroizing};

use live::Known;
pub(super) use live::{found, found_numbers};

/// The shortest secret that is looked for in what is recorded, in bytes.
pub const MIN_SECRET: usize = 6;

/// Text or bytes that can be a [`Secret`]: a `String`, a `Vec<u8>`, a `Box<str>`, an array of bytes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be kept as a `Secret`",
    label = "a `Secret` is text or bytes that it can overwrite, such as a `String` or a `Vec<u8>`",
    note = "of borrowed text keep a copy, `Secret::new(text.to_owned())`; of a struct make each secret field a `Secret`"
)]
pub trait SecretValue: AsRef<[u8]> + Zeroize {}

#[diagnostic::do_not_recommend]
impl<T: AsRef<[u8]> + Zeroize> SecretValue for T {}

/// A value that is never recorded: a password, a token, a key.
///
/// It prints as `Secret(..)` and has no `Serialize`. A step or saga that takes or gives one, or something that holds
/// one, does not compile: keep it in the engine's app, and [expose](Self::expose) it where it is used.
///
/// ```
/// use factum::prelude::*;
/// use factum::Secret;
///
/// struct Shop { api_key: Secret<String> }
///
/// #[step]
/// async fn charge(io: &mut Io<Shop>, cents: u64) -> Result<(), String> {
///     let key: &str = io.app().api_key.expose();
///     // What the answer says of the key is not recorded, either: the error is, as `no such key: [redacted]`.
///     if cents > 0 { Err(format!("no such key: {key}")) } else { Ok(()) }
/// }
/// # let _ = charge;
/// ```
///
/// While it, or a clone of it, lives, the engine's [`Redaction`](crate::Redaction) hides its text in every error and
/// every request that is recorded: as it stands, and as Base64, percent-encoded, in hexadecimal, escaped, or as a list
/// of its bytes. White space around it does not count. Of a text that was cut in the middle of it, the beginning is
/// hidden, too. What was made of it in another way, a hash or the half of it, is not found. Nor is one with fewer than
/// [`MIN_SECRET`] bytes: it would stand in every other text by chance, and what is hidden everywhere is told.
///
/// It has `Deserialize`, so that it can be a part of a configuration. Clones are one value, which is overwritten in
/// memory when the last of them is dropped, with what was kept to find it. What a program copies of it is its own
/// affair, as is what stood in memory before it was a secret.
pub struct Secret<T: SecretValue>(Arc<Kept<T>>);

struct Kept<T: SecretValue> {
    value: Zeroizing<T>,
    _known: Known,
}

impl<T: SecretValue> Secret<T> {
    /// Keeps a value as a secret.
    #[must_use]
    pub fn new(value: T) -> Secret<T> {
        let value = Zeroizing::new(value);
        let known = Known::new((*value).as_ref());
        Secret(Arc::new(Kept { value, _known: known }))
    }

    /// The value, to be used and not to be kept.
    #[must_use]
    pub fn expose(&self) -> &T {
        &self.0.value
    }
}

impl<T: SecretValue> Clone for Secret<T> {
    fn clone(&self) -> Secret<T> {
        Secret(self.0.clone())
    }
}

impl<T: SecretValue> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl<T: SecretValue> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl<'de, T: SecretValue + Deserialize<'de>> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Secret<T>, D::Error> {
        T::deserialize(deserializer).map(Secret::new)
    }
}

#[cfg(test)]
mod tests;
