//! Bound once for the step: every attempt, whatever ended the one before, gets the same values.

use std::time::{Duration, UNIX_EPOCH};

use factum::prelude::*;
use factum::testing::{Loss, Sim};
use factum::{Event, FactError, Uuid};
use serde::{Deserialize, Serialize};

use super::scene::{Asking, End, Oops, Outside, ask, builder, facts, keys};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct All {
    made: u32,
    answer: String,
    again: String,
    now: Duration,
    later: Duration,
    bytes: Vec<u8>,
    number: u64,
    pair: (u8, bool),
    uuid: Uuid,
}

/// Every fact there is.
#[step(retry(attempts = 9), timeout = "1h")]
async fn all_facts(io: &mut Io<Outside>) -> Result<All, Oops> {
    let world = io.app().clone();
    let transport = Asking(world.clone());
    let made = io.fact("made", || async {
        world.act("made");
        Ok::<_, Oops>(u32::try_from(world.count("made")).unwrap())
    });
    let made = made.await?;
    let answer = io.call(&transport, ask("price")).await?.text;
    let again = io.call(&transport, ask("price")).await?.text;
    let now = io.now().await.duration_since(UNIX_EPOCH).unwrap();
    let later = io.now().await.duration_since(UNIX_EPOCH).unwrap();
    let bytes = io.random_bytes(40).await;
    let (number, pair) = (io.random::<u64>().await, io.random::<(u8, bool)>().await);
    let uuid = io.uuid().await;
    let all = All { made, answer, again, now, later, bytes, number, pair, uuid };
    io.app().act(format!("seen {all:?}"));
    io.app().end().await?;
    Ok(all)
}

#[saga(app = Outside)]
async fn knows() -> Result<All, Oops> {
    all_facts().await
}

const KEYS: [&str; 9] =
    ["fact:made#0", "call:ask#0", "call:ask#1", "now#0", "now#1", "random#0", "random#1", "random#2", "uuid#0"];

/// Whatever was seen, by whichever attempt, is one and the same.
fn judge(world: &Outside, all: &All, attempts: usize) {
    let seen = world.done_of("seen");
    assert_eq!(seen.len(), attempts);
    assert!(seen.iter().all(|line| *line == format!("seen {all:?}")), "{seen:?}");
    assert_eq!((world.count("made"), world.count("ask price")), (1, 2));
    assert_eq!((all.made, &*all.answer, &*all.again), (1, "price 1", "price 2"));
    assert!(all.later >= all.now && all.bytes.len() == 40 && all.bytes.iter().any(|byte| *byte != 0));
    assert_eq!(all.uuid.get_version_num(), 4);
}

#[test]
fn attempts_that_end_in_an_error_or_a_panic_leave_their_facts() {
    let sim = Sim::new(1);
    let world = Outside::new(&sim);
    world.ends([End::Fails, End::Panics, End::Fails]);
    sim.run(async {
        let engine = builder(&sim, &world).saga(knows).open().await.unwrap();
        let all = engine.run(knows()).id("r").await.unwrap();
        judge(&world, &all, 4);
        assert_eq!(keys(&engine, "r").await, KEYS);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_timeout_and_a_shutdown_and_a_crash_leave_them() {
    for loss in Loss::ALL {
        let sim = Sim::new(2);
        let world = Outside::new(&sim);
        world.ends([End::Hangs, End::Hangs]);
        let builder = || builder(&sim, &world).saga(knows).shutdown_timeout(Duration::from_millis(10));
        sim.run(async {
            let engine = builder().open().await.unwrap();
            engine.start(knows()).id("r").await.unwrap();
            // The timeout of the first one.
            world.hear().await;
            world.hear().await;
            engine.shutdown().await.unwrap();
        });
        world.ends([End::Hangs]);
        sim.run(async {
            let engine = builder().open().await.unwrap();
            world.hear().await;
            std::mem::forget(engine);
        });
        sim.crash(loss);
        sim.run(async {
            let engine = builder().open().await.unwrap();
            let Outcome::Completed(run) = engine.attach(knows, "r").await.unwrap().outcome().await.unwrap() else {
                panic!("it is not completed");
            };
            judge(&world, run.output(), 4);
            assert_eq!(keys(&engine, "r").await, KEYS);
            engine.shutdown().await.unwrap();
        });
    }
}

#[test]
fn facts_are_in_the_history_with_key_request_size_and_time() {
    let sim = Sim::new(3);
    let world = Outside::new(&sim);
    sim.run(async {
        let engine = builder(&sim, &world).saga(knows).open().await.unwrap();
        let before = sim.now();
        engine.run(knows()).id("r").await.unwrap();
        let history = engine.history("r").await.unwrap();
        let text = history.to_string();
        let line = text.lines().find(|line| line.contains("`call:ask#0`")).unwrap();
        let wanted =
            r#"`call:ask#0`, request eac1123a06684871 {"what":"price"}, 35 bytes: {"text":"price 1","is_later":false}"#;
        assert!(line.contains(wanted), "{line}");
        let entry = history.iter().find(|entry| match &entry.event {
            Event::FactBound { fact, .. } => fact.to_string() == "call:ask#0",
            _ => false,
        });
        let entry = entry.unwrap();
        let Event::FactBound { request, value, .. } = &entry.event else { unreachable!() };
        assert!(factum::Timestamp::from(entry.time) >= before);
        assert_eq!(value.to_text(), r#"{"text":"price 1","is_later":false}"#);
        // SHA-256 of `{"what":"price"}`, as any tool gives it.
        assert_eq!(request.to_string(), "eac1123a06684871a6864feeb8434bc62da31b70b230136ecab530ad8400f817");
        engine.shutdown().await.unwrap();
    });
}

#[step]
async fn three_of_a_name(io: &mut Io<Outside>) -> Result<Vec<u32>, FactError> {
    let mut all = Vec::new();
    for n in 0..3 {
        all.push(io.fact("n", || async move { Ok::<_, FactError>(n * 10) }).await?);
    }
    let both = tokio::join!(
        io.fact("n", || async { Ok::<_, FactError>(100) }),
        io.fact("m", || async { Ok::<_, FactError>(200) })
    );
    all.extend([both.0?, both.1?]);
    Ok(all)
}

/// A fact whose closure asks the same `io` for others.
#[step(retry(attempts = 3))]
async fn nested(io: &mut Io<Outside>) -> Result<(String, String), Oops> {
    let world = io.app().clone();
    let transport = Asking(world.clone());
    let io = &*io;
    let outer = io.fact("a/b#%", || async {
        let number: u8 = io.random().await;
        let inner = io.fact("inner", || async { Ok::<_, Oops>(io.call(&transport, ask("inner")).await?.text) });
        let inner = inner.await?;
        world.end().await?;
        Ok::<_, Oops>(format!("{number} {inner}"))
    });
    let outer = outer.await?;
    let after = io.call(&transport, ask("after")).await?.text;
    world.end().await?;
    Ok((outer, after))
}

#[saga(app = Outside)]
async fn names() -> Result<Vec<u32>, FactError> {
    three_of_a_name().await
}

#[saga(app = Outside)]
async fn nests() -> Result<(String, String), Oops> {
    nested().await
}

#[test]
fn facts_of_one_name_are_told_apart_by_their_order() {
    let sim = Sim::new(4);
    let world = Outside::new(&sim);
    sim.run(async {
        let engine = builder(&sim, &world).saga(names).open().await.unwrap();
        assert_eq!(engine.run(names()).id("r").await.unwrap(), [0, 10, 20, 100, 200]);
        assert_eq!(keys(&engine, "r").await, ["fact:n#0", "fact:n#1", "fact:n#2", "fact:n#3", "fact:m#0"]);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_facts_closure_may_ask_for_facts_and_they_stand_within_it() {
    let sim = Sim::new(5);
    let world = Outside::new(&sim);
    // Once the outer one fails when it has the inner ones, once the step when it has all.
    world.ends([End::Fails]);
    sim.run(async {
        let engine = builder(&sim, &world).saga(nests).open().await.unwrap();
        world.ends.lock().unwrap().clear();
        world.ends([End::Fails]);
        let (outer, after) = engine.run(nests()).id("r").await.unwrap();
        assert!(outer.ends_with(" inner 1"), "{outer}");
        assert_eq!(after, "after 1");
        assert_eq!((world.count("ask inner"), world.count("ask after")), (1, 1));
        let within = "fact:a%2Fb%23%25#0";
        let wanted = [
            format!("{within}/random#0"),
            format!("{within}/fact:inner#0/call:ask#0"),
            format!("{within}/fact:inner#0"),
            within.to_owned(),
            "call:ask#0".to_owned(),
        ];
        assert_eq!(keys(&engine, "r").await, wanted);
        engine.shutdown().await.unwrap();
    });
}

/// An attempt that outlives its timeout, in a task of its own, while the next one asks for the same.
#[step(retry(attempts = 2), timeout = "1s")]
async fn leaks(io: &mut Io<Outside>) -> Result<String, Oops> {
    let (world, own) = (io.app().clone(), io.without_app());
    if io.attempt() == 1 {
        io.app().sim.spawn(async move {
            // The other one is faster.
            let _ = who(&own, &world, true).await;
        });
        return std::future::pending().await;
    }
    let value = who(&own, &world, false).await?;
    // The step has not ended when the slower one binds.
    world.let_go();
    world.hear().await;
    world.hear().await;
    Ok(value)
}

async fn who(io: &Io, world: &Outside, is_slow: bool) -> Result<String, Oops> {
    let attempt = io.attempt();
    let value = io.fact("who", || async {
        if is_slow {
            world.wait().await;
        }
        Ok::<_, Oops>(format!("attempt {attempt}"))
    });
    let value = value.await;
    world.act(format!("{attempt} got {value:?}"));
    world.tell();
    value
}

#[saga(app = Outside)]
async fn leaky() -> Result<String, Oops> {
    leaks().await
}

#[test]
fn the_loser_of_a_bind_gets_the_bound_value() {
    let sim = Sim::new(7);
    let world = Outside::new(&sim);
    sim.run(async {
        let engine = builder(&sim, &world).saga(leaky).open().await.unwrap();
        assert_eq!(engine.run(leaky()).id("r").await.unwrap(), "attempt 2");
        let got = |n: u32| world.count(&format!("{n} got Ok(\"attempt 2\")"));
        assert_eq!((got(1), got(2)), (1, 1), "{:?}", world.done());
        assert_eq!(facts(&engine, "r").await.len(), 1);
        engine.shutdown().await.unwrap();
    });
}

/// An attempt that outlives its step.
#[step]
async fn leaves(io: &mut Io<Outside>) -> Result<u32, Oops> {
    let (world, own) = (io.app().clone(), io.without_app());
    io.app().sim.spawn(async move {
        world.wait().await;
        let value = own.fact("late", || async { Ok::<u32, FactError>(1) }).await;
        world.act(format!("late: {}", value.unwrap_err()));
        let call = own.call(&Asking(world.clone()), ask("late")).await;
        world.act(format!("late: {}", call.unwrap_err()));
        world.tell();
    });
    Ok(7)
}

#[saga(app = Outside)]
async fn left_behind() -> Result<u32, Oops> {
    leaves().await
}

#[test]
fn a_step_that_has_ended_binds_nothing_and_calls_nobody() {
    let sim = Sim::new(8);
    let world = Outside::new(&sim);
    sim.run(async {
        let engine = builder(&sim, &world).saga(left_behind).open().await.unwrap();
        assert_eq!(engine.run(left_behind()).id("r").await.unwrap(), 7);
        world.let_go();
        world.hear().await;
        assert_eq!(world.done_of("ask late").len(), 0);
        let wanted = [
            "late: the step has ended: it binds no fact any more",
            "late: `ask` was called by an attempt of a step that has ended",
        ];
        assert_eq!(world.done_of("late"), wanted);
        assert!(keys(&engine, "r").await.is_empty());
        engine.shutdown().await.unwrap();
    });
}

/// No effect: nothing that it is given need be on disk.
#[step(pure)]
async fn draws(io: &mut Io<Outside>) -> u64 {
    let mut all = 0;
    for _ in 0..50 {
        all ^= io.random::<u64>().await;
    }
    all
}

#[step]
async fn acts_on_each(io: &mut Io<Outside>) -> u64 {
    let mut all = 0;
    for _ in 0..50 {
        all ^= io.random::<u64>().await;
    }
    all
}

#[saga(app = Outside)]
async fn pure_one() -> u64 {
    draws().await
}

#[saga(app = Outside)]
async fn effectful_one() -> u64 {
    acts_on_each().await
}

#[test]
fn a_pure_step_waits_for_no_disk_and_any_other_for_each_fact() {
    let sim = Sim::new(6);
    let world = Outside::new(&sim);
    sim.run(async {
        let engine = builder(&sim, &world).saga(pure_one).saga(effectful_one).open().await.unwrap();
        let syncs = || engine.stats().syncs;
        let before = syncs();
        engine.run(pure_one()).id("p").await.unwrap();
        let pure = syncs() - before;
        assert!(pure <= 6, "{pure}");
        let before = syncs();
        engine.run(effectful_one()).id("e").await.unwrap();
        assert!(syncs() - before >= 50, "{}", syncs() - before);
        assert_eq!((keys(&engine, "p").await.len(), keys(&engine, "e").await.len()), (50, 50));
        engine.shutdown().await.unwrap();
    });
}

/// A secret that somebody puts into a name.
#[step]
async fn names_a_secret(io: &mut Io<Outside>) -> Result<(), Oops> {
    let secret = factum::Secret::new("planted-in-a-name".to_owned());
    let transport = Asking(io.app().clone());
    io.fact(&format!("of {}", secret.expose()), || async { Ok::<u32, Oops>(1) }).await?;
    io.call(&transport, ask("it")).named(secret.expose()).await?;
    Ok(())
}

#[saga(app = Outside)]
async fn naming() -> Result<(), Oops> {
    names_a_secret().await
}

#[test]
fn a_secret_in_a_facts_name_is_hidden() {
    let sim = Sim::new(9);
    let world = Outside::new(&sim);
    sim.run(async {
        let engine = builder(&sim, &world).saga(naming).open().await.unwrap();
        engine.run(naming()).id("r").await.unwrap();
        assert_eq!(keys(&engine, "r").await, ["fact:of [redacted]#0", "call:ask:[redacted]#0"]);
        engine.shutdown().await.unwrap();
    });
}
