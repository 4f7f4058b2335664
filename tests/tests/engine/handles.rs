//! What a run's handle can do, by its type.

use std::time::Duration;

use factum::prelude::*;
use factum::testing::{Loss, Sim};
use factum::{AttemptEnd, Builder, Error, Failure, Run, Running, Status, StorageError, Update, Watch};
use serde::{Deserialize, Serialize};

use crate::world::{Oops, World, events};

#[step(compensate = undo(what.clone()))]
async fn act(io: &mut Io<World>, what: String) -> Result<String, Oops> {
    io.app().act(&what);
    match io.app().fails(&what) {
        true => Err(Oops::Failed(what)),
        false => Ok(what),
    }
}

#[step]
async fn undo(io: &mut Io<World>, what: String) -> Result<(), Oops> {
    io.app().act(format!("undo {what}"));
    match io.app().fails(&format!("undo {what}")) {
        true => Err(Oops::Failed(what)),
        false => Ok(()),
    }
}

#[step(pivot)]
async fn ship(io: &mut Io<World>) {
    io.app().act("ship");
}

#[step]
async fn note(io: &mut Io<World>) -> Result<(), Oops> {
    io.app().act("note");
    match io.app().fails("note") {
        true => Err(Oops::Later),
        false => Ok(()),
    }
}

#[signal]
#[derive(Serialize, Deserialize)]
struct Go(u32);

#[saga]
async fn counts(to: u32) -> u32 {
    for n in 0..to {
        publish(&n).await;
        sleep(seconds(1)).await;
    }
    to
}

#[saga(app = World)]
async fn books() -> Result<(), Oops> {
    act("a".into()).await?;
    act("b".into()).await?;
    act("c".into()).await?;
    note().await
}

#[saga(app = World)]
async fn inner() -> Result<(), String> {
    act("a".into()).await.map_err(|error| error.to_string())?;
    Err("the inner one's".into())
}

#[saga(app = World)]
async fn outer() -> Result<(), Oops> {
    inner().await.map_err(Oops::Failed)
}

#[saga(app = World)]
async fn ships() -> Result<(), Oops> {
    act("a".into()).await?;
    ship().await;
    note().await
}

#[saga(app = World)]
async fn waits() -> Result<u32, Oops> {
    act("a".into()).await?;
    Ok(signal::<Go>().await.0)
}

#[saga(app = World)]
async fn adds(first: u32) -> u32 {
    first + signal::<Go>().await.0
}

#[saga(app = World)]
async fn talks() -> Result<u32, Oops> {
    note().await?;
    Ok(signal::<Go>().await.0)
}

#[saga(app = World, name = "talks")]
async fn talks_otherwise() {
    ship().await;
}

#[step]
async fn held(io: &mut Io<World>) {
    io.app().act("held");
    io.app().gate.acquire().await.unwrap().forget();
}

#[saga(app = World)]
async fn holds() {
    held().await;
}

fn builder(sim: &Sim, world: &World) -> Builder<World> {
    let builder = Engine::builder("/data").segment_bytes(256 << 10).app(world.clone()).sim(sim);
    builder.saga(counts).saga(books).saga(outer).saga(ships).saga(waits).saga(adds).saga(holds).saga(talks)
}

async fn all(mut watch: Watch) -> (Vec<u32>, Vec<Status>) {
    let (mut values, mut statuses) = (Vec::new(), Vec::new());
    while let Some(update) = watch.next().await {
        match update {
            Update::Progress(progress) => values.push(progress.decode().unwrap()),
            Update::Status(status) => statuses.push(status),
            _ => panic!(),
        }
    }
    (values, statuses)
}

#[test]
fn whoever_watches_is_told_of_statuses_and_progress_and_of_the_end() {
    let (sim, world) = (Sim::new(1), World::new());
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        let run = engine.start(counts(3)).id("r").await.unwrap();
        let (values, statuses) = all(run.watch()).await;
        assert_eq!(values, [0, 1, 2]);
        assert!(statuses.contains(&Status::Waiting), "{statuses:?}");
        assert_eq!(statuses.last(), Some(&Status::Completed));
        assert_eq!(run.progress::<u32>().unwrap(), Some(2));
        let error = run.progress::<String>().unwrap_err();
        assert!(matches!(error, Error::Undecodable { what: "progress", .. }), "{error}");
        // One that comes late is told what is there.
        assert_eq!(all(run.watch()).await, (vec![2], vec![Status::Completed]));
        engine.shutdown().await.unwrap();

        let engine = builder(&sim, &world).open().await.unwrap();
        let run = engine.attach(counts, "r").await.unwrap();
        assert_eq!(run.progress::<u32>().unwrap(), Some(2));
        let none = engine.start(counts(0)).await.unwrap();
        none.outcome().await.unwrap();
        assert_eq!(none.progress::<u32>().unwrap(), None);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_watch_tells_of_a_pause_of_a_rollback_and_that_the_engine_is_gone() {
    let (sim, world) = (Sim::new(2), World::new());
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        let run = engine.start(waits()).id("r").await.unwrap();
        let mut watch = run.watch();
        until(&mut watch, Status::Waiting).await;
        run.pause("lunch").await.unwrap();
        until(&mut watch, Status::Paused).await;
        let Outcome::Paused(paused) = run.outcome().await.unwrap() else { panic!() };
        assert_eq!(paused.reason(), "lunch");
        let run = paused.resume().await.unwrap();
        until(&mut watch, Status::Waiting).await;
        run.pause("dinner").await.unwrap();
        until(&mut watch, Status::Paused).await;
        run.cancel().await.unwrap();
        assert_eq!(run.outcome().await.unwrap().status(), Status::Cancelled);
        assert_eq!(all(watch).await.1.last(), Some(&Status::Cancelled));
        assert_eq!(world.done(), ["a", "undo a"]);

        let run = engine.start(waits()).id("s").await.unwrap();
        let mut watch = run.watch();
        until(&mut watch, Status::Waiting).await;
        engine.shutdown().await.unwrap();
        assert!(watch.next().await.is_none());
    });
}

async fn until(watch: &mut Watch, wanted: Status) {
    loop {
        match watch.next().await {
            Some(Update::Status(status)) if status == wanted => return,
            Some(_) => {}
            None => panic!("it ends before it is {wanted}"),
        }
    }
}

/// A run of `books` whose undos of `b` and `c` have failed.
macro_rules! stuck {
    ($engine:expr, $world:expr) => {{
        for what in ["note", "undo b", "undo c"] {
            $world.fail_next(what);
        }
        match $engine.start(books()).await.unwrap().outcome().await.unwrap() {
            Outcome::Stuck(run) => run,
            other => panic!("{other:?}"),
        }
    }};
}

#[test]
fn a_stuck_run_says_what_failed_first_what_could_not_be_undone_and_what_is_left() {
    let (sim, world) = (Sim::new(3), World::new());
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        let run = stuck!(engine, world);
        assert_eq!(run.failure(), &Failure::Error(Oops::Later));
        let report = run.report();
        assert_eq!(report.problem, run.problem());
        let undos: Vec<(&str, String, &str)> =
            report.failed_undos.iter().map(|undo| (&*undo.step, undo.at.to_string(), &*undo.error)).collect();
        assert_eq!(
            undos,
            [("act", "1".to_owned(), r#"error {"Failed":"b"}"#), ("act", "2".to_owned(), r#"error {"Failed":"c"}"#)]
        );
        assert_eq!((report.left.len(), &report.failed_step), (0, &None));
        let tried = run.retry().await.unwrap().outcome().await.unwrap();
        assert!(matches!(&tried, Outcome::Failed(run) if *run.failure() == Failure::Error(Oops::Later)), "{tried:?}");
        assert_eq!(world.done()[4..], ["undo c", "undo b", "undo a", "undo c", "undo b"]);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn undos_that_are_settled_by_hand_one_by_one_let_the_rollback_end() {
    let (sim, world) = (Sim::new(4), World::new());
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        let run = stuck!(engine, world);
        let places: Vec<_> = run.report().failed_undos.iter().map(|undo| undo.at.clone()).collect();
        let Outcome::Stuck(run) = run.resolve(&places[0], "by phone").await.unwrap().outcome().await.unwrap() else {
            panic!("one is left")
        };
        assert_eq!(run.report().failed_undos.len(), 1);
        let id = run.id().clone();
        let error = run.resolve(&places[0], "again").await.unwrap_err();
        assert!(matches!(error, Error::NothingToResolve { .. }), "{error}");
        let run = engine.attach(books, &id).await.unwrap();
        let Outcome::Stuck(run) = run.outcome().await.unwrap() else { panic!() };
        let outcome = run.resolve(&places[1], "by mail").await.unwrap().outcome().await.unwrap();
        assert_eq!(outcome.status(), Status::Failed);
        assert_eq!(world.done().len(), 7, "nothing was tried again");
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn what_failed_after_a_pivot_is_tried_again_settled_or_given_up() {
    let (sim, world) = (Sim::new(5), World::new());
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        let mut runs = Vec::new();
        for _ in 0..3 {
            world.fail_next("note");
            let Outcome::Stuck(run) = engine.start(ships()).await.unwrap().outcome().await.unwrap() else { panic!() };
            let report = run.report();
            assert_eq!(report.failure, Failure::Error(Oops::Later));
            assert_eq!(report.failed_step.as_ref().unwrap().to_string(), "2");
            let left: Vec<_> = report.left.iter().map(|left| (&*left.step, left.at.to_string())).collect();
            assert_eq!((left, report.failed_undos.len()), (vec![("act", "0".to_owned())], 0));
            runs.push(run);
        }
        let given_up = runs.pop().unwrap().abandon("lost").await.unwrap();
        assert_eq!(given_up.failure(), &Failure::Abandoned { note: "lost".into() });
        assert_eq!(given_up.info().status, Status::Failed);
        let settled = runs.pop().unwrap();
        let step = settled.report().failed_step.clone().unwrap();
        let outcome = settled.resolve(&step, "written by hand").await.unwrap().outcome().await.unwrap();
        assert!(matches!(&outcome, Outcome::Failed(run) if *run.failure() == Failure::Error(Oops::Later)));
        let outcome = runs.pop().unwrap().retry().await.unwrap().outcome().await.unwrap();
        assert_eq!(outcome.status(), Status::Completed);
        assert_eq!((world.count("undo a"), world.count("ship"), world.count("note")), (0, 3, 4));
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn the_error_of_a_saga_inside_a_stuck_run_is_not_taken_for_the_runs_own() {
    let (sim, world) = (Sim::new(6), World::new());
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        world.fail_next("undo a");
        let Outcome::Stuck(run) = engine.start(outer()).await.unwrap().outcome().await.unwrap() else { panic!() };
        assert_eq!(run.failure(), &Failure::Other { reason: r#"error "the inner one's""#.into() });
        assert_eq!(run.report().failed_undos.len(), 1);
        let Outcome::Failed(run) = run.retry().await.unwrap().outcome().await.unwrap() else { panic!() };
        assert_eq!(run.failure(), &Failure::Error(Oops::Failed("the inner one's".into())));
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_diverged_run_goes_on_with_the_code_that_fits() {
    let (sim, world) = (Sim::new(7), World::new());
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        let run = engine.start(talks()).id("r").await.unwrap();
        until(&mut run.watch(), Status::Waiting).await;
        engine.shutdown().await.unwrap();
        let other = Engine::builder("/data").app(world.clone()).sim(&sim).saga(talks_otherwise);
        let engine = other.open().await.unwrap();
        let outcome = engine.attach(talks_otherwise, "r").await.unwrap().outcome().await.unwrap();
        let Outcome::Diverged(run) = outcome else { panic!("{outcome:?}") };
        assert!(run.problem().contains("recorded step `note`"), "{}", run.problem());
        // Nothing has become of the code.
        let Outcome::Diverged(_) = run.retry().await.unwrap().outcome().await.unwrap() else { panic!() };
        engine.shutdown().await.unwrap();
        let engine = builder(&sim, &world).open().await.unwrap();
        let Outcome::Diverged(run) = engine.attach(talks, "r").await.unwrap().outcome().await.unwrap() else {
            panic!()
        };
        let run = run.retry().await.unwrap();
        run.signal(Go(5)).await.unwrap();
        let Outcome::Completed(run) = run.outcome().await.unwrap() else { panic!() };
        assert_eq!(run.output(), &5);
        assert_eq!(world.done(), ["note"]);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_poisoned_run_is_tried_again_or_given_up() {
    let (sim, world) = (Sim::new(8), World::new());
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        for id in ["r", "s"] {
            engine.start(holds()).id(id).await.unwrap();
        }
        world.happened("held", 2).await;
    });
    sim.crash(Loss::Any);
    sim.run(async {
        let engine = builder(&sim, &world).poison_after(1).open().await.unwrap();
        let Outcome::Poisoned(run) = engine.attach(holds, "r").await.unwrap().outcome().await.unwrap() else {
            panic!()
        };
        assert_eq!(run.problem(), "took the process down 1 times in a row");
        world.gate.add_permits(1);
        assert_eq!(run.retry().await.unwrap().outcome().await.unwrap().status(), Status::Completed);
        let Outcome::Poisoned(run) = engine.attach(holds, "s").await.unwrap().outcome().await.unwrap() else {
            panic!()
        };
        let run = run.abandon("no more").await.unwrap();
        assert_eq!(run.failure(), &Failure::Abandoned { note: "no more".into() });
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_handle_does_not_keep_the_engine_nor_its_directory() {
    let (sim, world) = (Sim::new(9), World::new());
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        let run = engine.start(waits()).id("r").await.unwrap();
        until(&mut run.watch(), Status::Waiting).await;
        drop(engine);
        let engine = loop {
            match builder(&sim, &world).open().await {
                Err(Error::Storage(StorageError::DirectoryInUse { .. })) => sim.sleep(Duration::from_millis(1)).await,
                opened => break opened.unwrap(),
            }
        };
        for error in [
            run.cancel().await.unwrap_err(),
            run.pause("no").await.unwrap_err(),
            run.signal(Go(1)).await.unwrap_err(),
            run.outcome().await.map(drop).unwrap_err(),
        ] {
            assert!(matches!(error, Error::Stopped { .. }), "{error}");
        }
        let run = engine.attach(waits, "r").await.unwrap();
        run.signal(Go(2)).sender_id("x").await.unwrap();
        run.signal(Go(3)).sender_id("x").await.unwrap();
        assert_eq!(engine.run(waits()).id("r").await.unwrap(), 2);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_signal_starts_its_run_once_and_comes_with_the_start() {
    let (sim, world) = (Sim::new(10), World::new());
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        let ask = |n| engine.signal_with_start(adds(1), Go(n)).id("r").sender_id(n.to_string());
        let run = ask(4).await.unwrap();
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Completed(run) if *run.output() == 5));
        let history = engine.history("r").await.unwrap();
        assert_eq!(events(&engine, "r").await[..2], ["run started", "signal received"]);
        assert_eq!(history[1].lsn.0, history[0].lsn.0 + 1, "one group");
        // The same again, by the sender's id; another signal comes too late.
        ask(4).await.unwrap();
        let error = ask(5).await.unwrap_err();
        assert!(matches!(error, Error::NotActive { status: Status::Completed, .. }), "{error}");

        let moment = sim.now();
        let later = std::time::SystemTime::from(moment) + Duration::from_secs(60);
        let run = engine.signal_with_start(waits(), Go(1)).id("s").at(later).await.unwrap();
        let same = engine.signal_with_start(waits(), Go(2)).id("s").await.unwrap();
        assert!(matches!(same.outcome().await.unwrap(), Outcome::Completed(run) if *run.output() == 1));
        assert!(sim.elapsed() >= Duration::from_secs(60));
        assert_eq!(run.outcome().await.unwrap().status(), Status::Completed);
        assert_eq!(events(&engine, "s").await.iter().filter(|name| **name == "signal received").count(), 2);
        let error = engine.signal_with_start(adds(2), Go(1)).id("s").await.unwrap_err();
        assert!(matches!(error, Error::Conflict { differs: "workflow", .. }), "{error}");

        let fresh: [Run<_, Running>; 2] = [
            engine.signal_with_start(adds(1), Go(1)).await.unwrap(),
            engine.signal_with_start(adds(1), Go(1)).await.unwrap(),
        ];
        assert_ne!(fresh[0].id(), fresh[1].id());
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_start_with_its_signal_survives_a_crash_as_one() {
    let (sim, world) = (Sim::new(11), World::new());
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        engine.signal_with_start(adds(1), Go(4)).id("r").await.unwrap();
    });
    sim.crash(Loss::Any);
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        assert_eq!(engine.run(adds(1)).id("r").await.unwrap(), 5);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn attempts_are_timed_and_one_that_a_crash_cut_short_has_no_known_end() {
    let (sim, world) = (Sim::new(12), World::new());
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        engine.start(holds()).id("r").await.unwrap();
        world.happened("held", 1).await;
    });
    sim.crash(Loss::Any);
    sim.run(async {
        let engine = builder(&sim, &world).open().await.unwrap();
        world.happened("held", 2).await;
        sim.sleep(Duration::from_secs(3)).await;
        world.gate.add_permits(1);
        engine.run(holds()).id("r").await.unwrap();
        let attempts = engine.history("r").await.unwrap().attempts();
        assert_eq!(attempts.len(), 2, "{attempts:?}");
        assert_eq!((&attempts[0].end, attempts[0].took()), (&AttemptEnd::Unknown(None), None));
        assert_eq!(attempts[1].end, AttemptEnd::Succeeded);
        assert!(attempts[1].took().unwrap() >= Duration::from_secs(3), "{attempts:?}");
        engine.shutdown().await.unwrap();
    });
}
