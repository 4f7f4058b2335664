//! What clients, the warehouse and the carrier have to say: one route for each signal.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use factum::Signal;
use serde::de::DeserializeOwned;

use super::Api;
use super::problem::{Problem, read};
use crate::machine::Order;

/// The header by which a client says that two requests are one.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Sends an order a signal. 202 says that the order has it for good; what it does with it is seen at the order. A
/// route for a signal that the machine never takes does not compile.
pub(super) async fn send<S: Signal + DeserializeOwned>(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<impl IntoResponse, Problem> {
    // Most signals have nothing to say but their name.
    let signal: S = read(if body.is_empty() { b"{}" } else { &body })?;
    let run = api.engine.attach_fsm::<Order>(&id).await?;
    let request = run.signal(signal);
    match headers.get(IDEMPOTENCY_KEY) {
        Some(key) => {
            request.sender_id(key.to_str().map_err(|_| Problem::bad("the idempotency key is no text"))?).await?
        }
        None => request.await?,
    }
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, format!("/orders/{id}"))]))
}
