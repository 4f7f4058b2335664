//! The HTTP face of the engine: orders, what is sent to them, and a page that draws the machine.
//!
//! What must always hold: whatever is answered with a 2xx is durable; a request that is sent again with the same
//! `Idempotency-Key` is heard once.

mod orders;
mod page;
mod problem;
mod signals;
mod view;

use std::future::Future;

use axum::Router;
use axum::routing::{get, post};
use factum::Engine;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::machine::{Cancel, DeliveryReport, Packed, Pay, ReturnReceived, ReturnRequest};

/// What every handler has.
#[derive(Debug, Clone)]
struct Api {
    engine: Engine,
    /// True once the server is to stop: whoever waits is answered then.
    closing: watch::Receiver<bool>,
}

/// Serves until `stop` comes, answers what was asked by then, and shuts the engine down.
///
/// # Errors
/// When the listener fails, or the engine does not come to rest.
pub async fn serve(
    engine: Engine,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let (close, closing) = watch::channel(false);
    let stopping = async move {
        stop.await;
        close.send_replace(true);
    };
    let api = Api { engine: engine.clone(), closing };
    axum::serve(listener, router(api)).with_graceful_shutdown(stopping).await?;
    engine.shutdown().await?;
    Ok(())
}

fn router(api: Api) -> Router {
    Router::new()
        .route("/orders", get(orders::list).post(orders::create))
        .route("/orders/{id}", get(orders::show))
        .route("/orders/{id}/pay", post(signals::send::<Pay>))
        .route("/orders/{id}/cancel", post(signals::send::<Cancel>))
        .route("/orders/{id}/packed", post(signals::send::<Packed>))
        .route("/orders/{id}/delivered", post(signals::send::<DeliveryReport>))
        .route("/orders/{id}/return", post(signals::send::<ReturnRequest>))
        .route("/orders/{id}/received", post(signals::send::<ReturnReceived>))
        .route("/diagram", get(page::diagram))
        .with_state(api)
}
