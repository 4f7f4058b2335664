//! Bodies of steps, over the facts that they had bound.

use factum::prelude::*;
use factum::testing::Sim;
use factum::{Cause, ReplayEnd, ReplayError};

use super::*;
use crate::world::events;

/// A run of `quotes`, exported, with the world that it acted on.
fn recorded(failures: &[&str]) -> (Vec<u8>, World) {
    let (sim, world) = (Sim::new(1), World::new());
    failures.iter().for_each(|what| world.fail_next(what));
    let lines = sim.run(async {
        let engine = on_sim(&sim, &world).open().await.unwrap();
        let ended = engine.run(quotes("lamp".into())).id("q").await;
        assert_eq!(ended.is_err(), failures.len() > 2, "{ended:?}");
        assert!(events(&engine, "q").await.contains(&"fact bound"));
        let lines = exported(&engine, "q").await;
        engine.shutdown().await.unwrap();
        lines
    });
    (lines, world)
}

/// The export without the records for which this is so.
fn without(lines: &[u8], gone: impl Fn(&str) -> bool) -> Vec<u8> {
    let text = std::str::from_utf8(lines).unwrap();
    let kept: Vec<&str> = text.lines().filter(|line| !gone(line)).collect();
    let records = kept.iter().filter(|line| line.starts_with("{\"lsn\"")).count();
    let end = format!(r#"{{"end":true,"records":{records}}}"#);
    [&kept[..kept.len() - 1].join("\n"), &end].map(String::as_str).join("\n").into_bytes()
}

#[test]
fn a_step_is_given_its_facts_and_gives_what_it_gave_and_nobody_is_called() {
    // The first attempt failed at its second call: the second attempt had the first call's answer.
    let (lines, world) = recorded(&["lamp again"]);
    assert_eq!((world.count("call lamp"), world.count("call lamp again"), world.count("closure")), (1, 2, 1));
    let untouched = World::new();
    for all in [true, false] {
        let replay = nowhere(&untouched).replay(&lines[..]);
        let replayed = alone(if all { replay.all_steps() } else { replay.step(quote) }).unwrap();
        assert!(output(&replayed).contains("4 1010 3 "), "{}", output(&replayed));
        assert_eq!((replayed.steps, replayed.facts, replayed.unfinished.len()), (1, 5, 0));
    }
    assert!(untouched.done().is_empty(), "{:?}", untouched.done());
    let others = alone(nowhere(&untouched).replay(&lines[..]).steps(["work", "quotes"])).unwrap();
    assert_eq!((others.steps, others.facts), (0, 0));
}

#[test]
fn a_missing_fact_is_an_error_that_names_it() {
    let (lines, _) = recorded(&[]);
    let untouched = World::new();
    for (gone, fact, asked) in [
        (r#""fact":"call:rates#1""#, "call:rates#1", "\"lamp again\""),
        (r#""fact":"fact:three#0""#, "fact:three#0", "null"),
        (r#""fact":"now#0""#, "now#0", "null"),
        (r#""fact":"random#0""#, "random#0", "{\"bytes\":8}"),
    ] {
        let lines = without(&lines, |line| line.contains(gone));
        // The records alone have no need of it.
        alone(nowhere(&untouched).replay(&lines[..])).unwrap();
        let error = alone(nowhere(&untouched).replay(&lines[..]).step(quote)).unwrap_err();
        let ReplayError::MissingFact { missing, .. } = &error else { panic!("{gone}: {error}") };
        assert_eq!((missing.fact.to_string().as_str(), missing.asked.as_str()), (fact, asked));
        assert_eq!((missing.step.as_str(), missing.at.to_string().as_str()), ("quote", "0"));
        assert!(error.to_string().contains(&format!("fact `{fact}` of step `quote` at 0")), "{error}");
    }
    assert!(untouched.done().is_empty(), "{:?}", untouched.done());
}

#[test]
fn a_step_that_failed_comes_to_the_call_that_failed_and_the_run_fails_as_it_did() {
    let (lines, _) = recorded(&["lamp again", "lamp again", "nothing"]);
    let untouched = World::new();
    let replayed = alone(nowhere(&untouched).replay(&lines[..]).all_steps()).unwrap();
    let ReplayEnd::Failed { cause: Cause::Error { error } } = &replayed.end else { panic!("{replayed:?}") };
    assert!(error.to_text().contains("nobody answers"), "{error:?}");
    assert_eq!((replayed.steps, replayed.facts, replayed.unfinished.len()), (1, 1, 1));
    assert_eq!(replayed.unfinished[0].fact.to_string(), "call:rates#1");
    assert!(untouched.done().is_empty(), "{:?}", untouched.done());
}

#[test]
fn the_body_of_a_step_under_way_comes_to_where_it_stands() {
    let (lines, _) = recorded(&[]);
    let cut = without(&lines, |line| {
        line.contains("step done") || line.contains("run completed") || line.contains(r#""call:rates#1""#)
    });
    let untouched = World::new();
    let replayed = alone(nowhere(&untouched).replay(&cut[..]).all_steps()).unwrap();
    let ReplayEnd::Waiting { on } = &replayed.end else { panic!("{replayed:?}") };
    assert_eq!(on[0].to_string().split(',').next(), Some("fact `call:rates#1` of step `quote` at 0"));
    let cut = without(&lines, |line| line.contains("step done") || line.contains("run completed"));
    let replayed = alone(nowhere(&untouched).replay(&cut[..]).all_steps()).unwrap();
    let ReplayEnd::Waiting { on } = &replayed.end else { panic!("{replayed:?}") };
    assert_eq!((on[0].what.as_str(), replayed.facts), ("the end of step `quote`", 5));
    assert!(untouched.done().is_empty(), "{:?}", untouched.done());
}

mod changed {
    //! The step's name over other bodies.
    use super::*;

    /// Asks for something else in the place of the second call.
    #[step(name = "quote", retry(attempts = 2, initial = "1s"))]
    async fn asks(io: &mut Io<World>, item: String) -> Result<String, CallFailure> {
        let rates = io.transport::<Rates>().unwrap();
        let one = io.call(rates, item.clone()).await?;
        Ok(format!("{one} {}", io.call(rates, format!("{item} anew")).await?))
    }

    #[saga(app = World, name = "quotes")]
    pub async fn asks_anew(item: String) -> Result<String, CallFailure> {
        asks(item).await
    }

    /// Gives something else.
    #[step(name = "quote", retry(attempts = 2, initial = "1s"))]
    async fn gives(io: &mut Io<World>, item: String) -> Result<String, CallFailure> {
        Ok(io.call(io.transport::<Rates>().unwrap(), item).await?.to_string())
    }

    #[saga(app = World, name = "quotes")]
    pub async fn gives_less(item: String) -> Result<String, CallFailure> {
        gives(item).await
    }

    /// Reads what is bound as something else.
    #[step(name = "quote", retry(attempts = 2, initial = "1s"))]
    async fn reads(io: &mut Io<World>, _item: String) -> Result<String, CallFailure> {
        Ok(io.fact("three", || async { Ok::<String, factum::FactError>(String::new()) }).await.unwrap())
    }

    #[saga(app = World, name = "quotes")]
    pub async fn reads_text(item: String) -> Result<String, CallFailure> {
        reads(item).await
    }

    #[step(name = "quote", retry(attempts = 2, initial = "1s"))]
    async fn breaks(_item: String) -> Result<String, CallFailure> {
        panic!("not any more")
    }

    #[saga(app = World, name = "quotes")]
    pub async fn breaks_down(item: String) -> Result<String, CallFailure> {
        breaks(item).await
    }
}

#[test]
fn a_body_that_asks_gives_or_reads_something_else_is_told_with_both() {
    let (lines, _) = recorded(&[]);
    let untouched = World::new();
    let empty = || Engine::builder("").app(untouched.clone()).transport(Rates(untouched.clone()));

    let replay = empty().saga(changed::asks_anew).replay(&lines[..]).all_steps();
    let ReplayError::Diverged { divergence, .. } = alone(replay).unwrap_err() else { panic!() };
    assert!(divergence.expected.starts_with("fact `call:rates#1` for \"lamp again\" (request "), "{divergence}");
    assert!(divergence.found.starts_with("asks for \"lamp anew\" in its place"), "{divergence}");
    assert!(divergence.site.contains("replay/bodies.rs:") && divergence.at.to_string() == "0", "{divergence}");

    let replay = empty().saga(changed::gives_less).replay(&lines[..]).all_steps();
    let ReplayError::OtherOutput { of, expected, found, .. } = alone(replay).unwrap_err() else { panic!() };
    assert_eq!((of.as_str(), found.as_str()), ("step `quote` at 0", "\"4\""));
    assert!(expected.starts_with("\"4 10 3 "), "{expected}");

    let replay = empty().saga(changed::reads_text).replay(&lines[..]).all_steps();
    let ReplayError::Diverged { divergence, .. } = alone(replay).unwrap_err() else { panic!() };
    assert!(divergence.expected.starts_with("fact `fact:three#0`: 3"), "{divergence}");

    let replay = empty().saga(changed::breaks_down).replay(&lines[..]).all_steps();
    let ReplayError::OtherOutput { found, .. } = alone(replay).unwrap_err() else { panic!() };
    assert_eq!(found, "panicked: not any more");

    // Over the records alone each of them fits.
    alone(empty().saga(changed::breaks_down).replay(&lines[..])).unwrap();
    assert!(untouched.done().is_empty(), "{:?}", untouched.done());
}

#[test]
fn a_body_that_waits_for_the_world_is_waited_for() {
    let (sim, world) = (Sim::new(2), World::new());
    sim.run(async {
        let engine = on_sim(&sim, &world).open().await.unwrap();
        world.gate.add_permits(1);
        assert_eq!(engine.run(stands("here".into())).id("s").await.unwrap(), "here");
        let history = engine.history("s").await.unwrap();
        let mut replay = Box::pin(engine.replay(&history).step(held).into_future());
        let gate = world.gate.clone();
        let replayed = std::future::poll_fn(|cx| {
            let polled = replay.as_mut().poll(cx);
            if polled.is_pending() {
                gate.add_permits(1);
            }
            polled
        });
        assert_eq!(output(&replayed.await.unwrap()), "\"here\"");
        assert_eq!((world.count("held here"), world.count("before")), (2, 1));
        engine.shutdown().await.unwrap();
    });
}
