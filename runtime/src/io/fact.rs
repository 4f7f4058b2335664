//! Facts that a closure makes.

use std::future::Future;

use serde::{Deserialize, Serialize};

use super::ask::Opened;
use super::given::{Making, escaped};
use super::{Io, MAX_FACT_NAME};
use crate::codec::Recordable;

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
    pub async fn fact<T, E, F>(&self, name: &str, make: impl FnOnce() -> F) -> Result<T, E>
    where
        T: Recordable,
        E: From<FactError>,
        F: Future<Output = Result<T, E>>,
    {
        if name.is_empty() || name.len() > MAX_FACT_NAME {
            return Err(FactError::Name { bytes: name.len() }.into());
        }
        let core = &*self.core;
        let unrecordable =
            |reason: &dyn ToString| FactError::Unrecordable { name: name.to_owned(), reason: reason.to_string() };
        let ask = core.ask(&format!("fact:{}", escaped(name)), &(), true).map_err(|error| unrecordable(&error))?;
        if core.has_failed(&ask) {
            return Err(FactError::Ambiguous { name: name.to_owned() }.into());
        }
        let place = match core.open(ask).await.map_err(|_| FactError::Ended)? {
            Opened::Bound(key, value) => return Ok(core.read(&key, &value).await),
            Opened::Free(place) => place,
        };
        let value = Making::new(core.identity(), &place.key, make()).await?;
        let (json, decoded) = value.record().map_err(|error| unrecordable(&error))?;
        place.bind(json, decoded).await.map_err(|_| FactError::Ended.into())
    }
}
