//! Runs that say secrets wherever something can be said: each place with a word of its own, by which it is found.

use std::collections::BTreeMap;

use factum::prelude::*;
use factum::{Call, CallError, FactError, Secret};
use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};

/// The value of a `Secret` that lives.
pub const LIVE: &str = "swordfish/live 8f3a";
/// Known by the name that it stands under.
pub const NAMED: &str = "named-7c1d-swordfish";
/// Known by its look.
pub const LOOKS: &str = "sk-Zq83hfKd02mcPq7LsWvx";

/// The places, each with what it says.
pub const PLACES: &[&str] = &[
    "step-error",
    "retried-error",
    "large-error",
    "timeout-error",
    "panic-text",
    "fact-error",
    "call-error",
    "transport-panic",
    "unrecordable-error",
    "saga-error",
    "scope-error",
    "undo-error",
    "undo-panic",
    "request-text",
    "diverged-request",
    "machine-error",
    "child-error",
    "pause-reason",
    "operator-note",
];

pub struct App {
    pub key: Secret<String>,
}

impl App {
    pub fn new() -> App {
        App { key: Secret::new(format!("{LIVE}\n")) }
    }

    fn says(&self, place: &str) -> String {
        let live = self.key.expose().trim();
        format!("<{place}> {live} {live:?} {LOOKS} https://h/?api_key={NAMED}&x {{\"password\":\"{NAMED}\"}}")
    }

    fn leaks(&self, place: &str) -> Leak {
        let said = self.says(place);
        let headers =
            BTreeMap::from([("Authorization".into(), format!("Basic {NAMED}")), ("accept".into(), said.clone())]);
        Leak { said, access_token: NAMED.into(), headers, pairs: vec![("Set-Cookie".into(), NAMED.into())], tries: 3 }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{said} {access_token}")]
pub struct Leak {
    pub said: String,
    access_token: String,
    headers: BTreeMap<String, String>,
    pairs: Vec<(String, String)>,
    tries: u32,
}

impl From<TimedOut> for Leak {
    fn from(_: TimedOut) -> Leak {
        App::new().leaks("timeout-error")
    }
}

impl From<FactError> for Leak {
    fn from(error: FactError) -> Leak {
        panic!("{error}")
    }
}

impl<T: factum::Transport> From<CallError<T>> for Leak {
    fn from(error: CallError<T>) -> Leak {
        Leak { said: error.to_string(), ..App::new().leaks("") }
    }
}

/// An error whose `Serialize` fails, and says so.
#[derive(Debug, thiserror::Error, Deserialize)]
#[error("unrecordable")]
pub struct Unrecordable(String);

impl Serialize for Unrecordable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom(&self.0))
    }
}

/// A transport that answers, fails or panics as its request says.
pub struct Echo;

#[derive(Serialize)]
pub struct Request {
    how: String,
    asks: Leak,
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

impl factum::Transport for Echo {
    const NAMESPACE: &'static str = "echo";
    type Request = Request;
    type Response = String;
    type Error = Refused;

    async fn call(&self, request: &Request, _: &Call) -> Result<String, Refused> {
        match &*request.how {
            "fail" => Err(Refused(request.asks.said.clone())),
            "panic" => panic!("{}", request.asks.said),
            _ => Ok("heard".into()),
        }
    }

    fn is_unknown(_: &Refused) -> bool {
        false
    }
}

fn request(io: &Io<App>, how: &str, place: &str) -> Request {
    Request { how: how.into(), asks: io.app().leaks(place) }
}

#[step]
async fn fails(io: &mut Io<App>, place: String) -> Result<(), Leak> {
    Err(io.app().leaks(&place))
}

#[step(retry(attempts = 2, initial = "1ms"))]
async fn fails_twice(io: &mut Io<App>) -> Result<(), Leak> {
    Err(io.app().leaks("retried-error"))
}

#[step]
async fn fails_at_length(io: &mut Io<App>) -> Result<(), Leak> {
    let said = io.app().says("large-error");
    Err(Leak { said: said.repeat(1 + 200_000 / said.len()), ..io.app().leaks("large-error") })
}

#[step(timeout = "10ms")]
async fn never_ends(io: &mut Io<App>) -> Result<(), Leak> {
    let _ = io.key();
    std::future::pending().await
}

#[step]
async fn panics(io: &mut Io<App>) -> Result<(), Leak> {
    panic!("{}", io.app().says("panic-text"))
}

#[step]
async fn fails_in_a_fact(io: &mut Io<App>) -> Result<(), Leak> {
    let app = io.app();
    io.fact("leak", || async { Err(app.leaks("fact-error")) }).await
}

#[step]
async fn asks(io: &mut Io<App>, how: String, place: String) -> Result<String, Leak> {
    Ok(io.call(&Echo, request(io, &how, &place)).await?)
}

#[step]
async fn cannot_say(io: &mut Io<App>) -> Result<(), Unrecordable> {
    Err(Unrecordable(io.app().says("unrecordable-error")))
}

#[step(retry(attempts = 2, initial = "1ms"))]
async fn asks_something_else(io: &mut Io<App>) -> Result<(), Leak> {
    let mut asked = request(io, "well", "diverged-request");
    asked.asks.tries = io.attempt();
    io.call(&Echo, asked).await?;
    Err(io.app().leaks("diverged-request"))
}

#[step(compensate = fails("undo-error".to_owned()))]
async fn undone_badly(io: &mut Io<App>) {
    let _ = io.key();
}

#[step(compensate = fails(bursts()))]
async fn undone_never(io: &mut Io<App>) {
    let _ = io.key();
}

fn bursts() -> String {
    panic!("{}", App::new().says("undo-panic"))
}

/// What a body is told of an error has no secrets in it, live as in a replay.
pub fn is_clean(text: &str) -> bool {
    ![LIVE, NAMED, LOOKS].iter().any(|secret| text.contains(secret)) && text.contains("[redacted]")
}

#[saga(app = App)]
async fn scope() -> Result<(), Leak> {
    Err(App::new().leaks("scope-error"))
}

#[saga(app = App)]
pub async fn whole(clean: bool) -> Result<(), Leak> {
    let told = [
        fails("step-error".to_owned()).await,
        fails_twice().await,
        fails_at_length().await,
        never_ends().await,
        fails_in_a_fact().await,
        asks("fail".to_owned(), "call-error".to_owned()).await.map(drop),
        asks("panic".to_owned(), "transport-panic".to_owned()).await.map(drop),
        asks("well".to_owned(), "request-text".to_owned()).await.map(drop),
        scope().await,
    ];
    for leak in told.into_iter().filter_map(Result::err) {
        assert!(!clean || is_clean(&format!("{leak:?}")), "a body was told more than was recorded: {leak:?}");
    }
    undone_badly().await;
    undone_never().await;
    Err(App::new().leaks("saga-error"))
}

#[saga(app = App)]
pub async fn panicking() -> Result<(), Leak> {
    panics().await
}

#[saga(app = App)]
pub async fn unrecordable() -> Result<(), Unrecordable> {
    cannot_say().await
}

#[saga(app = App)]
pub async fn diverging() -> Result<(), Leak> {
    asks_something_else().await
}

#[saga(app = App)]
pub async fn child() -> Result<(), Leak> {
    fails("child-error".to_owned()).await
}

#[saga(app = App)]
pub async fn pausing() -> Result<(), String> {
    let ended = spawn(child()).await.await;
    pause(&App::new().says("pause-reason")).await;
    ended.map_err(|error| error.to_string())
}

#[fsm(app = App, error = Leak)]
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Machine {
    #[initial]
    #[next(Last)]
    First {},
    #[terminal]
    Last {},
}

#[state]
async fn first(_state: machine::First) -> Result<Next<machine::First>, Leak> {
    fails("machine-error".to_owned()).await?;
    Ok(go(machine::Last {}))
}

/// Has everything said that can be said. The ids of the runs.
pub async fn plays(engine: &Engine, clean: bool) -> Vec<String> {
    let said = App::new().says("operator-note");
    drop(engine.start(whole(clean)).id("whole").await.unwrap().outcome().await.unwrap());
    engine.abandon("whole", said).await.unwrap();
    drop(engine.start(panicking()).id("panicking").await.unwrap().outcome().await.unwrap());
    drop(engine.start(unrecordable()).id("unrecordable").await.unwrap().outcome().await.unwrap());
    drop(engine.start(diverging()).id("diverging").await.unwrap().outcome().await.unwrap());
    drop(engine.start(pausing()).id("pausing").await.unwrap().outcome().await.unwrap());
    drop(engine.start(machine::First {}).id("machine").await.unwrap().outcome().await.unwrap());
    let mut runs: Vec<String> =
        ["whole", "panicking", "unrecordable", "diverging", "pausing", "machine"].map(str::to_owned).into();
    let page = engine.list().await.unwrap();
    runs.extend(page.iter().map(|run| run.id.to_string()).filter(|id| id.contains('/')));
    runs
}

/// An engine on which everything can be said.
pub fn with(builder: factum::Builder) -> factum::Builder<App> {
    let app = builder.segment_bytes(1 << 20).arena_segment_bytes(1 << 20).app(App::new());
    let app = app.saga(whole).saga(panicking).saga(unrecordable).saga(diverging).saga(child).saga(pausing);
    app.fsm::<Machine>()
}
