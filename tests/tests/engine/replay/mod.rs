//! Recorded runs, replayed: nothing is done, and what does not fit is told.

mod bodies;
mod changed;
mod directory;
mod whole;

use std::time::Duration;

use factum::prelude::*;
use factum::testing::Sim;
use factum::{Builder, Call, CallFailure, ReplayEnd, ReplayError, Replayed, Transport};
use serde::{Deserialize, Serialize};

use crate::world::{Oops, World};

#[signal]
#[derive(Debug, Serialize, Deserialize)]
pub struct Go(pub u32);

#[step(compensate = undo(&what), unknown = ignore)]
pub async fn work(io: &mut Io<World>, what: String) -> Result<String, Oops> {
    io.app().act(what.clone());
    if io.app().fails(&what) { Err(Oops::Failed(format!("no {what}"))) } else { Ok(format!("{what} done")) }
}

#[step]
pub async fn undo(io: &mut Io<World>, what: &str) {
    io.app().act(format!("undo {what}"));
}

/// Waits at the gate.
#[step]
pub async fn held(io: &mut Io<World>, what: String) -> String {
    io.app().act(format!("held {what}"));
    io.app().gate.acquire().await.unwrap().forget();
    what
}

#[step(retry(attempts = 3, initial = "1s"))]
pub async fn patient(io: &mut Io<World>) -> Result<u32, Oops> {
    io.app().act("patient");
    if io.app().fails("patient") { Err(Oops::Later) } else { Ok(io.attempt()) }
}

#[step]
pub async fn panics(io: &mut Io<World>) -> u32 {
    io.app().act("panics");
    panic!("no more")
}

#[saga(app = World)]
pub async fn inner(what: String) -> Result<String, Oops> {
    let first = work(format!("{what} 1")).await?;
    let second = work(format!("{what} 2")).await?;
    Ok(format!("{first}, {second}"))
}

#[saga(app = World)]
pub async fn child(what: String) -> Result<String, Oops> {
    work(what).await
}

/// Every operation that there is, once.
#[saga(app = World)]
pub async fn everything(wait: bool) -> Result<String, Oops> {
    let (moment, dice, id) = (now().await, random::<u64>().await, uuid().await);
    publish(&"begun").await;
    let mut said = vec![work("first".to_owned()).await?];
    said.push(inner("well".to_owned()).await?);
    if let Err(error) = inner("badly".to_owned()).await {
        said.push(error.to_string());
    }
    let (one, two) = join((work("one".to_owned()), inner("two".to_owned()))).await;
    said.extend([one?, two?]);
    for result in all(["a", "b", "c"].into_iter().map(|what| work(what.to_owned()))).concurrency(2).await {
        said.push(result?);
    }
    let tried = try_all(["x", "y", "z"].into_iter().map(|what| inner(what.to_owned()))).await;
    said.push(format!("{tried:?}"));
    let won = match race((signal::<Go>(), sleep(seconds(1)), inner("lost".to_owned()))).await {
        First(Go(n)) => format!("went {n}"),
        Second(()) => "slept".to_owned(),
        Third(done) => done?,
    };
    said.push(won);
    said.push(format!("{:?}", signal::<Go>().timeout(Duration::from_millis(5)).await.map_err(|_| "nobody")));
    let child = spawn(child("child".to_owned())).await;
    said.push((&child).await.unwrap());
    said.push(patient().await?.to_string());
    if wait {
        said.push(format!("{:?}", signal::<Go>().await));
    }
    Ok(format!("{moment:?} {dice} {id} {}", said.join("; ")))
}

#[saga(app = World)]
pub async fn fails(what: String) -> Result<(), Oops> {
    work("before".to_owned()).await?;
    inner(what.clone()).await?;
    work(what).await?;
    Ok(())
}

#[saga(app = World)]
pub async fn stands(what: String) -> String {
    work("before".to_owned()).await.unwrap();
    held(what).await
}

#[saga(app = World)]
pub async fn turns(turn: u32, of: u32) -> Result<u32, Oops> {
    work(format!("turn {turn}")).await?;
    if turn < of {
        return again(turns(turn + 1, of)).await;
    }
    Ok(turn)
}

#[saga(app = World)]
pub async fn pauses() -> Result<u32, Oops> {
    pause("for a while").await;
    work("after".to_owned()).await?;
    let n = panics().await;
    Ok(n)
}

/// Tells a rate, and remembers who asked.
pub struct Rates(pub World);

#[derive(Debug, thiserror::Error)]
#[error("nobody answers")]
pub struct Silent;

impl Transport for Rates {
    const NAMESPACE: &'static str = "rates";
    type Request = String;
    type Response = u64;
    type Error = Silent;

    async fn call(&self, request: &String, _: &Call) -> Result<u64, Silent> {
        // Another answer each time.
        let before = self.0.count(&format!("call {request}")) as u64;
        self.0.act(format!("call {request}"));
        if self.0.fails(request) { Err(Silent) } else { Ok(1000 * before + request.len() as u64) }
    }

    fn is_unknown(_: &Silent) -> bool {
        false
    }
}

/// Two calls, a fact, the clock and chance.
#[step(retry(attempts = 2, initial = "1s"))]
pub async fn quote(io: &mut Io<World>, item: String) -> Result<String, CallFailure> {
    let rates = io.transport::<Rates>().unwrap();
    let one = io.call(rates, item.clone()).await?;
    let two = io.call(rates, format!("{item} again")).await?;
    let three: u64 = io
        .fact("three", || async {
            io.app().act("closure");
            Ok::<_, factum::FactError>(3)
        })
        .await
        .unwrap();
    let (moment, dice) = (io.now().await, io.random::<u64>().await);
    let note = io.put(format!("note of {item}").into_bytes()).await.unwrap();
    let label = io.put_artifact(b"label".to_vec()).await.unwrap();
    let labelled = io.artifact(&label).unwrap().len();
    Ok(format!("{one} {two} {three} {moment:?} {dice} {} {labelled} {}", note.len(), io.key()))
}

#[saga(app = World)]
pub async fn quotes(item: String) -> Result<String, CallFailure> {
    quote(item).await
}

pub fn with_all(builder: Builder<factum::NoApp>, world: &World) -> Builder<World> {
    let builder = builder.app(world.clone()).transport(Rates(world.clone()));
    let builder = builder.saga(everything).saga(fails).saga(stands).saga(turns).saga(pauses).saga(child);
    builder.saga(quotes).step(work)
}

pub fn on_sim(sim: &Sim, world: &World) -> Builder<World> {
    with_all(Engine::builder("/data").segment_bytes(64 << 10).sim(sim), world)
}

/// Nothing is there of an engine, nor of its directory.
pub fn nowhere(world: &World) -> Builder<World> {
    with_all(Engine::builder("/nowhere"), world)
}

/// In another process, as it were: without an engine, a runtime or a machine.
pub fn alone<T>(replay: impl IntoFuture<Output = T>) -> T {
    let mut future = std::pin::pin!(replay.into_future());
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut cx) {
        std::task::Poll::Ready(done) => done,
        std::task::Poll::Pending => panic!("a replay waits for something"),
    }
}

pub async fn exported(engine: &Engine, id: &str) -> Vec<u8> {
    let mut lines = Vec::new();
    engine.export(id, &mut lines).await.unwrap();
    lines
}

/// What a run says of itself, and what its export says, with a world that nobody has touched.
pub async fn both(engine: &Engine, id: &str) -> Result<Replayed, ReplayError> {
    let history = engine.history(id).await.unwrap();
    let here = engine.replay(&history).await;
    let untouched = World::new();
    let there = alone(nowhere(&untouched).replay(&exported(engine, id).await[..]));
    assert_eq!(format!("{here:?}"), format!("{there:?}"));
    assert!(untouched.done().is_empty(), "{:?}", untouched.done());
    here
}

pub fn output(replayed: &Replayed) -> String {
    match &replayed.end {
        ReplayEnd::Completed { output } => output.to_text(),
        other => panic!("{other:?}"),
    }
}
