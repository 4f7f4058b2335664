//! What goes wrong with a call over HTTP.

use std::error::Error;
use std::fmt::Write as _;

use crate::storage::StorageError;

/// Why a call over HTTP has no answer, or an answer is not what was expected.
///
/// No text of these has a URL's credentials, its query, or a header that is never recorded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// An [`Http`](super::Http) cannot be built as it is wanted.
    #[error("no HTTP client can be made: {reason}")]
    Settings {
        /// What is wrong.
        reason: String,
    },
    /// The request cannot be sent. Nobody was called.
    #[error("{request} cannot be sent: {reason}")]
    Request {
        /// The method and the URL, without credentials and query.
        request: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No connection could be made: the name is not known, nobody listens, the certificate is not trusted. The server
    /// has heard nothing of the request.
    #[error("{request}: no connection: {reason}")]
    Connect {
        /// The method and the URL, without credentials and query.
        request: String,
        /// Why not.
        reason: String,
    },
    /// The connection broke, or what came is no HTTP, when the request was or may have been sent.
    #[error("{request}: no response, and the request may have been heard: {reason}")]
    NoResponse {
        /// The method and the URL, without credentials and query.
        request: String,
        /// What happened.
        reason: String,
    },
    /// The response's body broke off.
    #[error("{request}: a response with status {status} that breaks off: {reason}")]
    BrokenOff {
        /// The method and the URL, without credentials and query.
        request: String,
        /// The response's status.
        status: u16,
        /// What happened.
        reason: String,
    },
    /// The response's body is larger than the transport takes. No more than that was read.
    #[error(
        "{request}: a response with status {status} of more than {limit} bytes: ask for less, or raise `max_body` of \
         the `Http`"
    )]
    TooLarge {
        /// The method and the URL, without credentials and query.
        request: String,
        /// The response's status.
        status: u16,
        /// How many bytes it may have.
        limit: usize,
    },
    /// The response is there, and its large body cannot be stored.
    #[error("{request}: a response with status {status} that cannot be stored: {source}")]
    Storage {
        /// The method and the URL, without credentials and query.
        request: String,
        /// The response's status.
        status: u16,
        /// Why not.
        source: StorageError,
    },
    /// A response that is a fact, and not what the code expects: the same in every attempt.
    #[error("a response with status {status} is no {expected}: {reason}")]
    Decode {
        /// The response's status.
        status: u16,
        /// What was expected.
        expected: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl HttpError {
    /// Whether the server may have acted on the request.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        match self {
            HttpError::NoResponse { .. }
            | HttpError::BrokenOff { .. }
            | HttpError::TooLarge { .. }
            | HttpError::Storage { .. } => true,
            HttpError::Settings { .. }
            | HttpError::Request { .. }
            | HttpError::Connect { .. }
            | HttpError::Decode { .. } => false,
        }
    }
}

/// For steps whose error is a text.
impl From<HttpError> for String {
    fn from(error: HttpError) -> String {
        error.to_string()
    }
}

/// What the client says, with the reasons behind it and without the URL.
pub(super) fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        // Writing to a text does not fail.
        let _ = write!(text, ": {error}");
        source = error.source();
    }
    text
}
