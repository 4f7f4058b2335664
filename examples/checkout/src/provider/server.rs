//! The provider's face: one route, `POST /<operation>`.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::extract::{Path as UrlPath, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tokio::net::TcpListener;

use super::{Decision, IDEMPOTENCY_KEY, Ledger, LedgerError, Manner, Operation, Refusal, Request, Verdict, manner};

/// How late a slow answer comes: later than any client waits. The handler ends
/// when the client hangs up.
const SLOW: Duration = Duration::from_secs(30);

type Shared = Arc<Mutex<Ledger>>;

/// Serves on a port of this machine until the process ends; port 0 takes a free
/// one. `ready` is told the address once requests are accepted.
///
/// # Errors
/// When the ledger cannot be opened or the port cannot be had.
pub async fn serve(
    ledger: &Path,
    port: u16,
    ready: impl FnOnce(&str) -> std::io::Result<()>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let ledger = Arc::new(Mutex::new(Ledger::open(ledger)?));
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    ready(&format!("http://{}", listener.local_addr()?))?;
    axum::serve(listener, axum::Router::new().route("/{operation}", post(answer)).with_state(ledger)).await?;
    Ok(())
}

async fn answer(
    State(ledger): State<Shared>,
    UrlPath(operation): UrlPath<Operation>,
    headers: HeaderMap,
    Json(request): Json<Request>,
) -> Response {
    let Some(key) = headers.get(IDEMPOTENCY_KEY).and_then(|key| key.to_str().ok()) else {
        return refusal(StatusCode::BAD_REQUEST, "the idempotency key is missing");
    };
    let decided = ledger.lock().unwrap_or_else(PoisonError::into_inner).ask(operation, key, &request);
    let (verdict, first) = match decided {
        Ok(Decision::New(entry)) => (entry.verdict, true),
        Ok(Decision::Known(verdict)) => (verdict, false),
        Ok(Decision::KeyReused) => {
            return refusal(StatusCode::UNPROCESSABLE_ENTITY, "the idempotency key belongs to another request");
        }
        Err(error) => stop(&error),
    };
    match manner(operation, &request.order) {
        Manner::SlowAlways => tokio::time::sleep(SLOW).await,
        Manner::SlowOnce if first => tokio::time::sleep(SLOW).await,
        _ => {}
    }
    match verdict {
        Verdict::Done(done) => Json(done).into_response(),
        Verdict::Declined(no) => (StatusCode::PAYMENT_REQUIRED, Json(no)).into_response(),
        // `Again` is for the ledger: the books never answer with it.
        Verdict::Busy | Verdict::Again => refusal(StatusCode::SERVICE_UNAVAILABLE, "busy"),
    }
}

/// An answer that could not be written down whole: nothing may be given, and
/// nothing more written behind it. The next start cuts the torn line off.
#[allow(clippy::print_stderr, reason = "a process says why it ends")]
fn stop(error: &LedgerError) -> ! {
    eprintln!("{error}");
    std::process::exit(1)
}

fn refusal(status: StatusCode, reason: &str) -> Response {
    (status, Json(Refusal { reason: reason.to_owned() })).into_response()
}
