//! How an `Http` is to be.

use std::fmt;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName};
use reqwest::{Client, ClientBuilder, redirect};

use super::error::reason;
use super::request::header;
use super::secret::is_secret;
use super::{Http, HttpError};
use crate::io::CALL_TIMEOUT;

/// The response headers that are recorded unless told otherwise.
const RECORDED: &[&str] =
    &["content-type", "etag", "last-modified", "link", "location", "request-id", "retry-after", "x-request-id"];

/// The header that carries the call's key.
const KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The most bytes that a response's body may have, unless told otherwise.
const MAX_BODY: usize = 64 << 20;

/// How long a connection may take, unless told otherwise.
const CONNECT: Duration = Duration::from_secs(10);

/// Settings of an [`Http`].
#[must_use = "settings do nothing until `build` makes an `Http` of them"]
pub struct HttpBuilder {
    headers: HeaderMap,
    recorded: Vec<HeaderName>,
    key: Option<HeaderName>,
    later: Vec<u16>,
    max_body: usize,
    timeout: Option<Duration>,
    connect: Duration,
    client: ClientBuilder,
    /// The first mistake.
    mistake: Option<String>,
}

impl HttpBuilder {
    pub(super) fn new() -> Self {
        HttpBuilder {
            headers: HeaderMap::new(),
            recorded: RECORDED.iter().map(|name| HeaderName::from_static(name)).collect(),
            key: Some(KEY),
            later: Vec::new(),
            max_body: MAX_BODY,
            timeout: Some(CALL_TIMEOUT),
            connect: CONNECT,
            client: Client::builder(),
            mistake: None,
        }
    }

    /// A header that every request is sent with which has none of that name: credentials, above all. It belongs to the
    /// transport and is never recorded.
    ///
    /// It goes to whatever server a request names: have an `Http` for each server with credentials of its own.
    pub fn header(mut self, name: &str, value: impl AsRef<str>) -> Self {
        match header(name, value.as_ref(), true) {
            Ok((name, value)) => {
                self.headers.insert(name, value);
            }
            Err(mistake) => self.wrong(mistake),
        }
        self
    }

    /// The response headers that are recorded, in place of `content-type`, `etag`, `last-modified`, `link`, `location`,
    /// `request-id`, `retry-after` and `x-request-id`. One that [may hold a
    /// secret](super#what-is-never-recorded) is refused.
    pub fn record_headers<N: AsRef<str>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.recorded.clear();
        for name in names {
            let name = name.as_ref();
            match HeaderName::try_from(name) {
                Ok(_) if is_secret(name) => {
                    self.wrong(format!("header `{name}` may hold a secret, and is never recorded"))
                }
                Ok(name) => self.recorded.push(name),
                Err(_) => self.wrong(format!("`{name}` is no header's name")),
            }
        }
        self
    }

    /// The header that carries the [call's key](crate::Call::key), in place of `idempotency-key`. A request that has a
    /// header of that name keeps its own.
    pub fn idempotency_header(mut self, name: &str) -> Self {
        match HeaderName::try_from(name) {
            Ok(name) => self.key = Some(name),
            Err(_) => self.wrong(format!("`{name}` is no header's name")),
        }
        self
    }

    /// Sends the call's key in no header.
    pub fn no_idempotency_header(mut self) -> Self {
        self.key = None;
        self
    }

    /// Further statuses that are no answer, besides [425, 429, 408 and 5xx](super#what-binds): with one of them the attempt
    /// fails, and the next one asks again, with the same key.
    ///
    /// * `409`, or what the server has for that: a request with the same idempotency key is still in progress. A bound
    ///   409 would be this step's answer for good, while the request before it succeeds.
    /// * `401`, `407`: a token has run out, and the transport has a new one by the next attempt, or after a restart.
    ///
    /// After 401 and 407 the server is known to have done nothing; after any other of them nobody knows what it did.
    pub fn not_an_answer(mut self, statuses: impl IntoIterator<Item = u16>) -> Self {
        for status in statuses {
            match status {
                200..=599 => self.later.push(status),
                _ => self.wrong(format!("{status} is no status of an answer: take 200 to 599")),
            }
        }
        self
    }

    /// The most bytes that a response's body may have: 64 MiB unless told otherwise. Of a larger one no more is read,
    /// and the call is an error.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// How long a call may take, from the beginning to the end of the body: a minute unless told otherwise. A call may
    /// set its own ([`Calling::timeout`](crate::Calling::timeout)).
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// How long it may take until there is a connection: 10 seconds unless told otherwise. Within that, a server that
    /// is not there is known not to have heard the request.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect = limit;
        self
    }

    /// Changes reqwest's own settings: proxies, roots and certificates of TLS, versions. That no redirect is followed
    /// stays.
    pub fn client(mut self, change: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Self {
        self.client = change(self.client);
        self
    }

    /// Makes an [`Http`].
    ///
    /// # Errors
    /// [`HttpError::Settings`] when one of them is wrong, or when TLS cannot be had (no root certificates).
    pub fn build(self) -> Result<Http, HttpError> {
        if let Some(reason) = self.mistake {
            return Err(HttpError::Settings { reason });
        }
        // A redirect is an answer: what is sent next is another request, to be recorded as such.
        let client = self.client.redirect(redirect::Policy::none()).connect_timeout(self.connect);
        Ok(Http {
            client: client.build().map_err(|error| HttpError::Settings { reason: reason(error) })?,
            headers: self.headers,
            recorded: self.recorded,
            key: self.key,
            later: self.later,
            max_body: self.max_body,
            timeout: self.timeout,
        })
    }

    fn wrong(&mut self, mistake: String) {
        self.mistake.get_or_insert(mistake);
    }
}

impl fmt::Debug for HttpBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpBuilder").field("recorded", &self.recorded).finish_non_exhaustive()
    }
}
