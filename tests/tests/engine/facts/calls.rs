//! Calls of transports: what binds, what does not, and what nobody knows of it.

use std::time::Duration;

use factum::prelude::*;
use factum::testing::Sim;
use factum::{CallFailure, Event, StorageError};
use serde::{Deserialize, Serialize};

use super::scene::{Act, Asking, End, Oops, Outside, ask, builder, facts, keys};

#[step(
    retry(attempts = 3, initial = "1s"),
    compensate = note("undone".into()),
    unknown = note("settled".into()),
)]
async fn price(io: &mut Io<Outside>) -> Result<String, CallFailure> {
    let transport = Asking(io.app().clone());
    Ok(io.call(&transport, ask("price")).await?.text)
}

#[step]
async fn note(io: &mut Io<Outside>, what: String) {
    io.app().act(what);
}

#[saga(app = Outside)]
async fn prices() -> Result<String, CallFailure> {
    price().await
}

/// Plays a saga whose calls come to these ends.
fn play(acts: &[Act]) -> (Outside, String, Vec<(bool, String)>) {
    let sim = Sim::new(acts.len() as u64);
    let world = Outside::new(&sim);
    world.script(acts.iter().copied());
    let (told, ends) = sim.run(async {
        let engine = builder(&sim, &world).saga(prices).open().await.unwrap();
        let told = match engine.run(prices()).id("r").await {
            Ok(text) => text,
            Err(error) => format!("{error}"),
        };
        let history = engine.history("r").await.unwrap();
        let ends = history.iter().filter_map(|entry| match &entry.event {
            Event::AttemptFailed { unknown, cause, .. } | Event::StepFailed { unknown, cause, .. } => {
                Some((*unknown, cause.to_string()))
            }
            _ => None,
        });
        let ends = ends.collect();
        engine.shutdown().await.unwrap();
        (told, ends)
    });
    (world, told, ends)
}

#[test]
fn a_failed_call_binds_nothing_and_the_next_attempt_calls_again() {
    for (act, unknown, says) in [
        (Act::Later, false, "`ask` gave a response that is no answer yet: Answer {"),
        (Act::Refused, false, "`ask`: refused"),
        (Act::Unclear, true, "`ask`: nobody knows whether it was heard"),
        (Act::Panic, true, "`ask` panicked: in the middle"),
        (Act::PanicAtOnce, true, "`ask` panicked: at once"),
        (Act::Never, true, "`ask` did not answer within 60s"),
        (Act::Garbled, true, "a response of `ask` that cannot be recorded: its JSON cannot be read back"),
    ] {
        let (world, told, ends) = play(&[act, act]);
        assert_eq!(told, "price 3", "{act:?}");
        assert_eq!(world.count("ask price"), 3);
        assert_eq!(ends.len(), 2);
        for (ended_unknown, cause) in &ends {
            assert!(cause.contains(says), "{cause}");
            assert_eq!(*ended_unknown, unknown, "{act:?}");
        }
        // The same call each time, as far as the world can tell.
        let keys = world.done_of("key price");
        assert!(keys.len() == 3 && keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    }
}

#[test]
fn the_undo_for_an_unknown_end_runs_if_any_call_left_nobody_knowing() {
    for (acts, wanted) in [
        ([Act::Refused, Act::Refused, Act::Refused], None),
        ([Act::Later, Act::Later, Act::Later], None),
        ([Act::Unclear, Act::Refused, Act::Refused], Some("settled")),
        ([Act::Refused, Act::Refused, Act::Never], Some("settled")),
    ] {
        let (world, _, _) = play(&acts);
        assert_eq!((world.count("settled"), world.count("undone")), (usize::from(wanted.is_some()), 0), "{acts:?}");
    }
}

/// Nobody else knows of what a call did: the body hides it.
#[step(compensate = note("undone".into()), unknown = note("settled".into()))]
async fn hides(io: &mut Io<Outside>, how: u32) -> Result<u32, Oops> {
    let transport = Asking(io.app().clone());
    match how {
        // It was dropped in the middle.
        0 => tokio::select! {
            biased;
            _ = io.call(&transport, ask("it")) => return Ok(0),
            () = std::future::ready(()) => {}
        },
        1 => drop(io.call(&transport, ask("it")).await),
        2 => drop(io.call(&transport, ask("it")).timeout(Duration::from_millis(5)).await),
        // It was never awaited.
        _ => drop(io.call(&transport, ask("it"))),
    }
    Err(Oops("hidden".into()))
}

#[saga(app = Outside)]
async fn hidden(how: u32) -> Result<u32, Oops> {
    hides(how).await
}

#[test]
fn a_call_that_the_body_hides_still_ends_the_attempt_unknown() {
    for (how, act, settled) in
        [(0, Act::Never, 1), (1, Act::Unclear, 1), (1, Act::Refused, 0), (2, Act::Never, 1), (3, Act::Unclear, 0)]
    {
        let sim = Sim::new(u64::from(how));
        let world = Outside::new(&sim);
        world.script([act]);
        sim.run(async {
            let engine = builder(&sim, &world).saga(hidden).open().await.unwrap();
            engine.run(hidden(how)).id("r").await.unwrap_err();
            assert_eq!(world.count("settled"), settled, "{how} {act:?}: {:?}", world.done());
            engine.shutdown().await.unwrap();
        });
    }
}

/// Tries by itself, and another way if that fails.
#[step(retry(attempts = 4, initial = "1s"))]
async fn tries(io: &mut Io<Outside>) -> Result<Vec<String>, Oops> {
    let transport = Asking(io.app().clone());
    let mut all = Vec::new();
    let first = match io.call(&transport, ask("first")).await {
        Ok(answer) => answer,
        Err(_) => io.call(&transport, ask("first")).await?,
    };
    all.push(first.text);
    match io.call(&transport, ask("main")).await {
        Ok(answer) => all.push(answer.text),
        Err(_) => all.push(io.call(&transport, ask("spare")).await?.text),
    }
    all.push(io.call(&transport, ask("last")).await?.text);
    io.app().end().await?;
    Ok(all)
}

#[saga(app = Outside)]
async fn trying() -> Result<Vec<String>, Oops> {
    tries().await
}

#[test]
fn a_body_may_call_again_or_somebody_else_and_nothing_bound_is_asked_again() {
    // The first call fails once in the first attempt, the main one too; in the second attempt everything works.
    let sim = Sim::new(9);
    let world = Outside::new(&sim);
    world.script([Act::Refused, Act::Answer, Act::Refused]);
    world.ends([End::Fails]);
    sim.run(async {
        let engine = builder(&sim, &world).saga(trying).open().await.unwrap();
        let all = engine.run(trying()).id("r").await.unwrap();
        assert_eq!(all, ["first 2", "main 2", "last 1"]);
        let count = |what: &str| world.count(&format!("ask {what}"));
        assert_eq!((count("first"), count("main"), count("spare"), count("last")), (2, 2, 1, 1));
        assert_eq!(keys(&engine, "r").await, ["call:ask#0", "call:ask#2", "call:ask#3", "call:ask#1"]);
        engine.shutdown().await.unwrap();
    });
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Several {
    named: String,
    registered: String,
    joined: Vec<String>,
}

#[step(retry(attempts = 2, initial = "1s"))]
async fn several(io: &mut Io<Outside>) -> Result<Several, Oops> {
    let transport = Asking(io.app().clone());
    let named = io.call(&transport, ask("a")).named("the first").await?.text;
    let registered = io.call(io.transport::<Asking>()?, ask("a")).await?.text;
    let (x, y) = tokio::join!(io.call(&transport, ask("x")), io.call(&transport, ask("y")));
    let joined = vec![x?.text, y?.text];
    io.app().end().await?;
    Ok(Several { named, registered, joined })
}

#[saga(app = Outside)]
async fn many() -> Result<Several, Oops> {
    several().await
}

#[test]
fn calls_have_names_and_transports_are_registered_or_passed() {
    let sim = Sim::new(10);
    let world = Outside::new(&sim);
    world.ends([End::Fails]);
    sim.run(async {
        let builder = builder(&sim, &world).saga(many).transport(Asking(world.clone()));
        let engine = builder.open().await.unwrap();
        let all = engine.run(many()).id("r").await.unwrap();
        let wanted =
            Several { named: "a 1".into(), registered: "a 2".into(), joined: vec!["x 1".into(), "y 1".into()] };
        assert_eq!(all, wanted);
        assert_eq!(keys(&engine, "r").await, ["call:ask:the first#0", "call:ask#0", "call:ask#1", "call:ask#2"]);
        // Every call of the step is another one to the world.
        let mut told = world.done_of("key ");
        assert_eq!(told.len(), 4);
        told.iter_mut().for_each(|line| *line = line.rsplit(' ').next().unwrap().to_owned());
        told.sort();
        told.dedup();
        assert_eq!(told.len(), 4);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_transport_that_nobody_registered_and_two_of_one_name_are_told() {
    let sim = Sim::new(11);
    let world = Outside::new(&sim);
    sim.run(async {
        let engine = builder(&sim, &world).saga(many).open().await.unwrap();
        let error = engine.run(many()).id("r").await.unwrap_err().to_string();
        let wanted = "no transport `ask` of this type is registered: add `.transport(..)` to the engine's builder";
        assert!(error.contains(wanted), "{error}");
        engine.shutdown().await.unwrap();
        let twice = builder(&sim, &world).transport(Asking(world.clone())).transport(Asking(world.clone()));
        let error = twice.open().await.unwrap_err().to_string();
        let wanted = "two transports are called `ask`: register one of them, or give it another `NAMESPACE`";
        assert_eq!(error, wanted);
    });
}

#[test]
fn a_large_answer_lies_in_the_arena_and_comes_back_from_there() {
    let sim = Sim::new(12);
    let world = Outside::new(&sim);
    world.script([Act::Large(1 << 20), Act::Large(1 << 20)]);
    world.ends([End::Fails]);
    sim.run(async {
        let engine = builder(&sim, &world).saga(many).transport(Asking(world.clone())).open().await.unwrap();
        let all = engine.run(many()).id("r").await.unwrap();
        assert_eq!((all.named.len(), all.registered.len()), (1 << 20, 1 << 20));
        assert_eq!(world.count("ask a"), 2);
        assert!(engine.stats().blob_bytes >= 2 << 20);
        // Its replay from a file has them, too, and asks nobody.
        let mut lines = Vec::new();
        engine.export("r", &mut lines).await.unwrap();
        let asked = world.done_of("ask ").len();
        let nowhere = Engine::builder("").app(world.clone()).saga(many).transport(Asking(world.clone()));
        let replayed = nowhere.replay(&lines[..]).all_steps().await.unwrap();
        assert_eq!((replayed.facts, world.done_of("ask ").len()), (4, asked));
        engine.shutdown().await.unwrap();
    });
    // The log has a few bytes of each.
    let report = sim.run(async { builder(&sim, &world).verify().await.unwrap() });
    assert!(report.is_clean() && report.blobs >= 2, "{report:?}");
}

/// Whoever exports a run in the middle of a step takes its facts along.
#[test]
fn an_imported_run_has_its_facts() {
    let sim = Sim::new(13);
    let world = Outside::new(&sim);
    world.ends([End::Hangs]);
    let mut lines = Vec::new();
    sim.run(async {
        let engine = builder(&sim, &world).saga(many).transport(Asking(world.clone())).open().await.unwrap();
        engine.start(many()).id("r").await.unwrap();
        world.hear().await;
        engine.export("r", &mut lines).await.unwrap();
        std::mem::forget(engine);
    });
    let other = Sim::new(14);
    other.run(async {
        let engine = builder(&other, &world).saga(many).transport(Asking(world.clone())).open().await.unwrap();
        let before = world.done().len();
        engine.import(&lines[..]).await.unwrap();
        let outcome = engine.attach(many, "r").await.unwrap().outcome().await.unwrap();
        assert!(matches!(outcome, Outcome::Completed(_)), "{outcome:?}");
        assert_eq!(world.done().len(), before, "nobody is called again");
        assert_eq!(facts(&engine, "r").await.len(), 4);
        engine.shutdown().await.unwrap();
    });
}

/// Answers with a blob.
struct Puts;

impl factum::Transport for Puts {
    const NAMESPACE: &'static str = "puts";
    type Request = u32;
    type Response = factum::Blob;
    type Error = StorageError;

    async fn call(&self, bytes: &u32, call: &factum::Call) -> Result<factum::Blob, StorageError> {
        call.put(vec![7; *bytes as usize]).await
    }

    fn is_unknown(_: &StorageError) -> bool {
        false
    }
}

#[step(retry(attempts = 2, initial = "1s"))]
async fn fetch(io: &mut Io<Outside>, bytes: u32) -> Result<factum::Blob, Oops> {
    let blob = io.call(&Puts, bytes).await?;
    io.app().end().await?;
    Ok(blob)
}

#[saga(app = Outside)]
async fn fetches(bytes: u32) -> Result<factum::Blob, Oops> {
    fetch(bytes).await
}

#[test]
fn an_answer_may_hold_a_blob() {
    let sim = Sim::new(15);
    let world = Outside::new(&sim);
    world.ends([End::Fails]);
    sim.run(async {
        let engine = builder(&sim, &world).saga(fetches).open().await.unwrap();
        let blob = engine.run(fetches(300_000)).id("r").await.unwrap();
        assert!(blob.len() == 300_000 && blob.iter().all(|byte| *byte == 7));
        assert_eq!(engine.stats().blobs, 1, "one is put, and the second attempt gets it");
        let mut lines = Vec::new();
        engine.export("r", &mut lines).await.unwrap();
        let nowhere = Engine::builder("").app(world.clone()).saga(fetches);
        assert_eq!(nowhere.replay(&lines[..]).all_steps().await.unwrap().facts, 1);
        engine.shutdown().await.unwrap();
    });
}
