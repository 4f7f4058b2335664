//! What each bad use gets: a typed error or a status, and nothing else changes.

use std::collections::BTreeMap;

use factum::prelude::*;
use factum::testing::Sim;
use factum::{Error, Failure, RunError, Status};
use serde::{Deserialize, Serialize};

use crate::world::{World, events};

#[signal]
#[derive(Serialize, Deserialize)]
struct Approval(u32);

#[signal(name = "refusal")]
#[derive(Serialize, Deserialize)]
struct Refusal {}

#[signal]
#[derive(Serialize, Deserialize)]
struct Unheard {}

#[step]
async fn act(io: &mut Io<World>, what: String) {
    io.app().act(what);
}

#[saga]
async fn decides() -> Option<u32> {
    match race((signal::<Approval>(), signal::<Refusal>())).await {
        First(Approval(by)) => Some(by),
        Second(_) => None,
    }
}

#[saga(app = World)]
async fn asks(wanted: u32) -> Vec<u32> {
    act("begin".into()).await;
    let mut by = Vec::new();
    while (by.len() as u32) < wanted {
        by.extend(decides().await);
    }
    by
}

#[saga(app = World)]
async fn acts() {
    act("once".into()).await;
}

#[saga(app = World)]
async fn through_a_variable() {
    let call = decides();
    call.await;
}

#[derive(Debug, Serialize, Deserialize)]
struct Table(BTreeMap<(u8, u8), u8>, f64);

#[saga(app = World)]
async fn gives(odd: String) -> Table {
    act("before".into()).await;
    match odd.as_str() {
        "NaN" => Table(BTreeMap::new(), f64::NAN),
        "key" => Table(BTreeMap::from([((1, 2), 3)]), 0.0),
        "panic" => panic!("the body says no"),
        _ => Table(BTreeMap::new(), 1.0),
    }
}

fn builder(sim: &Sim, world: &World) -> factum::Builder<World> {
    let builder = Engine::builder("/data").segment_bytes(256 << 10).app(world.clone()).sim(sim);
    builder.saga(asks).saga(acts).saga(through_a_variable).saga(gives)
}

#[test]
fn a_second_start_with_another_input_is_a_conflict_and_the_run_is_untouched() {
    let (sim, world) = (Sim::new(1), World::new());
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        let run = engine.start(asks(1)).id("r").await.unwrap();
        let error = engine.start(asks(2)).id("r").await.unwrap_err();
        assert!(matches!(error, Error::Conflict { differs: "input", .. }), "{error}");
        run.signal(Approval(7)).await.unwrap();
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Completed(run) if *run.output() == [7]));
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_signal_to_an_unknown_or_a_finished_run_is_refused() {
    let (sim, world) = (Sim::new(2), World::new());
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        let error = engine.signal("nobody", Approval(1)).await.unwrap_err();
        assert!(matches!(error, Error::UnknownRun { .. }), "{error}");
        let run = engine.start(asks(0)).id("r").await.unwrap();
        run.outcome().await.unwrap();
        for error in [engine.signal("r", Approval(1)).await.unwrap_err(), run.signal(Approval(1)).await.unwrap_err()] {
            assert!(matches!(error, Error::NotActive { status: Status::Completed, .. }), "{error}");
        }
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_signal_that_the_workflow_never_waits_for_is_refused_by_name() {
    let (sim, world) = (Sim::new(3), World::new());
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        let run = engine.start(asks(1)).id("r").await.unwrap();
        let error = engine.signal("r", Unheard {}).await.unwrap_err();
        let wanted = "run `r` of `asks` never waits for signal `Unheard`: it waits for `Approval`, `refusal`";
        assert_eq!(error.to_string(), wanted);
        // A saga inside it may wait for anything, as far as the compiler knows.
        let error = run.signal(Unheard {}).await.unwrap_err();
        assert!(matches!(error, Error::NotAccepted { .. }), "{error}");
        let error = engine.signal_with_start(asks(1), Unheard {}).id("s").await.unwrap_err();
        assert!(matches!(error, Error::NotAccepted { .. }), "{error}");
        assert!(matches!(engine.history("s").await, Err(Error::UnknownRun { .. })), "nothing was started");
        // What is known only when it runs may wait for anything.
        engine.start(through_a_variable()).id("open").await.unwrap();
        engine.signal("open", Unheard {}).await.unwrap();
        assert!(!events(&engine, "r").await.contains(&"signal received"));
        engine.shutdown().await.unwrap();
    });
    sim.run(async {
        // Of a workflow that is not registered nobody knows.
        let engine = Engine::builder("/data").sim(&sim).keep_unknown_workflows().open().await.unwrap();
        engine.signal("r", Unheard {}).await.unwrap();
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_workflow_that_waits_for_nothing_takes_no_signal() {
    let (sim, world) = (Sim::new(4), World::new());
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        let later = std::time::SystemTime::from(sim.now()) + std::time::Duration::from_secs(60);
        engine.start(acts()).id("r").at(later).await.unwrap();
        let error = engine.signal("r", Approval(1)).await.unwrap_err();
        assert!(
            error.to_string().ends_with("never waits for signal `Approval`: it waits for no signal at all"),
            "{error}"
        );
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn operators_words_to_runs_that_are_done_or_well_are_refused() {
    let (sim, world) = (Sim::new(5), World::new());
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        let done = engine.start(acts()).id("done").await.unwrap();
        done.outcome().await.unwrap();
        for refused in
            [done.cancel().await, engine.cancel("done").await, done.pause("").await, engine.resume("done").await]
        {
            let error = refused.unwrap_err();
            assert!(matches!(error, Error::NotActive { status: Status::Completed, .. }), "{error}");
        }
        engine.start(asks(1)).id("well").await.unwrap();
        for id in ["done", "well"] {
            for refused in [engine.retry(id).await, engine.abandon(id, "").await] {
                assert!(matches!(refused.unwrap_err(), Error::NotHeldUp { .. }));
            }
        }
        engine.resume("well").await.unwrap();
        assert!(!events(&engine, "well").await.contains(&"resumed"));
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn what_is_asked_of_a_handle_after_a_shutdown_is_refused() {
    let (sim, world) = (Sim::new(6), World::new());
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        let run = engine.start(asks(1)).id("r").await.unwrap();
        let done = engine.start(acts()).await.unwrap();
        done.outcome().await.unwrap();
        engine.shutdown().await.unwrap();
        for error in [
            run.outcome().await.map(drop).unwrap_err(),
            run.signal(Approval(1)).await.unwrap_err(),
            run.cancel().await.unwrap_err(),
            run.pause("").await.unwrap_err(),
        ] {
            assert!(matches!(error, Error::Stopped { .. }), "{error}");
        }
        // What was known stays known.
        assert_eq!(done.outcome().await.unwrap().status(), Status::Completed);
    });
}

#[test]
fn an_output_that_json_cannot_hold_and_a_body_that_panics_fail_their_run_alone() {
    let (sim, world) = (Sim::new(7), World::new());
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        let beside = engine.start(asks(1)).await.unwrap();
        for (odd, word) in [("NaN", "NaN"), ("key", "key")] {
            let error = engine.run(gives(odd.into())).await.unwrap_err();
            assert!(
                matches!(&error, RunError::Failed(Failure::Unrecordable { message }) if message.contains(word)),
                "{odd}: {error:?}"
            );
        }
        let error = engine.run(gives("panic".into())).await.unwrap_err();
        assert!(matches!(&error, RunError::Failed(Failure::Panicked { message }) if message == "the body says no"));
        assert_eq!(engine.run(gives("well".into())).await.unwrap().1, 1.0);
        beside.signal(Approval(1)).await.unwrap();
        assert_eq!(beside.outcome().await.unwrap().status(), Status::Completed);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_full_inbox_refuses_the_sender() {
    let (sim, world) = (Sim::new(8), World::new());
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        let later = std::time::SystemTime::from(sim.now()) + std::time::Duration::from_secs(60);
        let run = engine.start(asks(1024)).id("r").at(later).await.unwrap();
        for n in 0..1024 {
            engine.signal("r", Approval(n)).await.unwrap();
        }
        let error = engine.signal("r", Approval(1024)).await.unwrap_err();
        assert!(matches!(error, Error::InboxFull { limit: 1024, .. }), "{error}");
        let Outcome::Completed(run) = run.outcome().await.unwrap() else { panic!() };
        assert_eq!(*run.output(), (0..1024).collect::<Vec<_>>());
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_senders_duplicate_is_another_signal_once_1024_others_came_between() {
    let (sim, world) = (Sim::new(9), World::new());
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        let run = engine.start(asks(1026)).id("r").await.unwrap();
        let send = |n: u32| run.signal(Approval(n)).sender_id(n.to_string());
        send(0).await.unwrap();
        for n in 1..1024 {
            send(n).await.unwrap();
        }
        send(0).await.unwrap();
        send(1024).await.unwrap();
        send(0).await.unwrap();
        let Outcome::Completed(run) = run.outcome().await.unwrap() else { panic!() };
        let zeros = run.output().iter().filter(|n| **n == 0).count();
        assert_eq!((run.output().len(), zeros), (1026, 2));
        engine.shutdown().await.unwrap();
    });
}
