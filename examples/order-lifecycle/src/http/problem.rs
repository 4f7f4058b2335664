//! What an answer says when it is not the one that was hoped for.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use factum::{Error, StorageError};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// An answer that says no: a status, and why in JSON.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    body: Body,
}

#[derive(Debug, Serialize)]
struct Body {
    error: String,
    /// The state that says no.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    /// What it would take instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    accepts: Option<Vec<String>>,
}

impl Problem {
    fn new(status: StatusCode, error: String) -> Problem {
        Problem { status, body: Body { error, state: None, accepts: None } }
    }

    /// A request that nobody can read.
    pub(super) fn bad(error: impl ToString) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, error.to_string())
    }

    /// The server ends.
    pub(super) fn stopped() -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the server ends".to_owned())
    }
}

/// Reads a request's body, whatever its content type says.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| Problem::bad(format!("the body: {error}")))
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        let status = match &error {
            Error::UnknownRun { .. } => StatusCode::NOT_FOUND,
            Error::Forgotten { .. } => StatusCode::GONE,
            // The order is there, and not as the request wants it: another basket, another state, at its end.
            Error::Conflict { .. } | Error::Rejected { .. } | Error::NotActive { .. } => StatusCode::CONFLICT,
            Error::InvalidId { .. }
            | Error::InvalidSenderId { .. }
            | Error::Unrecordable { .. }
            | Error::NotAccepted { .. } => StatusCode::BAD_REQUEST,
            Error::InboxFull { .. } => StatusCode::TOO_MANY_REQUESTS,
            Error::Storage(StorageError::DiskFull { .. }) => StatusCode::INSUFFICIENT_STORAGE,
            Error::Stopped { .. } => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let mut problem = Problem::new(status, error.to_string());
        if let Error::Rejected { state, accepts, .. } = error {
            problem.body.state = Some(state);
            problem.body.accepts = Some(accepts);
        }
        problem
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}
