//! Calls of HTTP servers. Needs the feature `http`.
//!
//! ```
//! use factum::http::{Http, HttpError, HttpRequest};
//! use factum::prelude::*;
//! use factum::{CallError, EncodeError};
//!
//! #[derive(Debug, thiserror::Error, serde::Serialize, serde::Deserialize)]
//! #[error("{0}")]
//! struct NoCharge(String);
//!
//! # impl From<EncodeError> for NoCharge { fn from(e: EncodeError) -> Self { NoCharge(e.to_string()) } }
//! # impl From<HttpError> for NoCharge { fn from(e: HttpError) -> Self { NoCharge(e.to_string()) } }
//! # impl From<CallError<Http>> for NoCharge { fn from(e: CallError<Http>) -> Self { NoCharge(e.to_string()) } }
//! # impl From<factum::NoTransport> for NoCharge { fn from(e: factum::NoTransport) -> Self { NoCharge(e.to_string()) }
//! }
//! #[step(retry(attempts = 5))]
//! async fn charge(io: &mut Io, cents: u64) -> Result<String, NoCharge> {
//!     let order = HttpRequest::post("https://pay.example/charges").json(&serde_json::json!({ "cents": cents }))?;
//!     let answer = io.call(io.transport::<Http>()?, order).await?;
//!     Ok(answer.json()?)
//! }
//!
//! # fn http(token: &str) -> Result<Http, HttpError> {
//! // `Engine::builder(dir).transport(http)` gives it to every step.
//! let http = Http::builder().header("authorization", format!("Bearer {token}")).build()?;
//! # Ok(http) }
//! ```
//!
//! # What binds
//! Every response that comes whole is an answer and a fact, whatever its status, but these, of which the next attempt
//! asks again ([`CallError::Unbound`](crate::CallError::Unbound)):
//!
//! | response | what the server did |
//! |---|---|
//! | 425, 429 | nothing: known |
//! | 408, 5xx | nobody knows |
//!
//! [`HttpBuilder::not_an_answer`] adds others: 401 where a token is renewed, 409 where a server says so of a request
//! with the same key that is still in progress. Of 401 and 407 it is known that the server did nothing.
//!
//! No connection: known. A connection that breaks, a response that breaks off or is too large, a timeout: nobody
//! knows, whatever the method. A server that cannot decode the request says so with a status; a body that the *step*
//! cannot decode is bound all the same, and [`HttpResponse::json`] gives the same error in every attempt.
//!
//! Each call carries its [key](crate::Call::key) in `idempotency-key`: the same in every attempt and after every crash.
//!
//! Redirects are not followed: one is an answer with a `location`, and what a step does with it is a call of its own.
//! So nothing is sent again to somebody else behind the record's back, credentials least of all.
//!
//! # What is never recorded
//! Headers that the transport sets; in a request, what [`HttpRequest::secret_header`] sets and every header with one of
//! these words in its name: `apikey`, `auth`, `authentication`, `authorization`, `cookie`, `credential`, `key`,
//! `password`, `secret`, `token` (`idempotency-key` is none); credentials in a URL, which are sent as `authorization`.
//! Of a response: all headers but the chosen ones.
//!
//! A query is recorded by names, and `[redacted]` in place of the values of each that has one of those words in its
//! name (`access_token`, `accessToken`), or one of `code`, `hmac`, `sig`, `signature`. What else is to be hidden there the
//! engine's [`Redaction`](crate::Redaction) finds. So it is with the URLs in a response's `location`, `link`,
//! `content-location` and `refresh`, without their credentials, too: such a URL is not one to be followed. The step
//! sees what is recorded, in every attempt.
// What must always hold: nothing is sent twice for one call; what may have been sent is never told to be known.

mod builder;
mod error;
mod request;
mod response;
mod secret;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

pub use builder::HttpBuilder;
pub use error::HttpError;
use error::reason;
pub use request::HttpRequest;
pub use reqwest;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
pub use response::HttpResponse;
use secret::without_secrets;

use super::content::Content;
use super::withheld::Withheld;
use super::{Call, Transport};

/// Response headers whose values are URLs.
const HOLD_URLS: &[&str] = &["content-location", "link", "location", "refresh"];

/// Calls HTTP servers, over TLS or plain: a [`Transport`]. Keeps connections open for the next call.
pub struct Http {
    client: reqwest::Client,
    headers: HeaderMap,
    recorded: Vec<HeaderName>,
    key: Option<HeaderName>,
    /// Further statuses that are no answer.
    later: Vec<u16>,
    max_body: usize,
    timeout: Option<Duration>,
}

impl Http {
    /// One with all settings as they are.
    ///
    /// # Errors
    /// As [`HttpBuilder::build`].
    pub fn new() -> Result<Http, HttpError> {
        Http::builder().build()
    }

    /// Settings of one.
    pub fn builder() -> HttpBuilder {
        HttpBuilder::new()
    }

    /// What is sent: the request's own headers come first.
    fn headers(&self, request: &HttpRequest, call: &Call) -> Result<HeaderMap, String> {
        let mut headers = self.headers.clone();
        if let Some(name) = &self.key {
            let key = HeaderValue::try_from(call.key().as_str()).map_err(|error| error.to_string())?;
            headers.insert(name, key);
        }
        for (name, value) in request.headers() {
            headers.insert(name, value.clone());
        }
        Ok(headers)
    }

    async fn send(&self, request: &HttpRequest, call: &Call) -> Result<reqwest::Response, HttpError> {
        let wrong = |reason: String| HttpError::Request { request: request.line(), reason };
        let url = request.checked().map_err(|mistake| wrong(mistake.to_owned()))?;
        let mut sent = self.client.request(request.method().clone(), url.clone());
        sent = sent.headers(self.headers(request, call).map_err(wrong)?);
        if let Some(body) = request.bytes() {
            sent = sent.body(body.clone());
        }
        sent.send().await.map_err(|error| match (error.is_builder(), error.is_connect()) {
            (true, _) => wrong(reason(error)),
            (_, true) => HttpError::Connect { request: request.line(), reason: reason(error) },
            _ => HttpError::NoResponse { request: request.line(), reason: reason(error) },
        })
    }

    /// The body, and of one that is too large no more than the limit.
    async fn body(&self, request: &HttpRequest, response: &mut reqwest::Response) -> Result<Vec<u8>, HttpError> {
        let (status, limit) = (response.status().as_u16(), self.max_body);
        let too_large = || HttpError::TooLarge { request: request.line(), status, limit };
        if response.content_length().is_some_and(|len| len > limit as u64) {
            return Err(too_large());
        }
        let broken = |error| HttpError::BrokenOff { request: request.line(), status, reason: reason(error) };
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if chunk.len() > limit - body.len() {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn recorded(&self, headers: &HeaderMap) -> BTreeMap<String, String> {
        let values = |name: &HeaderName| -> Option<(String, String)> {
            let shown = |value: &HeaderValue| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                if HOLD_URLS.contains(&name.as_str()) { without_secrets(&value) } else { value }
            };
            let values: Vec<_> = headers.get_all(name).iter().map(shown).collect();
            (!values.is_empty()).then(|| (name.to_string(), values.join(", ")))
        };
        self.recorded.iter().filter_map(values).collect()
    }

    /// Whether a status is no answer yet.
    fn is_later(&self, status: u16) -> bool {
        matches!(status, 408 | 425 | 429 | 500..) || self.later.contains(&status)
    }
}

impl Transport for Http {
    const NAMESPACE: &'static str = "http";
    type Request = HttpRequest;
    type Response = HttpResponse;
    type Error = HttpError;

    async fn call(&self, request: &HttpRequest, call: &Call) -> Result<HttpResponse, HttpError> {
        let mut response = self.send(request, call).await?;
        let status = response.status().as_u16();
        let body = self.body(request, &mut response).await?;
        let body = match self.is_later(status) {
            true => Content::inline(body),
            false => Content::put(body, call).await.map_err(|source| {
                let request = request.line();
                HttpError::Storage { request, status, source }
            })?,
        };
        Ok(HttpResponse { status, headers: self.recorded(response.headers()), body })
    }

    fn binds(&self, response: &HttpResponse) -> bool {
        !self.is_later(response.status)
    }

    fn is_unknown(error: &HttpError) -> bool {
        error.is_unknown()
    }

    fn is_unknown_response(response: &HttpResponse) -> bool {
        // Who asks without credentials that hold is turned away before anything is done.
        !matches!(response.status, 401 | 407 | 425 | 429)
    }

    fn withheld(&self, request: &HttpRequest) -> Vec<u8> {
        let mut headers = self.headers.clone();
        for (name, value) in request.headers() {
            headers.insert(name, value.clone());
        }
        // A map of headers has no order of its own.
        let hidden = headers.iter().filter(|(_, value)| value.is_sensitive());
        let mut hidden: Vec<(&str, &[u8])> = hidden.map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        hidden.sort_unstable();
        let mut all = Withheld::default();
        for (name, value) in hidden {
            all.part(name).part(value);
        }
        for part in request.credentials() {
            all.part("").part(part);
        }
        for (name, value) in request.hidden_query() {
            all.part("?").part(&*name).part(&*value);
        }
        all.bytes()
    }

    fn timeout(&self, _: &HttpRequest) -> Option<Duration> {
        self.timeout
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("recorded", &self.recorded).finish_non_exhaustive()
    }
}
