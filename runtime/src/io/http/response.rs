//! What was answered over HTTP, as it is recorded.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::HttpError;
use crate::codec::Blob;
use crate::io::content::Content;

/// The response of a server: its status, the headers that the [`Http`](super::Http) records, and its body.
///
/// A status is no error: `404` is an answer, and a fact. A body of more than 64 KiB stands in the arena, once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpResponse {
    pub(super) status: u16,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Content,
}

impl HttpResponse {
    /// The status: 200 to 599.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Whether the status is one of 200 to 299.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A header, if it was sent and is one of those that are recorded. The case of letters does not matter; several of
    /// one name are separated by commas.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(&name.to_ascii_lowercase()).map(String::as_str)
    }

    /// The recorded headers, by name in lower case.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (&**name, &**value))
    }

    /// The body.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.body.bytes()
    }

    /// The body's blob, if it is so large that it stands in the arena.
    #[must_use]
    pub fn blob(&self) -> Option<&Blob> {
        self.body.blob()
    }

    /// The body as text.
    ///
    /// # Errors
    /// [`HttpError::Decode`] when it is no UTF-8: the same on every attempt.
    pub fn text(&self) -> Result<&str, HttpError> {
        std::str::from_utf8(self.bytes()).map_err(|error| self.is_no("text in UTF-8", &error))
    }

    /// The value that the body is the JSON of.
    ///
    /// # Errors
    /// [`HttpError::Decode`] when it is not: the same on every attempt, as the response is bound.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, HttpError> {
        serde_json::from_slice(self.bytes()).map_err(|error| self.is_no(std::any::type_name::<T>(), &error))
    }

    fn is_no(&self, expected: &'static str, reason: &dyn fmt::Display) -> HttpError {
        HttpError::Decode { status: self.status, expected, reason: reason.to_string() }
    }
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpResponse({}, {:?}, {:?})", self.status, self.headers, self.body)
    }
}
