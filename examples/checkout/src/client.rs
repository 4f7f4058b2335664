//! The shop's side of the wire: one request, and what its answer means.
//!
//! The one thing to get right here is what each failure says about the other
//! side: nothing was done ([`ShopError::Busy`], [`ShopError::Unreachable`],
//! [`ShopError::Declined`]), or nobody knows ([`ShopError::Lost`]).

use std::sync::Arc;

use factum::{Io, TimedOut};
use reqwest::StatusCode;
use serde::{Deserialize, Serialize};

use crate::meter::Meter;
use crate::provider::{Done, IDEMPOTENCY_KEY, Operation, Refusal, Request};

/// Speaks to the provider. One for the whole process.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    meter: Arc<Meter>,
}

/// Why a request to the provider came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum ShopError {
    /// The provider did nothing and wants to be asked again.
    #[error("the provider is busy")]
    Busy,
    /// The request never left.
    #[error("the provider cannot be reached")]
    Unreachable,
    /// The request left, and what became of it is unknown.
    #[error("the answer was lost: {0}")]
    Lost(String),
    /// No answer within the step's timeout; what became of the request is unknown.
    #[error("no answer in time")]
    TimedOut,
    /// The provider will not do it.
    #[error("{0}")]
    Declined(String),
}

impl ShopError {
    /// Worth another attempt.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        !matches!(self, ShopError::Declined(_))
    }

    /// The provider may have done it all the same.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, ShopError::Lost(_) | ShopError::TimedOut)
    }
}

impl From<TimedOut> for ShopError {
    fn from(_: TimedOut) -> ShopError {
        ShopError::TimedOut
    }
}

impl Client {
    /// A client of the provider at `url`, such as `http://127.0.0.1:8080`.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(url: &str, meter: Arc<Meter>) -> Result<Client, reqwest::Error> {
        // The provider is named by its address: no proxy stands between.
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Client { http, url: url.trim_end_matches('/').to_owned(), meter })
    }

    /// Asks for `operation` in the name of the step that `io` belongs to.
    ///
    /// # Errors
    /// See [`ShopError`].
    pub async fn ask<App>(&self, io: &Io<App>, operation: Operation, request: &Request) -> Result<Done, ShopError> {
        self.meter.begins(io.attempt());
        let answer = self.send(io.key().as_str(), operation, request).await;
        if !answer.as_ref().is_err_and(ShopError::is_transient) {
            self.meter.finished();
        }
        answer
    }

    async fn send(&self, key: &str, operation: Operation, request: &Request) -> Result<Done, ShopError> {
        let url = format!("{}/{operation}", self.url);
        let answer = self.http.post(url).header(IDEMPOTENCY_KEY, key).json(request).send().await;
        let answer = answer.map_err(|error| match error.is_connect() {
            true => ShopError::Unreachable,
            false => ShopError::Lost(error.to_string()),
        })?;
        match answer.status() {
            StatusCode::OK => answer.json().await.map_err(|error| ShopError::Lost(error.to_string())),
            StatusCode::SERVICE_UNAVAILABLE => Err(ShopError::Busy),
            status if status.is_client_error() => match answer.json::<Refusal>().await {
                Ok(no) => Err(ShopError::Declined(no.reason)),
                Err(_) => Err(ShopError::Declined(status.to_string())),
            },
            status => Err(ShopError::Lost(status.to_string())),
        }
    }
}
