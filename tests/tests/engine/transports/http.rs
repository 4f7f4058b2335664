//! What is asked and answered over HTTP, and what of it is recorded.

use factum::http::{Http, HttpBuilder, HttpError, HttpRequest};
use factum::prelude::*;
use factum::{Builder, Event, Transport};

use super::server::Server;
use super::{alone, stands_in};
use crate::world::{Oops, World, builder, open};

fn failed(error: impl std::fmt::Display) -> Oops {
    Oops::Failed(error.to_string())
}

/// Settings for a server on this machine.
pub fn local() -> HttpBuilder {
    Http::builder().client(|client| client.no_proxy())
}

pub fn http() -> Http {
    local().build().unwrap()
}

/// Asks twice, and then fails as often as the world wants.
#[step(retry(attempts = 4, initial = "1ms"))]
async fn ask(io: &mut Io<World>, urls: Vec<String>) -> Result<Vec<u16>, Oops> {
    let mut statuses = Vec::new();
    for url in urls {
        let request = HttpRequest::post(url).body("cents=5").header("x-api-key", "planted-request");
        let answer = io.call(io.transport::<Http>().map_err(failed)?, request).await.map_err(failed)?;
        statuses.push(answer.status());
    }
    if io.app().fails("ask") { Err(Oops::Later) } else { Ok(statuses) }
}

#[saga(app = World)]
async fn asks(urls: Vec<String>) -> Result<Vec<u16>, Oops> {
    ask(urls).await
}

fn asking(dir: &std::path::Path, world: &World, http: Http) -> Builder<World> {
    builder(dir, world).saga(asks).transport(http)
}

#[tokio::test]
async fn every_status_is_an_answer_but_those_that_say_later_and_those_that_are_told_to_be_none() {
    let (server, http) = (Server::start().await, http());
    let more = local().not_an_answer([409, 401]).not_an_answer([407]).build().unwrap();
    for (status, binds, unknown) in [
        (200, true, None),
        (204, true, None),
        (301, true, None),
        (304, true, None),
        (400, true, None),
        (401, true, Some(false)),
        (407, true, Some(false)),
        (404, true, None),
        (409, true, Some(true)),
        (418, true, None),
        (408, false, Some(true)),
        (425, false, Some(false)),
        (429, false, Some(false)),
        (500, false, Some(true)),
        (501, false, Some(true)),
        (503, false, Some(true)),
        (599, false, Some(true)),
    ] {
        let request = HttpRequest::get(server.url(&format!("/status/{status}")));
        let response = http.call(&request, &alone()).await.unwrap();
        assert_eq!((response.status(), http.binds(&response)), (status, binds));
        assert_eq!(more.binds(&response), binds && ![401, 407, 409].contains(&status), "{status}");
        if let Some(unknown) = unknown {
            assert_eq!(Http::is_unknown_response(&response), unknown, "{status}");
        }
    }
}

#[tokio::test]
async fn an_answer_is_asked_for_once_and_what_is_none_again_with_the_key_of_its_call() {
    let (dir, world, server) = (tempfile::tempdir().unwrap(), World::new(), Server::start().await);
    let engine = asking(dir.path(), &world, http()).open().await.unwrap();
    // The first call is told to come later; then both are answered, the second with an error of its own; then the step
    // fails.
    server.next.lock().unwrap().extend([503, 201, 404]);
    world.fail_next("ask");
    let url = server.url("/status/200");
    assert_eq!(engine.run(asks(vec![url.clone(), url])).id("a").await.unwrap(), [201, 404]);
    let heard = server.heard();
    let keys: Vec<&str> = heard.iter().map(|heard| heard.header("idempotency-key").unwrap()).collect();
    assert_eq!(keys.len(), 3, "{heard:?}");
    assert_eq!(keys[0], keys[1], "another attempt is the same call");
    assert_ne!(keys[1], keys[2], "two calls of one step are two");
    assert!(heard.iter().all(|heard| heard.body == b"cents=5" && heard.line.starts_with("POST ")));
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn what_is_told_to_be_no_answer_is_asked_for_again_with_the_same_key() {
    let (dir, world, server) = (tempfile::tempdir().unwrap(), World::new(), Server::start().await);
    let http = local().not_an_answer([409, 401]).build().unwrap();
    let engine = asking(dir.path(), &world, http).open().await.unwrap();
    let url = server.url("/status/200");
    for (id, status) in [("renewed", 401), ("in-progress", 409)] {
        let before = server.heard().len();
        server.next.lock().unwrap().push(status);
        assert_eq!(engine.run(asks(vec![url.clone()])).id(id).await.unwrap(), [200]);
        let heard = &server.heard()[before..];
        assert_eq!(heard.len(), 2, "{status}");
        assert_eq!(heard[0].header("idempotency-key"), heard[1].header("idempotency-key"));
    }
    engine.shutdown().await.unwrap();
}

#[test]
fn what_is_never_recorded_of_a_request_still_tells_it_from_others() {
    let get = || HttpRequest::get("http://a/b");
    let with = |name: &str, value: &str| local().header(name, value).build().unwrap();
    let all = [
        http().withheld(&get()),
        with("authorization", "one").withheld(&get()),
        with("authorization", "two").withheld(&get()),
        with("x-any", "one").withheld(&get()),
        http().withheld(&get().header("authorization", "three")),
        http().withheld(&get().secret_header("x-any", "two")),
        http().withheld(&get().secret_header("x-an", "ytwo")),
        http().withheld(&HttpRequest::get("http://ann:one@a/b")),
        http().withheld(&HttpRequest::get("http://ann:two@a/b")),
        http().withheld(&HttpRequest::get("http://anntwo@a/b")),
        http().withheld(&get().query("sig", "one")),
        http().withheld(&get().query("sig", "two")),
    ];
    for (at, one) in all.iter().enumerate() {
        assert_eq!(all.iter().position(|other| other == one), Some(at), "two are taken for one");
    }
    // What stands in the request's JSON does not belong here, and who set a header does not matter.
    assert_eq!(http().withheld(&get().header("accept", "a").body("b")), http().withheld(&get()));
    let both = with("a-key", "x").withheld(&get().secret_header("b", "y"));
    assert_eq!(both, with("b", "y").withheld(&get().header("a-key", "x")));
    let renewed = with("authorization", "ours").withheld(&get().header("authorization", "three"));
    assert_eq!(renewed, http().withheld(&get().header("authorization", "three")), "the request's own is what is sent");
}

#[tokio::test]
async fn a_call_has_the_same_key_in_the_next_process() {
    let (dir, world, server) = (tempfile::tempdir().unwrap(), World::new(), Server::start().await);
    server.next.lock().unwrap().push(1);
    let engine = asking(dir.path(), &world, http()).open().await.unwrap();
    drop(engine.start(asks(vec![server.url("/status/200")])).id("a").await.unwrap());
    server.has_heard(1).await;
    drop(engine);
    let engine = open(|| asking(dir.path(), &world, http())).await;
    server.has_heard(2).await;
    let keys: Vec<_> = server.heard().iter().map(|heard| heard.header("idempotency-key").unwrap().to_owned()).collect();
    assert_eq!(keys[0], keys[1]);
    assert_eq!(keys[0].len(), 32);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn the_keys_header_is_the_users_to_choose() {
    let server = Server::start().await;
    let request = || HttpRequest::get(server.url("/status/200"));
    let named = local().idempotency_header("x-once").build().unwrap();
    let without = local().no_idempotency_header().build().unwrap();
    let call = alone();
    http().call(&request().header("Idempotency-Key", "mine"), &call).await.unwrap();
    named.call(&request(), &call).await.unwrap();
    without.call(&request(), &call).await.unwrap();
    let heard = server.heard();
    let values = |header: &str| -> Vec<Option<&str>> { heard.iter().map(|heard| heard.header(header)).collect() };
    assert_eq!(values("idempotency-key"), [Some("mine"), None, None]);
    assert_eq!(values("x-once"), [None, Some(call.key().as_str()), None]);
}

#[tokio::test]
async fn a_requests_headers_come_before_those_of_its_transport() {
    let server = Server::start().await;
    let http = local().header("authorization", "ours").header("user-agent", "us").build().unwrap();
    let url = server.url("/status/200").replace("//", "//ann:pass@");
    http.call(&HttpRequest::get(server.url("/status/200")), &alone()).await.unwrap();
    http.call(&HttpRequest::get(server.url("/status/200")).header("Authorization", "mine"), &alone()).await.unwrap();
    self::http().call(&HttpRequest::get(url), &alone()).await.unwrap();
    let sent: Vec<_> = server.heard().iter().map(|heard| heard.header("authorization").unwrap().to_owned()).collect();
    assert_eq!(sent, ["ours", "mine", "Basic YW5uOnBhc3M="]);
    assert_eq!(server.heard()[0].header("user-agent"), Some("us"));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_nothing_is_sent_on() {
    let server = Server::start().await;
    let request = HttpRequest::post(server.url("/elsewhere")).header("x-api-key", "key").body("once");
    let response = http().call(&request, &alone()).await.unwrap();
    assert_eq!((response.status(), response.header("Location")), (307, Some("/status/200")));
    assert!(http().binds(&response) && !response.is_success());
    assert_eq!(server.heard().len(), 1);
    let response = http().call(&HttpRequest::get(server.url("/signed")), &alone()).await.unwrap();
    assert_eq!(response.header("location"), Some("https://[redacted]@a/b?page=2&sig=[redacted]"));
    assert_eq!(response.header("link"), Some("</c?token=[redacted]>; rel=next, </d>"));
}

#[tokio::test]
async fn of_a_responses_headers_the_chosen_ones_are_recorded() {
    let server = Server::start().await;
    let request = HttpRequest::get(server.url("/cookie"));
    let response = http().call(&request, &alone()).await.unwrap();
    let all: Vec<_> = response.headers().collect();
    assert_eq!(all, [("content-type", "text/plain"), ("etag", "\"v1\""), ("link", "a, b")]);
    let chosen = local().record_headers(["X-Odd"]).build().unwrap();
    let response = chosen.call(&request, &alone()).await.unwrap();
    assert_eq!(response.headers().collect::<Vec<_>>(), [("x-odd", "planted-odd")]);
    for (builder, told) in [
        (Http::builder().record_headers(["Set-Cookie"]), "`Set-Cookie` may hold a secret"),
        (Http::builder().record_headers(["a b"]), "`a b` is no header's name"),
        (Http::builder().header("a", "b\n"), "the value of header `a`"),
        (Http::builder().not_an_answer([409, 4090]), "4090 is no status of an answer"),
        (Http::builder().idempotency_header(""), "`` is no header's name"),
    ] {
        let error = builder.build().unwrap_err();
        assert!(matches!(error, HttpError::Settings { .. }) && error.to_string().contains(told), "{error}");
    }
}

#[tokio::test]
async fn no_secret_of_a_call_is_anywhere_in_the_data_directory() {
    let (dir, world, server) = (tempfile::tempdir().unwrap(), World::new(), Server::start().await);
    let http = || {
        let builder = local().header("authorization", "Bearer planted-token").header("x-any", "planted-any");
        builder.build().unwrap()
    };
    let engine = asking(dir.path(), &world, http()).open().await.unwrap();
    let cookie = server.url("/cookie").replace("//", "//ann:planted-pass@");
    assert_eq!(engine.run(asks(vec![server.url("/cookie")])).id("well").await.unwrap(), [200]);
    assert_eq!(server.heard()[0].header("authorization"), Some("Bearer planted-token"));
    // Errors of every sort are recorded, too.
    for (id, path) in [("close", "/close"), ("short", "/short"), ("later", "/status/503")] {
        engine.run(asks(vec![server.url(path)])).id(id).await.unwrap_err();
    }
    let history = engine.history("well").await.unwrap();
    let asked = history.iter().find_map(|entry| match &entry.event {
        Event::FactBound { asked, .. } => Some(asked.clone()),
        _ => None,
    });
    let asked = asked.unwrap();
    assert!(asked.contains("\"method\":\"POST\"") && asked.contains("cents=5"), "{asked}");
    engine.shutdown().await.unwrap();
    for planted in ["planted-token", "planted-any", "planted-cookie", "planted-request", "planted-odd"] {
        assert!(!stands_in(dir.path(), planted), "{planted} is on disk");
    }
    assert!(stands_in(dir.path(), "cents=5"), "the search finds what is there");
    // The workflow's own input is recorded, and so has no credentials here: the request shows none.
    let shown = serde_json::to_string(&HttpRequest::get(cookie)).unwrap();
    assert!(!shown.contains("planted-pass"), "{shown}");
}

#[tokio::test]
async fn a_client_with_rustls_is_built_and_a_server_without_tls_is_no_connection() {
    let server = Server::start().await;
    let url = server.url("/status/200").replace("http:", "https:");
    let error = http().call(&HttpRequest::get(url), &alone()).await.unwrap_err();
    assert!(matches!(error, HttpError::Connect { .. }), "{error}");
    assert!(!error.is_unknown() && server.heard().iter().all(|heard| !heard.line.contains("HTTP")), "{error}");
}
