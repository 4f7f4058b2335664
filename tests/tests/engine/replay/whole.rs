//! Whole runs, with the code that made their records.

use std::time::Duration;

use factum::prelude::*;
use factum::testing::Sim;
use factum::{Cause, ReplayEnd, ReplayError};

use super::*;
use crate::machines::{Bill, Order, Pay, Send, comes_to, on_sim as orders, placed_};

#[test]
fn a_completed_run_with_every_operation_comes_to_its_output_and_does_nothing() {
    let (sim, world) = (Sim::new(1), World::new());
    sim.run(async {
        let engine = on_sim(&sim, &world).open().await.unwrap();
        world.fail_next("badly 2");
        world.fail_next("y 1");
        world.fail_next("patient");
        let given = engine.run(everything(false)).id("r").await.unwrap();
        let done = world.done();
        let replayed = both(&engine, "r").await.unwrap();
        assert_eq!(output(&replayed), serde_json::to_string(&given).unwrap());
        assert_eq!((replayed.visits, replayed.steps, replayed.facts), (1, 0, 0));
        let children = both(&engine, engine.list().await.unwrap()[1].id.as_str()).await.unwrap();
        assert_eq!(output(&children), "\"child done\"");
        assert_eq!(world.done(), done);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn every_prefix_of_a_run_is_replayed_to_where_it_ends() {
    let (sim, world) = (Sim::new(2), World::new());
    let lines = sim.run(async {
        let engine = on_sim(&sim, &world).open().await.unwrap();
        world.fail_next("badly 2");
        world.fail_next("y 1");
        engine.run(everything(false)).id("r").await.unwrap();
        let lines = exported(&engine, "r").await;
        engine.shutdown().await.unwrap();
        String::from_utf8(lines).unwrap()
    });
    let all: Vec<&str> = lines.lines().collect();
    let (head, records) = (all[0], &all[1..all.len() - 1]);
    assert!(records.len() > 60, "{}", records.len());
    let untouched = World::new();
    for count in 1..=records.len() {
        let mut some = vec![head];
        some.extend(&records[..count]);
        let end = format!(r#"{{"end":true,"records":{count}}}"#);
        some.push(&end);
        let replayed = alone(nowhere(&untouched).replay(some.join("\n").as_bytes()));
        match replayed.unwrap_or_else(|error| panic!("{count} records: {error}")).end {
            // Before its last record the body has come to its end.
            ReplayEnd::Waiting { on } => assert_eq!(on.is_empty(), count == records.len() - 1, "{count}: {on:?}"),
            ReplayEnd::Completed { .. } => assert_eq!(count, records.len()),
            other => panic!("{count} records: {other:?}"),
        }
    }
    assert!(untouched.done().is_empty());
}

#[test]
fn a_run_that_failed_was_cancelled_or_panicked_comes_to_where_it_did() {
    let (sim, world) = (Sim::new(3), World::new());
    sim.run(async {
        let engine = on_sim(&sim, &world).open().await.unwrap();
        world.fail_next("late");
        assert!(engine.run(fails("late".into())).id("late").await.is_err());
        world.fail_next("inside 2");
        assert!(engine.run(fails("inside".into())).id("inside").await.is_err());
        for (id, wanted) in [("late", "no late"), ("inside", "no inside 2")] {
            let ReplayEnd::Failed { cause: Cause::Error { error } } = both(&engine, id).await.unwrap().end else {
                panic!("{id}")
            };
            assert!(error.to_text().contains(wanted), "{error:?}");
        }

        let run = engine.start(stands("here".into())).id("cancelled").await.unwrap();
        world.happened("held here", 1).await;
        engine.cancel("cancelled").await.unwrap();
        world.gate.add_permits(1);
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Cancelled(_)));
        let end = both(&engine, "cancelled").await.unwrap().end;
        assert!(matches!(end, ReplayEnd::Failed { cause: Cause::Cancelled }), "{end:?}");

        let run = engine.start(pauses()).id("pauses").await.unwrap();
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Paused(_)));
        let ReplayEnd::Waiting { on } = both(&engine, "pauses").await.unwrap().end else { panic!() };
        assert_eq!((on.len(), on[0].what.as_str()), (1, "step `work`"), "{on:?}");
        engine.resume("pauses").await.unwrap();
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Failed(_)));
        let end = both(&engine, "pauses").await.unwrap().end;
        assert!(matches!(&end, ReplayEnd::Failed { cause: Cause::Panicked { message } } if message == "no more"));
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_run_in_flight_comes_to_what_it_waits_for() {
    let (sim, world) = (Sim::new(4), World::new());
    sim.run(async {
        let engine = on_sim(&sim, &world).open().await.unwrap();
        drop(engine.start(everything(true)).id("r").await.unwrap());
        world.happened("patient", 1).await;
        sim.sleep(Duration::from_secs(1)).await;
        let ReplayEnd::Waiting { on } = both(&engine, "r").await.unwrap().end else { panic!() };
        assert_eq!((on.len(), on[0].what.as_str(), on[0].begun), (1, "signal `Go`", false), "{on:?}");
        assert!(on[0].to_string().contains("replay/mod.rs:"), "{}", on[0]);

        drop(engine.start(stands("here".into())).id("s").await.unwrap());
        world.happened("held here", 1).await;
        let ReplayEnd::Waiting { on } = both(&engine, "s").await.unwrap().end else { panic!() };
        assert_eq!((on.len(), on[0].what.as_str(), on[0].begun), (1, "step `held`", true), "{on:?}");
        world.gate.add_permits(1);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn each_turn_whose_records_are_there_is_replayed() {
    let (sim, world) = (Sim::new(5), World::new());
    sim.run(async {
        let engine = on_sim(&sim, &world).checkpoint_interval(Duration::from_secs(5)).open().await.unwrap();
        assert_eq!(engine.run(turns(0, 3)).id("t").await.unwrap(), 3);
        let replayed = both(&engine, "t").await.unwrap();
        assert_eq!((output(&replayed).as_str(), replayed.visits), ("3", 4));
        // The checkpoint keeps the last turn alone.
        while engine.history("t").await.unwrap().len() > 10 {
            sim.sleep(Duration::from_secs(1)).await;
        }
        let replayed = both(&engine, "t").await.unwrap();
        assert_eq!((output(&replayed).as_str(), replayed.visits), ("3", 1));
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_machine_is_replayed_state_by_state() {
    let (sim, world) = (Sim::new(6), World::new());
    sim.run(async {
        let engine = orders(&sim, &world).checkpoint_interval(Duration::from_secs(60)).open().await.unwrap();
        let run = engine.start(placed_("lamp")).id("o").await.unwrap();
        engine.signal("o", Bill(4)).await.unwrap();
        comes_to(&run, &sim, "Billed").await;
        let replayed = engine.replay(&engine.history("o").await.unwrap()).await.unwrap();
        let ReplayEnd::Waiting { on } = &replayed.end else { panic!("{replayed:?}") };
        // The handler, which has printed or not, and the timer of the state's deadline.
        assert_eq!((replayed.visits, on.is_empty()), (2, false));
        for pay in [Pay(1), Pay(7)] {
            engine.signal("o", pay).await.unwrap();
        }
        comes_to(&run, &sim, "Paid").await;
        engine.signal("o", Send).await.unwrap();
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Completed(_)));
        let done = world.done();
        let history = engine.history("o").await.unwrap();
        let replayed = engine.replay(&history).all_steps().await.unwrap();
        assert_eq!((output(&replayed).as_str(), replayed.visits), (r#"{"Sent":{"item":"lamp"}}"#, 5));
        assert_eq!(world.done().len(), done.len() + 4, "the bodies of its steps were run once more");

        // One whose time is over.
        let run = engine.start(placed_("late")).id("e").await.unwrap();
        sim.set_patience(Duration::from_secs(40 * 86_400));
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Completed(_)));
        let lines = exported(&engine, "e").await;
        let untouched = World::new();
        let replayed = Engine::builder("/nowhere").app(untouched.clone()).fsm::<Order>().replay(&lines[..]);
        let replayed = alone(replayed).unwrap();
        assert_eq!((output(&replayed).as_str(), replayed.visits), (r#"{"Expired":{"of":"late left alone"}}"#, 2));
        assert!(untouched.done().is_empty());
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn what_cannot_be_replayed_is_told() {
    let (sim, world) = (Sim::new(7), World::new());
    sim.run(async {
        let engine = on_sim(&sim, &world).history(factum::History::Outcome);
        let engine = engine.checkpoint_interval(Duration::from_secs(1)).open().await.unwrap();
        world.fail_next("badly");
        let failed = engine.start(fails("badly".into())).id("failed").await.unwrap();
        assert!(matches!(failed.outcome().await.unwrap(), Outcome::Failed(_)));
        let panicked = engine.start(pauses()).id("panicked").await.unwrap();
        assert!(matches!(panicked.outcome().await.unwrap(), Outcome::Paused(_)));
        engine.resume("panicked").await.unwrap();
        assert!(matches!(panicked.outcome().await.unwrap(), Outcome::Failed(_)));
        engine.run(fails("well".into())).id("r").await.unwrap();
        let lines = exported(&engine, "r").await;
        let error = alone(Engine::builder("").replay(&lines[..])).unwrap_err();
        assert!(matches!(&error, ReplayError::UnknownWorkflow { workflow, version: 1, .. } if workflow == "fails"));
        let error = alone(nowhere(&world).replay(&lines[..lines.len() / 2])).unwrap_err();
        assert!(matches!(error, ReplayError::Engine(factum::Error::Import { .. })), "{error}");
        let error = alone(nowhere(&world).replay_file("/nowhere/run.jsonl")).unwrap_err();
        assert!(matches!(error, ReplayError::NoFile { .. }), "{error}");
        for id in ["r", "failed", "panicked"] {
            // Until nothing of its steps is left.
            while format!("{:?}", engine.history(id).await.unwrap()).contains("StepAttempted") {
                sim.sleep(Duration::from_secs(1)).await;
            }
            let error = engine.replay(&engine.history(id).await.unwrap()).await.unwrap_err();
            assert!(matches!(error, ReplayError::NoRecords { .. }), "{id}: {error}");
        }
        engine.shutdown().await.unwrap();
    });
    let (dir, file) = (tempfile::tempdir().unwrap(), "run.jsonl");
    let lines = sim_export();
    std::fs::write(dir.path().join(file), &lines).unwrap();
    let replayed = alone(nowhere(&World::new()).replay_file(dir.path().join(file))).unwrap();
    assert_eq!(replayed.id, "r");
}

fn sim_export() -> Vec<u8> {
    let (sim, world) = (Sim::new(8), World::new());
    sim.run(async {
        let engine = on_sim(&sim, &world).open().await.unwrap();
        engine.run(fails("well".into())).id("r").await.unwrap();
        let lines = exported(&engine, "r").await;
        engine.shutdown().await.unwrap();
        lines
    })
}

#[step(pivot)]
async fn commit(io: &mut Io<World>) -> Result<(), Oops> {
    io.app().act("commit");
    Ok(())
}

#[saga(app = World)]
async fn behind(what: String) -> Result<String, CallFailure> {
    quote(what.clone()).await
}

#[saga(app = World)]
async fn past(what: String) -> Result<String, Oops> {
    commit().await?;
    behind(what).await.map_err(|failure| Oops::Failed(failure.message))
}

#[test]
fn a_stuck_run_is_replayed_and_again_after_an_operators_word() {
    let (sim, world) = (Sim::new(9), World::new());
    let plain = || Engine::builder("/data").segment_bytes(64 << 10).app(world.clone()).transport(Rates(world.clone()));
    sim.run(async {
        let engine = plain().sim(&sim).saga(past).open().await.unwrap();
        for id in ["retried", "resolved", "abandoned"] {
            // Both attempts fail at the second call.
            world.fail_next("a again");
            world.fail_next("a again");
            let run = engine.start(past("a".into())).id(id).await.unwrap();
            assert!(matches!(run.outcome().await.unwrap(), Outcome::Stuck(_)));
            let done = world.done();
            let replayed = engine.replay(&engine.history(id).await.unwrap()).all_steps().await.unwrap();
            let ReplayEnd::Failed { cause: Cause::Error { error } } = &replayed.end else { panic!("{replayed:?}") };
            assert!(error.to_text().contains("nobody answers"), "{error:?}");
            assert_eq!((replayed.steps, replayed.facts, replayed.unfinished.len()), (2, 1, 1));
            assert_eq!(world.done()[done.len()..], ["commit"], "a body acts past its `io`");
        }
        engine.retry("retried").await.unwrap();
        let run = engine.attach(past, "retried").await.unwrap();
        let Outcome::Completed(run) = run.outcome().await.unwrap() else { panic!() };
        // What was undone and done again has bound facts of its own.
        let replayed = engine.replay(&engine.history("retried").await.unwrap()).step(quote).await.unwrap();
        assert_eq!(output(&replayed), serde_json::to_string(run.output()).unwrap());
        assert_eq!((replayed.steps, replayed.facts, replayed.unfinished.len()), (1, 5, 0));

        engine.resolve("resolved", &"1".parse().unwrap(), "by hand").await.unwrap();
        engine.abandon("abandoned", "never mind").await.unwrap();
        let replay = async |id: &str| engine.replay(&engine.history(id).await.unwrap()).await.unwrap().end;
        let end = replay("resolved").await;
        assert!(matches!(end, ReplayEnd::Failed { cause: Cause::Error { .. } }), "{end:?}");
        let end = replay("abandoned").await;
        assert!(matches!(end, ReplayEnd::Failed { cause: Cause::Abandoned { .. } }), "{end:?}");
        engine.shutdown().await.unwrap();
    });
}
