//! What is known of a request that has no answer.

use std::time::Duration;

use factum::http::{Http, HttpError, HttpRequest};
use factum::prelude::*;
use factum::{Builder, CallError, Transport};
use tokio::net::TcpSocket;

use super::alone;
use super::http::http;
use super::server::Server;
use crate::world::{Oops, World, builder};

#[step(compensate = refund(&output), unknown = void(&url))]
async fn charge(io: &mut Io<World>, url: String, millis: u64) -> Result<String, Oops> {
    let http = io.transport::<Http>().map_err(|error| Oops::Failed(error.to_string()))?;
    match io.call(http, HttpRequest::post(url.clone())).timeout(Duration::from_millis(millis)).await {
        Ok(_) => Ok(url),
        Err(error) => {
            let sort = match &error {
                CallError::TimedOut { .. } => "timed out",
                CallError::Unbound(_) => "unbound",
                CallError::Transport(_) => "no answer",
                other => panic!("{other}"),
            };
            io.app().act(format!("{sort}, unknown: {}", error.is_unknown()));
            Err(Oops::Failed(error.to_string()))
        }
    }
}

#[step]
async fn refund(io: &mut Io<World>, url: &str) {
    io.app().act(format!("refund {url}"));
}

#[step]
async fn void(io: &mut Io<World>, url: &str) {
    io.app().act(format!("void {}", url.rsplit('/').next().unwrap()));
}

#[saga(app = World)]
async fn charges(url: String, millis: u64) -> Result<String, Oops> {
    charge(url, millis).await
}

fn charging(dir: &std::path::Path, world: &World) -> Builder<World> {
    builder(dir, world).saga(charges).transport(http())
}

/// Where nobody listens, for as long as the socket is there: the port is taken, and nobody else gets it.
fn nobody() -> (String, TcpSocket) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    (format!("http://{}/nobody", socket.local_addr().unwrap()), socket)
}

/// Longer than any answer takes, however slow the machine is.
const LONG: u64 = 600_000;

#[tokio::test]
async fn an_attempt_ends_unknown_if_the_server_may_have_heard_it_and_known_if_not() {
    let (dir, world, server) = (tempfile::tempdir().unwrap(), World::new(), Server::start().await);
    let engine = charging(dir.path(), &world).open().await.unwrap();
    let (nobody, _taken) = nobody();
    for (url, millis, wanted) in [
        (server.url("/close"), LONG, &["no answer, unknown: true", "void close"][..]),
        (server.url("/silent"), 200, &["timed out, unknown: true", "void silent"]),
        (server.url("/short"), LONG, &["no answer, unknown: true", "void short"]),
        (server.url("/nonsense"), LONG, &["no answer, unknown: true", "void nonsense"]),
        (server.url("/status/500"), LONG, &["unbound, unknown: true", "void 500"]),
        (server.url("/status/408"), LONG, &["unbound, unknown: true", "void 408"]),
        (server.url("/status/429"), LONG, &["unbound, unknown: false"]),
        (server.url("/status/425"), LONG, &["unbound, unknown: false"]),
        (nobody, LONG, &["no answer, unknown: false"]),
    ] {
        let before = world.done().len();
        engine.run(charges(url.clone(), millis)).await.unwrap_err();
        assert_eq!(world.done()[before..], *wanted, "{url}");
    }
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_request_that_cannot_be_sent_is_known() {
    for url in ["http://no such host/", "http://", "mailto:ann@example"] {
        let error = http().call(&HttpRequest::get(url), &alone()).await.unwrap_err();
        assert!(matches!(error, HttpError::Request { .. }) && !error.is_unknown(), "{error}");
    }
    let (nobody, _taken) = nobody();
    let error = http().call(&HttpRequest::get(nobody), &alone()).await.unwrap_err();
    assert!(matches!(error, HttpError::Connect { .. }) && error.to_string().contains("refused"), "{error}");
    let error = http().call(&HttpRequest::get("http://nowhere.invalid/path?q=planted"), &alone()).await.unwrap_err();
    assert!(!error.is_unknown() && error.to_string().contains("nowhere.invalid/path"), "{error}");
    assert!(!error.to_string().contains("planted"), "{error}");
}

#[tokio::test]
async fn errors_tell_the_method_and_the_path_and_neither_credentials_nor_query() {
    let server = Server::start().await;
    for path in ["/close", "/short", "/nonsense"] {
        let url = server.url(path).replace("//", "//ann:planted@") + "?token=planted";
        let error = http().call(&HttpRequest::put(url), &alone()).await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains("PUT http://127.0.0.1") && text.contains(path) && !text.contains("planted"), "{text}");
    }
}
