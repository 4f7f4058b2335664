//! What leaves the memory and the log, and comes back.

use std::time::Duration;

use factum::prelude::*;
use factum::{Error, Event, History, Lsn, MemoryCheckpoint, Status};
use serde::{Deserialize, Serialize};

use crate::world::{Oops, World, builder, events, open};

#[signal]
#[derive(Debug, Serialize, Deserialize)]
struct Go {
    by: String,
}

#[step(compensate = undo(&what))]
async fn act(io: &mut Io<World>, what: String) -> String {
    io.app().act(&what);
    what
}

#[step]
async fn undo(io: &mut Io<World>, what: &str) {
    io.app().act(format!("undo {what}"));
}

#[saga(app = World)]
async fn waits(name: String) -> Result<String, Oops> {
    let first = act(format!("{name} first")).await;
    let go = signal::<Go>().await;
    act(format!("{name} {}", go.by)).await;
    let go = signal::<Go>().await;
    Ok(format!("{first} {}", go.by))
}

#[saga(app = World)]
async fn sleeps(name: String, wait: u64) -> Result<(), Oops> {
    act(format!("{name} first")).await;
    sleep(millis(wait)).await;
    act(format!("{name} last")).await;
    Ok(())
}

#[saga(app = World)]
async fn quick(n: u32) -> Result<u32, Oops> {
    act("quick".to_owned()).await;
    if n.is_multiple_of(2) { Ok(n) } else { Err(Oops::Failed(format!("{n} is odd"))) }
}

fn go(by: &str) -> Go {
    Go { by: by.to_owned() }
}

/// An engine that lets go of everything as soon as it can.
fn eager(dir: &std::path::Path, world: &World) -> factum::Builder<World> {
    let eager = builder(dir, world).checkpoint_interval(Duration::from_millis(5)).sleep_after(Duration::ZERO);
    eager.saga(waits).saga(sleeps).saga(quick)
}

/// Waits until nothing is in memory.
async fn all_gone(engine: &Engine) {
    while engine.stats().runs_in_memory > 0 {
        tokio::task::yield_now().await;
    }
}

/// Waits until everything that is recorded now is in the checkpoint.
async fn applied(engine: &Engine) -> Lsn {
    let last = engine.tail(1).await.unwrap().last().map_or(Lsn(0), |last| last.entry.lsn);
    while engine.stats().applied < last {
        tokio::task::yield_now().await;
    }
    last
}

fn completed<T: Clone, W: factum::__private::SagaSig<Ok = T>>(outcome: Outcome<W>) -> T {
    match outcome {
        Outcome::Completed(run) => run.into_output(),
        other => panic!("{}", other.status()),
    }
}

#[tokio::test]
async fn a_waiting_run_leaves_memory_and_gets_every_signal_that_it_is_owed() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = eager(dir.path(), &world).open().await.unwrap();
    drop(engine.start(waits("a".into())).id("a").await.unwrap());
    all_gone(&engine).await;
    let info = engine.list().await.unwrap().runs.pop().unwrap();
    assert_eq!((info.id.as_str(), info.status), ("a", Status::Waiting));
    assert!(info.waiting[0].file.ends_with("memory.rs"), "{info:?}");
    // Two at once: the second is there when it is asked for, however the run sleeps and wakes.
    engine.signal("a", go("ann")).await.unwrap();
    engine.signal("a", go("bob")).await.unwrap();
    let outcome = engine.attach(waits, "a").await.unwrap().outcome().await.unwrap();
    assert_eq!(completed(outcome), "a first bob");
    assert_eq!(world.done(), ["a first", "a ann"]);
    all_gone(&engine).await;
    // It has ended and is in no memory: still the same run.
    let again = engine.start(waits("a".into())).id("a").await.unwrap().outcome().await.unwrap();
    assert_eq!(completed(again), "a first bob");
    let error = engine.start(waits("b".into())).id("a").await.unwrap_err();
    assert!(matches!(error, Error::Conflict { differs: "input", .. }), "{error}");
    assert!(matches!(engine.signal("a", go("cat")).await, Err(Error::NotActive { .. })));
    let names = events(&engine, "a").await;
    assert_eq!(names.first(), Some(&"run started"));
    assert_eq!(names.last(), Some(&"run completed"));
    assert_eq!(names.iter().filter(|name| **name == "signal consumed").count(), 2);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_sleeping_run_wakes_for_its_timer_in_this_process_and_in_the_next() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = eager(dir.path(), &world).open().await.unwrap();
    drop(engine.start(sleeps("short".into(), 50)).id("short").await.unwrap());
    drop(engine.start(sleeps("long".into(), 400)).id("long").await.unwrap());
    world.happened("short last", 1).await;
    all_gone(&engine).await;
    drop(engine);
    let engine = open(|| eager(dir.path(), &world)).await;
    assert_eq!((engine.open_report().resumed, engine.open_report().sleeping), (0, 1));
    world.happened("long last", 1).await;
    assert_eq!(world.count("long first"), 1);
    all_gone(&engine).await;
    let statuses: Vec<Status> = engine.list().await.unwrap().iter().map(|run| run.status).collect();
    assert_eq!(statuses, [Status::Completed, Status::Completed]);
    engine.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packed_checkpoint_has_every_run_and_its_file_is_smaller() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = eager(dir.path(), &world).open().await.unwrap();
    drop(engine.start(sleeps("asleep".into(), 86_400_000)).id("asleep").await.unwrap());
    for n in 0..200 {
        drop(engine.start(quick(n)).await.unwrap().outcome().await.unwrap());
    }
    all_gone(&engine).await;
    let list = engine.list().limit(1_000).await.unwrap();
    let file = dir.path().join("checkpoint.redb");
    let before = std::fs::metadata(&file).unwrap().len();
    engine.compact().await.unwrap();
    let after = std::fs::metadata(&file).unwrap().len();
    assert!(after < before, "{after} of {before} bytes");
    let packed = engine.list().limit(1_000).await.unwrap();
    assert_eq!(format!("{packed:?}"), format!("{list:?}"));
    let waits = &packed.iter().find(|run| run.id == "asleep").unwrap().waiting[0];
    assert_eq!(waits.file, file!(), "as it was said while it was in memory");
    engine.cancel("asleep").await.unwrap();
    drop(engine.attach(sleeps, "asleep").await.unwrap().outcome().await.unwrap());
    assert_eq!((world.count("asleep first"), world.count("undo asleep first")), (1, 1));
    engine.shutdown().await.unwrap();
    let engine = eager(dir.path(), &world).open().await.unwrap();
    assert_eq!(engine.list().limit(1_000).await.unwrap().len(), 201);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_sleeping_run_is_cancelled_and_undone() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = eager(dir.path(), &world).open().await.unwrap();
    drop(engine.start(sleeps("c".into(), 86_400_000)).id("c").await.unwrap());
    all_gone(&engine).await;
    engine.cancel("c").await.unwrap();
    let outcome = engine.attach(sleeps, "c").await.unwrap().outcome().await.unwrap();
    assert!(matches!(outcome, Outcome::Cancelled(_)), "{outcome:?}");
    assert_eq!(world.done(), ["c first", "undo c first"]);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_run_whose_handle_is_held_stays_in_memory() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = eager(dir.path(), &world).open().await.unwrap();
    let held = engine.start(waits("h".into())).id("h").await.unwrap();
    drop(engine.start(waits("i".into())).id("i").await.unwrap());
    while engine.stats().runs_in_memory > 1 {
        tokio::task::yield_now().await;
    }
    applied(&engine).await;
    assert_eq!(held.info().status, Status::Waiting);
    assert_eq!(engine.stats().runs_in_memory, 1);
    engine.signal("h", go("x")).await.unwrap();
    engine.signal("h", go("y")).await.unwrap();
    assert_eq!(completed(held.outcome().await.unwrap()), "h first y");
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn under_pressure_those_that_wait_leave_though_their_time_has_not_come() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let hour = Duration::from_secs(3600);
    let builder = eager(dir.path(), &world).checkpoint_interval(hour).sleep_after(hour).resident_runs(8);
    let engine = builder.open().await.unwrap();
    for n in 0..100 {
        drop(engine.start(waits(format!("{n}"))).id(format!("{n}")).await.unwrap());
    }
    while engine.stats().runs_in_memory > 50 {
        tokio::task::yield_now().await;
    }
    assert_eq!(engine.list().await.unwrap().len(), 100);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn ended_runs_are_forgotten_by_count_and_their_ids_stay_known() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = eager(dir.path(), &world).keep_ended(3).open().await.unwrap();
    for n in 0..10u32 {
        let outcome = engine.start(quick(n)).id(format!("q{n}")).await.unwrap().outcome().await.unwrap();
        assert_eq!(outcome.status(), if n.is_multiple_of(2) { Status::Completed } else { Status::Failed });
    }
    while engine.list().await.unwrap().len() > 3 {
        tokio::task::yield_now().await;
    }
    let left: Vec<String> = engine.list().await.unwrap().iter().map(|run| run.id.to_string()).collect();
    assert_eq!(left, ["q7", "q8", "q9"]);
    // Known by its id alone: neither started again, nor taken for another.
    assert!(matches!(engine.start(quick(0)).id("q0").await, Err(Error::Forgotten { .. })));
    assert!(matches!(engine.start(quick(1)).id("q0").await, Err(Error::Conflict { differs: "input", .. })));
    let other = engine.start(waits("q0".into())).id("q0").await;
    assert!(matches!(other, Err(Error::Conflict { differs: "workflow", .. })));
    assert!(matches!(engine.history("q0").await, Err(Error::Forgotten { .. })));
    assert!(matches!(engine.attach(quick, "q0").await, Err(Error::Forgotten { .. })));
    drop(engine);
    let engine = open(|| eager(dir.path(), &world).keep_ended(3)).await;
    assert!(matches!(engine.start(quick(0)).id("q0").await, Err(Error::Forgotten { .. })));
    assert_eq!(world.count("quick"), 10);
    // A new run is nobody else's, though the last thing that was applied was a deletion.
    assert_eq!(engine.run(quick(12)).id("new").await.unwrap(), 12);
    for id in ["q9", "new"] {
        assert_eq!(events(&engine, id).await.iter().filter(|name| **name == "run started").count(), 1, "{id}");
    }
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn ids_are_free_again_when_their_tombstones_are_forgotten() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = eager(dir.path(), &world).forget_after(Duration::ZERO).keep_ids(2).open().await.unwrap();
    for n in [0, 2, 4, 6] {
        assert_eq!(engine.run(quick(n)).id(format!("q{n}")).await.unwrap(), n);
        while !engine.list().await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    }
    let forgotten =
        async |id: &'static str, n| matches!(engine.start(quick(n)).id(id).await, Err(Error::Forgotten { .. }));
    assert!(forgotten("q6", 6).await);
    while forgotten("q0", 0).await {
        tokio::task::yield_now().await;
    }
    assert!(forgotten("q6", 6).await);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn of_an_ended_run_the_outcome_alone_is_kept_where_that_is_asked_for() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = eager(dir.path(), &world).history(History::Outcome).open().await.unwrap();
    assert_eq!(engine.run(quick(2)).id("good").await.unwrap(), 2);
    assert!(engine.run(quick(3)).id("bad").await.is_err());
    all_gone(&engine).await;
    assert_eq!(events(&engine, "good").await, ["run started", "run completed"]);
    assert_eq!(events(&engine, "bad").await, ["run started", "rollback decided", "run failed"]);
    let outcome = engine.attach(quick, "bad").await.unwrap().outcome().await.unwrap();
    match outcome {
        Outcome::Failed(run) => assert_eq!(run.failure().to_string(), "3 is odd"),
        other => panic!("{other:?}"),
    }
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn the_tail_is_what_happened_last_with_the_runs_ids() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = eager(dir.path(), &world).open().await.unwrap();
    assert!(engine.tail(5).await.unwrap().is_empty());
    assert_eq!(engine.run(quick(2)).id("one").await.unwrap(), 2);
    assert_eq!(engine.run(quick(4)).id("two").await.unwrap(), 4);
    all_gone(&engine).await;
    let tail = engine.tail(2).await.unwrap();
    let lines: Vec<String> = tail.iter().map(|e| format!("{} {}", e.run.as_ref().unwrap(), e.entry.event)).collect();
    assert_eq!(lines, ["two step done at 0: \"quick\"", "two run completed: 4"]);
    assert!(tail[0].entry.lsn < tail[1].entry.lsn);
    assert!(engine.tail(usize::MAX).await.unwrap().len() >= 4);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn runs_asleep_whose_workflow_or_undo_is_missing_are_reported_at_open() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = eager(dir.path(), &world).open().await.unwrap();
    drop(engine.start(waits("a".into())).id("a").await.unwrap());
    all_gone(&engine).await;
    engine.shutdown().await.unwrap();
    let error = builder(dir.path(), &world).saga(quick).open().await.unwrap_err();
    assert!(matches!(&error, Error::UnknownWorkflows { missing } if missing[0].runs[0] == "a"), "{error}");
    let kept = builder(dir.path(), &world).saga(quick).keep_unknown_workflows().open().await.unwrap();
    kept.signal("a", go("ann")).await.unwrap();
    kept.signal("a", go("bob")).await.unwrap();
    kept.shutdown().await.unwrap();
    let engine = eager(dir.path(), &world).open().await.unwrap();
    let outcome = engine.attach(waits, "a").await.unwrap().outcome().await.unwrap();
    assert_eq!(completed(outcome), "a first bob");
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_store_of_the_users_own_keeps_what_the_log_has_let_go() {
    let (dir, world, store) = (tempfile::tempdir().unwrap(), World::new(), MemoryCheckpoint::new());
    let with_store = || eager(dir.path(), &world).checkpoint_store(store.clone());
    let engine = with_store().open().await.unwrap();
    drop(engine.start(waits("a".into())).id("a").await.unwrap());
    all_gone(&engine).await;
    assert!(!dir.path().join("checkpoint.redb").exists());
    drop(engine);
    let engine = open(with_store).await;
    engine.signal("a", go("ann")).await.unwrap();
    engine.signal("a", go("bob")).await.unwrap();
    let outcome = engine.attach(waits, "a").await.unwrap().outcome().await.unwrap();
    assert_eq!(completed(outcome), "a first bob");
    assert!(matches!(engine.history("a").await.unwrap()[0].event, Event::RunStarted { .. }));
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_backup_is_taken_while_runs_go_on_and_opens_only_to_restore() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let to = tempfile::tempdir().unwrap();
    let copy = to.path().join("copy");
    let engine = eager(dir.path(), &world).open().await.unwrap();
    assert_eq!(engine.run(quick(2)).id("ended").await.unwrap(), 2);
    let held = engine.start(waits("a".into())).id("a").await.unwrap();
    world.happened("a first", 1).await;
    engine.backup(&copy).await.unwrap();
    // What happens now is not in it.
    engine.signal("a", go("ann")).await.unwrap();
    world.happened("a ann", 1).await;
    drop(held);
    engine.shutdown().await.unwrap();
    let error = eager(&copy, &world).open().await.unwrap_err();
    assert!(matches!(error, Error::IsBackup { .. }), "{error}");
    let engine = eager(&copy, &world).restore().open().await.unwrap();
    assert_eq!(engine.list().await.unwrap().len(), 2);
    engine.signal("a", go("cat")).await.unwrap();
    engine.signal("a", go("dan")).await.unwrap();
    let outcome = engine.attach(waits, "a").await.unwrap().outcome().await.unwrap();
    assert_eq!(completed(outcome), "a first dan");
    assert_eq!(world.count("a first"), 1, "it was done before the copy was taken");
    assert_eq!(engine.start(quick(2)).id("ended").await.unwrap().outcome().await.unwrap().status(), Status::Completed);
    engine.shutdown().await.unwrap();
    // It is no backup any more.
    eager(&copy, &world).open().await.unwrap().shutdown().await.unwrap();
    let error = eager(&copy, &world).open().await.unwrap().backup(dir.path()).await.unwrap_err();
    assert!(matches!(error, Error::Storage(_)), "{error}");
}

#[tokio::test]
async fn a_backup_without_its_checkpoint_is_an_error_and_not_an_empty_engine() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let to = tempfile::tempdir().unwrap();
    let engine = eager(dir.path(), &world).open().await.unwrap();
    assert_eq!(engine.run(quick(2)).id("ended").await.unwrap(), 2);
    for copy in ["gone", "another"] {
        engine.backup(to.path().join(copy)).await.unwrap();
    }
    engine.shutdown().await.unwrap();
    let gone = to.path().join("gone");
    std::fs::remove_file(gone.join("checkpoint.redb")).unwrap();
    let without = eager(&gone, &world).restore();
    let another = eager(&to.path().join("another"), &world).restore().checkpoint_store(MemoryCheckpoint::new());
    for builder in [without, another] {
        let error = builder.open().await.unwrap_err();
        assert!(matches!(error, Error::Storage(factum::StorageError::CheckpointBehind { .. })), "{error}");
    }
    // It is a backup still, and opens with what it was made with.
    let engine = eager(&to.path().join("another"), &world).restore().open().await.unwrap();
    assert_eq!(engine.list().await.unwrap().len(), 1);
    engine.shutdown().await.unwrap();
}
