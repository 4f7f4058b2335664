//! Bodies of responses: large ones, endless ones, and those that are not what was expected.

use std::sync::atomic::Ordering;

use factum::http::{Http, HttpError, HttpRequest};
use factum::prelude::*;
use factum::{ArtifactId, Builder, Transport};

use super::alone;
use super::http::{http, local};
use super::server::Server;
use crate::world::{Oops, World, builder};

fn failed(error: impl std::fmt::Display) -> Oops {
    Oops::Failed(error.to_string())
}

/// Looks at a body in each of three attempts.
#[step(retry(attempts = 3, initial = "1ms"))]
async fn look(io: &mut Io<World>, url: String) -> Result<(usize, ArtifactId), Oops> {
    let answer = io.call(io.transport::<Http>().map_err(failed)?, HttpRequest::get(url)).await.map_err(failed)?;
    let digest = ArtifactId::of(answer.bytes());
    io.app().act(format!("{} bytes {digest}, a blob: {}", answer.bytes().len(), answer.blob().is_some()));
    if io.attempt() < 3 { Err(Oops::Later) } else { Ok((answer.bytes().len(), digest)) }
}

/// Decodes a body in each of three attempts.
#[step(retry(attempts = 3, initial = "1ms"))]
async fn decode(io: &mut Io<World>, url: String) -> Result<u64, Oops> {
    let answer = io.call(io.transport::<Http>().map_err(failed)?, HttpRequest::get(url)).await.map_err(failed)?;
    answer.json::<u64>().map_err(|error| {
        assert!(matches!(error, HttpError::Decode { status: 200, .. }) && !error.is_unknown());
        io.app().act(error.to_string());
        failed(error)
    })
}

#[saga(app = World)]
async fn looks(url: String) -> Result<(usize, ArtifactId), Oops> {
    look(url).await
}

#[saga(app = World)]
async fn decodes(url: String) -> Result<u64, Oops> {
    decode(url).await
}

fn looking(dir: &std::path::Path, world: &World) -> Builder<World> {
    builder(dir, world).saga(looks).saga(decodes).transport(http())
}

#[tokio::test]
async fn a_body_is_the_same_in_every_attempt_and_a_large_one_stands_in_the_arena() {
    let (dir, world, server) = (tempfile::tempdir().unwrap(), World::new(), Server::start().await);
    let engine = looking(dir.path(), &world).open().await.unwrap();
    for (path, len, in_arena) in
        [("/bytes", 4, false), ("/large/0", 0, false), ("/large/65536", 65536, false), ("/large/300000", 300_000, true)]
    {
        let (asked, done) = (server.heard().len(), world.done().len());
        let (found, digest) = engine.run(looks(server.url(path))).id(path).await.unwrap();
        assert_eq!(found, len, "{path}");
        let wanted = format!("{len} bytes {digest}, a blob: {in_arena}");
        assert_eq!(world.done()[done..], [wanted.clone(), wanted.clone(), wanted], "{path}");
        assert_eq!(server.heard().len(), asked + 1, "{path}");
    }
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_body_that_does_not_decode_is_bound_and_the_same_typed_error_in_every_attempt() {
    let (dir, world, server) = (tempfile::tempdir().unwrap(), World::new(), Server::start().await);
    let engine = looking(dir.path(), &world).open().await.unwrap();
    assert_eq!(engine.run(decodes(server.url("/number"))).id("well").await.unwrap(), 7);
    assert_eq!(world.done(), Vec::<String>::new());
    engine.run(decodes(server.url("/odd"))).id("odd").await.unwrap_err();
    let done = world.done();
    assert!(done.len() == 3 && done[0].contains("is no u64") && done.iter().all(|error| *error == done[0]), "{done:?}");
    assert_eq!(server.heard().len(), 2, "it was asked once");
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_body_above_the_limit_is_an_error_and_no_more_of_it_is_read() {
    // What the network takes beyond the reader: buffers of both sockets, and of hyper.
    const ON_THE_WAY: u64 = 32 << 20;
    let server = Server::start().await;
    let small = local().max_body(1 << 20).build().unwrap();
    for (http, path, limit) in
        [(&small, "/endless", 1 << 20), (&http(), "/endless", 64 << 20), (&small, "/announced", 0)]
    {
        server.written.store(0, Ordering::Relaxed);
        let error = http.call(&HttpRequest::get(server.url(path)), &alone()).await.unwrap_err();
        assert!(matches!(error, HttpError::TooLarge { status: 200, .. }) && error.is_unknown(), "{error}");
        let written = server.written.load(Ordering::Relaxed);
        assert!(written < limit + ON_THE_WAY, "{path}: {written} bytes were taken");
    }
    let exact = http().call(&HttpRequest::get(server.url("/large/1048576")), &alone()).await;
    assert!(matches!(exact, Err(HttpError::Storage { .. })), "a call of no run has no arena: {exact:?}");
    let exact = small.call(&HttpRequest::get(server.url("/large/1048577")), &alone()).await;
    assert!(matches!(exact, Err(HttpError::TooLarge { limit: 1_048_576, .. })), "{exact:?}");
}
