//! Code that asks for something else than it did when it was answered.

use factum::prelude::*;
use factum::testing::{Loss, Sim};
use factum::{Event, FactError, Status};

use super::scene::{Asking, End, Oops, Outside, ask, builder, keys};

/// What it asks for is the world's business, as if its code had changed.
#[step(retry(attempts = 5, initial = "1s"))]
async fn asks(io: &mut Io<Outside>) -> Result<String, Oops> {
    let transport = Asking(io.app().clone());
    let first = io.call(&transport, ask("first")).await?.text;
    let what = io.app().asks.lock().unwrap().clone();
    let second = match &*what {
        "a number" => io.fact("value", || async { Ok::<u32, FactError>(1) }).await?.to_string(),
        "a text" => io.fact("value", || async { Ok::<String, FactError>("one".into()) }).await?,
        "4 bytes" => format!("{:?}", io.random_bytes(4).await),
        "8 bytes" => format!("{:?}", io.random::<u64>().await),
        what => io.call(&transport, ask(what)).await?.text,
    };
    io.app().end().await?;
    Ok(format!("{first}, {second}"))
}

#[saga(app = Outside)]
async fn asking() -> Result<String, Oops> {
    asks().await
}

/// A process that ends when it has asked for `before`, and one that asks for `after`. What the run says then, and the
/// world; `mend` is what is asked for when somebody has it tried again.
fn play(before: &str, after: &str, mend: &str) -> (String, String, Outside) {
    let sim = Sim::new(1);
    let world = Outside::new(&sim);
    let asks = |what: &str| what.clone_into(&mut world.asks.lock().unwrap());
    asks(before);
    world.ends([End::Hangs]);
    sim.run(async {
        let engine = builder(&sim, &world).saga(asking).open().await.unwrap();
        engine.start(asking()).id("r").await.unwrap();
        world.hear().await;
        std::mem::forget(engine);
    });
    sim.crash(Loss::Any);
    asks(after);
    // Its body still fits; of the step that it is in, nobody has asked.
    let report = sim.run(async { builder(&sim, &world).saga(asking).verify_replay().await.unwrap() });
    assert!(report.is_clean() && report.fit == 1);
    assert_eq!(report.in_step.iter().map(|run| run.as_str()).collect::<Vec<_>>(), ["r"]);
    let (problem, end) = sim.run(async {
        let engine = builder(&sim, &world).saga(asking).open().await.unwrap();
        let Outcome::Diverged(run) = engine.attach(asking, "r").await.unwrap().outcome().await.unwrap() else {
            panic!("it has not diverged");
        };
        let problem = run.info().problem.unwrap();
        assert_eq!(run.info().status, Status::Diverged);
        let history = engine.history("r").await.unwrap();
        assert!(history.iter().any(|entry| matches!(entry.event, Event::Diverged { .. })));
        // Nothing of it is lost: with the old code it goes on.
        asks(mend);
        let run = run.retry().await.unwrap();
        let end = match run.outcome().await.unwrap() {
            Outcome::Completed(run) => run.output().clone(),
            other => panic!("{other:?}"),
        };
        engine.shutdown().await.unwrap();
        (problem, end)
    });
    (problem, end, world)
}

#[test]
fn another_request_in_the_place_of_one_that_was_answered_diverges_and_shows_both() {
    let (problem, end, world) = play("second", "other", "second");
    let digest = |text: &str| factum::ArtifactId::of(text.as_bytes()).to_string()[..16].to_owned();
    let (was, is) = (r#"{"what":"second"}"#, r#"{"what":"other"}"#);
    let expected = format!("recorded fact `call:ask#1` for {was} (request {})", digest(was));
    let found = format!("asks for {is} in its place (request {})", digest(is));
    assert!(problem.contains(&expected) && problem.contains(&found), "{problem}");
    assert!(problem.contains("changed.rs:"), "{problem}");
    assert_eq!(end, "first 1, second 1");
    assert_eq!((world.count("ask other"), world.count("ask second"), world.count("ask first")), (0, 1, 1));
}

#[test]
fn another_type_and_another_number_of_bytes_diverge() {
    let (problem, end, _) = play("a number", "a text", "a number");
    let wanted =
        "recorded fact `fact:value#0`: 1, but the code reads it as something else: expected a `alloc::string::String`";
    assert!(problem.contains(wanted), "{problem}");
    assert_eq!(end, "first 1, 1");
    let (problem, _, _) = play("4 bytes", "8 bytes", "4 bytes");
    assert!(problem.contains(r#"fact `random#0` for {"bytes":4}"#), "{problem}");
    assert!(problem.contains(r#"asks for {"bytes":8} in its place"#), "{problem}");
}

#[test]
fn more_facts_behind_those_that_are_bound_and_fewer_are_no_divergence() {
    let sim = Sim::new(2);
    let world = Outside::new(&sim);
    let asks = |what: &str| what.clone_into(&mut world.asks.lock().unwrap());
    asks("second");
    world.ends([End::Hangs, End::Hangs]);
    sim.run(async {
        let engine = builder(&sim, &world).saga(asking).open().await.unwrap();
        engine.start(asking()).id("r").await.unwrap();
        world.hear().await;
        std::mem::forget(engine);
    });
    sim.crash(Loss::Any);
    // Another name: nothing was bound there, and what was bound is not asked for.
    asks("4 bytes");
    sim.run(async {
        let engine = builder(&sim, &world).saga(asking).open().await.unwrap();
        world.hear().await;
        assert_eq!(keys(&engine, "r").await, ["call:ask#0", "call:ask#1", "random#0"]);
        std::mem::forget(engine);
    });
    assert_eq!((world.count("ask first"), world.count("ask second")), (1, 1));
}

/// The clock goes back between two processes, and within one.
#[step(retry(attempts = 5, initial = "1s"))]
async fn looks_at_the_clock(io: &mut Io<Outside>, times: u32) -> Result<Vec<std::time::SystemTime>, Oops> {
    let mut all = Vec::new();
    for _ in 0..times {
        all.push(io.now().await);
        io.app().sim.jump_back(std::time::Duration::from_secs(3_600));
    }
    io.app().end().await?;
    Ok(all)
}

#[saga(app = Outside)]
async fn times() -> Result<Vec<std::time::SystemTime>, Oops> {
    let before = now().await;
    let mut all = vec![before];
    all.extend(looks_at_the_clock(3).await?);
    all.push(now().await);
    all.extend(looks_at_the_clock(2).await?);
    all.push(now().await);
    Ok(all)
}

#[test]
fn time_never_goes_backwards_within_a_run_whoever_asks() {
    let sim = Sim::new(3);
    let world = Outside::new(&sim);
    world.ends([End::Hangs]);
    sim.run(async {
        let engine = builder(&sim, &world).saga(times).open().await.unwrap();
        engine.start(times()).id("r").await.unwrap();
        world.hear().await;
        std::mem::forget(engine);
    });
    sim.crash(Loss::Any);
    sim.run(async {
        let engine = builder(&sim, &world).saga(times).open().await.unwrap();
        let Outcome::Completed(run) = engine.attach(times, "r").await.unwrap().outcome().await.unwrap() else {
            panic!("it is not completed");
        };
        let all = run.output().clone();
        assert_eq!(all.len(), 8);
        assert!(all.is_sorted(), "{all:?}");
        engine.shutdown().await.unwrap();
    });
}
