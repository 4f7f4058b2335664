//! The server's face: a route for each thing that it can be asked for.

use std::fmt;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path as UrlPath, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use factum::{BoxFuture, Secret};
use tokio::net::TcpListener;

use super::{Asked, Books, End, Line, Log, LogError};
use crate::api::{Chat, Letter, Refusal, Tool, Voucher};
use crate::orders::Order;

/// What comes between a line of the log and its answer.
type Pause = dyn Fn(u64) -> BoxFuture<'static, ()> + Send + Sync;

/// The server, before it serves.
pub struct Server {
    books: Mutex<(Log, Books)>,
    token: Secret<String>,
    before_answer: Option<Box<Pause>>,
}

impl Server {
    /// A server with a log, which it goes on with if it is there, for whoever has the token.
    ///
    /// # Errors
    /// When the log cannot be used.
    pub fn open(log: &Path, orders: Vec<Order>, token: Secret<String>, keeps_keys: bool) -> Result<Server, LogError> {
        let (log, lines) = Log::open(log)?;
        let books = Mutex::new((log, Books::new(lines, orders, keeps_keys)));
        Ok(Server { books, token, before_answer: None })
    }

    /// Waits for this between a line of the log, whose number it gets, and the answer: to be killed there.
    #[must_use]
    pub fn before_answer(mut self, pause: impl Fn(u64) -> BoxFuture<'static, ()> + Send + Sync + 'static) -> Server {
        self.before_answer = Some(Box::new(pause));
        self
    }

    async fn answer(&self, headers: &HeaderMap, asked: Asked) -> Response {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        if header("authorization").and_then(|value| value.strip_prefix("Bearer ")) != Some(self.token.expose()) {
            return refusal(StatusCode::UNAUTHORIZED, "the token does not open this");
        }
        let Some(key) = header("idempotency-key") else {
            return refusal(StatusCode::BAD_REQUEST, "the idempotency key is missing");
        };
        let line =
            self.enter(asked, key, header("user-agent").unwrap_or_default()).unwrap_or_else(|error| stop(&error));
        if let Some(pause) = &self.before_answer {
            pause(line.line).await;
        }
        let status = match line.end {
            End::Done | End::Again { .. } => StatusCode::OK,
            End::Busy => StatusCode::SERVICE_UNAVAILABLE,
            End::TooMany => StatusCode::TOO_MANY_REQUESTS,
            End::Refused => StatusCode::UNPROCESSABLE_ENTITY,
            // The connection's task ends here, as that of a server that has crashed.
            End::HungUp => resume_unwind(Box::new("hung up")),
        };
        (status, [("x-request-id", line.line.to_string())], Json(line.answer)).into_response()
    }

    fn enter(&self, asked: Asked, key: &str, by: &str) -> Result<Line, LogError> {
        let mut guard = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        let (log, books) = &mut *guard;
        let decision = books.decide(&asked, key);
        let line = Line {
            line: books.lines().len() as u64 + 1,
            key: key.to_owned(),
            asked,
            end: decision.end,
            answer: decision.answer,
            by: by.to_owned(),
        };
        log.write(&line)?;
        books.enter(line.clone());
        Ok(line)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("books", &self.books).finish_non_exhaustive()
    }
}

/// Serves until the process ends, or the future is dropped.
///
/// # Errors
/// When the listener fails.
pub async fn serve(listener: TcpListener, server: Server) -> std::io::Result<()> {
    let routes = Router::new()
        .route("/chat", post(chat))
        .route("/customers/{customer}/orders", get(past_orders))
        .route("/budgets/{order}", get(budget))
        .route("/vouchers", post(give))
        .route("/vouchers/{order}", delete(withdraw))
        .route("/letters", post(send));
    axum::serve(listener, routes.with_state(Arc::new(server))).await
}

type Shared = State<Arc<Server>>;

async fn chat(State(server): Shared, headers: HeaderMap, Json(chat): Json<Chat>) -> Response {
    server.answer(&headers, Asked::Chat(chat)).await
}

async fn past_orders(State(server): Shared, headers: HeaderMap, UrlPath(customer): UrlPath<String>) -> Response {
    server.answer(&headers, Asked::Tool(Tool::PastOrders { customer })).await
}

async fn budget(State(server): Shared, headers: HeaderMap, UrlPath(order): UrlPath<String>) -> Response {
    server.answer(&headers, Asked::Tool(Tool::Budget { order })).await
}

async fn give(State(server): Shared, headers: HeaderMap, Json(voucher): Json<Voucher>) -> Response {
    server.answer(&headers, Asked::Give(voucher)).await
}

async fn withdraw(State(server): Shared, headers: HeaderMap, UrlPath(order): UrlPath<String>) -> Response {
    server.answer(&headers, Asked::Withdraw(order)).await
}

async fn send(State(server): Shared, headers: HeaderMap, Json(letter): Json<Letter>) -> Response {
    server.answer(&headers, Asked::Send(letter)).await
}

/// A line that could not be written: nobody may be answered, and nothing more written behind it.
#[allow(clippy::print_stderr, reason = "a process says why it ends")]
fn stop(error: &LogError) -> ! {
    eprintln!("{error}");
    std::process::exit(1)
}

fn refusal(status: StatusCode, reason: &str) -> Response {
    (status, Json(Refusal { reason: reason.to_owned() })).into_response()
}
