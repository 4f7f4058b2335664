//! Facts that a closure makes.

use std::future::Future;

use serde::{Deserialize, Serialize};

use super::ask::Opened;
use super::given::{Making, escaped};
use super::records::Ended;
use super::{Io, IoCore, MAX_FACT_NAME};
use crate::codec::{EncodeError, Recordable};
use crate::platform::BoxFuture;

/// A fact that could not be bound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum FactError {
    /// The name is empty, or longer than [`MAX_FACT_NAME`] bytes.
    #[error("a fact's name has 1 to {MAX_FACT_NAME} bytes, and this one has {bytes}")]
    Name {
        /// How many it has.
        bytes: usize,
    },
    /// A fact of that name has failed in this attempt, and nobody could tell the next one of that name from it.
    #[error(
        "fact `{name}` has failed in this attempt, and another attempt could not tell the next one of that name from \
         it: give each its own name, as `format!(\"{name} {{item}}\")`, or try again inside the closure"
    )]
    Ambiguous {
        /// The name.
        name: String,
    },
    /// The value cannot be recorded: JSON cannot hold it, or it does not come back from it.
    #[error("fact `{name}` cannot be recorded: {reason}")]
    Unrecordable {
        /// The name.
        name: String,
        /// Why not.
        reason: String,
    },
    /// The step has ended, and this attempt has outlived it.
    #[error("the step has ended: it binds no fact any more")]
    Ended,
}

/// What the error of a fact's closure is made of when the fact itself fails: implemented for whatever is `From<FactError>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot say that a fact could not be bound",
    label = "the error of this fact's closure is no `From<FactError>`",
    note = "write `impl From<factum::FactError> for {Self}`: a fact can fail by itself, when its value cannot be recorded"
)]
pub trait FromFactError {
    #[doc(hidden)]
    fn from_fact_error(error: FactError) -> Self;
}

#[diagnostic::do_not_recommend]
impl<E: From<FactError>> FromFactError for E {
    fn from_fact_error(error: FactError) -> E {
        error.into()
    }
}

/// For steps whose error is a text.
impl From<FactError> for String {
    fn from(error: FactError) -> String {
        error.to_string()
    }
}

impl<App> Io<App> {
    /// Makes a fact: runs the closure, records the value that it gives, and gives that. The value is bound once for the
    /// step, not for the attempt: another attempt, after an error or after a crash, gets the same value and the closure is
    /// not run again. An error binds nothing.
    ///
    /// ```
    /// # use factum::{FactError, Io, step};
    /// #[step(retry(attempts = 3))]
    /// async fn quote(io: &mut Io, item: String) -> Result<u64, FactError> {
    ///     let price = io.fact("price", || async { Ok::<u64, FactError>(100) }).await?;
    ///     // What follows may fail and be tried again: the price stays.
    ///     Ok(price + item.len() as u64)
    /// }
    /// ```
    ///
    /// The value is what its record decodes to. It is on disk when this returns, so that whatever the body does next with
    /// it can be relied on after a crash; in a `pure` step, of which that cannot matter, it is on disk before the next
    /// effect.
    ///
    /// The closure may ask the same `io` for other facts. They stand within this one, and are bound even if it fails.
    /// Several facts of one name are told apart by their order; where one of them may fail and the others are to
    /// go on, each needs a name of its own.
    ///
    /// # Errors
    /// The closure's own; a [`FactError`], as the closure's error type.
    ///
    /// # Panics
    /// If the closure does, which ends the attempt.
    ///
    /// # Cancel safety
    /// Dropping the future drops the closure's; nothing is bound then, unless it is being recorded at this moment.
    // Not an `async fn`: of a type that does not fit the compiler would tell three times.
    pub fn fact<'f, T, E, F>(
        &'f self,
        name: &'f str,
        make: impl FnOnce() -> F + Send + 'f,
    ) -> BoxFuture<'f, Result<T, E>>
    where
        T: Recordable + Send + 'f,
        E: FromFactError + Send + 'f,
        F: Future<Output = Result<T, E>> + Send + 'f,
    {
        Box::pin(made(&self.core, name, make))
    }
}

async fn made<T, E, F>(core: &IoCore, name: &str, make: impl FnOnce() -> F) -> Result<T, E>
where
    T: Recordable,
    E: FromFactError,
    F: Future<Output = Result<T, E>>,
{
    let failed = |error| Err(E::from_fact_error(error));
    if name.is_empty() || name.len() > MAX_FACT_NAME {
        return failed(FactError::Name { bytes: name.len() });
    }
    let unrecordable =
        |error: EncodeError| FactError::Unrecordable { name: name.to_owned(), reason: error.to_string() };
    let wanted = match core.ask(&format!("fact:{}", escaped(&core.redaction().text(name))), &(), &[], true) {
        Ok(wanted) => wanted,
        Err(error) => return failed(unrecordable(error)),
    };
    if core.has_failed(&wanted) {
        return failed(FactError::Ambiguous { name: name.to_owned() });
    }
    let place = match core.open(wanted).await {
        Ok(Opened::Bound(key, value)) => return Ok(core.read(&key, &value).await),
        Ok(Opened::Free(place)) => place,
        Err(Ended) => return failed(FactError::Ended),
    };
    let value = Making::new(core.identity(), &place.key, make()).await?;
    match value.record() {
        Ok((json, decoded)) => place.bind(json, decoded).await.or_else(|Ended| failed(FactError::Ended)),
        Err(error) => failed(unrecordable(error)),
    }
}
