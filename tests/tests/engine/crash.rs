//! Engines that end in the middle of things, and those that go on after them.

use factum::prelude::*;
use factum::{Error, Event, Status};

use crate::world::{Oops, World, builder, events, open};

#[step]
async fn first(io: &mut Io<World>) -> u32 {
    io.app().act("first");
    1
}

#[step]
async fn held(io: &mut Io<World>) -> u32 {
    io.app().act(format!("held {}", io.attempt()));
    io.app().gate.acquire().await.unwrap().forget();
    io.app().act("held goes on");
    2
}

#[step]
async fn fails(io: &mut Io<World>) -> Result<u32, Oops> {
    io.app().act("fails");
    Err(Oops::Failed("no".into()))
}

#[step(retry(attempts = 5, initial = "1h", max = "1h"))]
async fn patient(io: &mut Io<World>) -> Result<u32, Oops> {
    io.app().act("patient");
    Err(Oops::Later)
}

#[saga(app = World)]
async fn two_steps() -> u32 {
    first().await + held().await
}

#[saga(app = World)]
async fn held_twice() -> u32 {
    held().await + held().await
}

#[signal]
#[derive(serde::Serialize, serde::Deserialize)]
struct Go {}

#[saga(app = World)]
async fn waits_for_go() -> u32 {
    let n = first().await;
    signal::<Go>().await;
    n
}

#[saga(app = World)]
async fn after_an_error() -> u32 {
    let error = fails().await.unwrap_err();
    match error {
        Oops::Failed(_) => held().await,
        _ => 0,
    }
}

#[saga(app = World)]
async fn long_wait() -> u32 {
    sleep(millis(50)).await;
    held().await
}

#[saga(app = World)]
async fn backs_off() -> Result<u32, Oops> {
    patient().await
}

mod changed {
    //! The same workflow's name over another body.
    use super::*;

    #[saga(app = World, name = "two_steps")]
    pub async fn swapped() -> u32 {
        held().await + first().await
    }

    #[saga(app = World, name = "two_steps")]
    pub async fn removed() -> u32 {
        0
    }

    #[saga(app = World, name = "two_steps")]
    pub async fn inserted() -> u32 {
        sleep(millis(1)).await;
        first().await + held().await
    }
}

#[tokio::test]
async fn an_open_engine_goes_on_after_the_last_recorded_step() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = open(|| builder(dir.path(), &world).saga(two_steps)).await;
    engine.start(two_steps()).id("r").await.unwrap();
    world.happened("held 1", 1).await;
    drop(engine);

    let engine = open(|| builder(dir.path(), &world).saga(two_steps)).await;
    world.happened("held 2", 1).await;
    world.gate.add_permits(1);
    let run = engine.attach(two_steps, "r").await.unwrap();
    assert!(matches!(run.outcome().await.unwrap(), Outcome::Completed(run) if *run.output() == 3));
    assert_eq!(world.count("first"), 1);
    assert!(events(&engine, "r").await.contains(&"recovered"));
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn many_crashes_in_one_run_lose_nothing() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    for attempt in 1..=6 {
        let engine = open(|| builder(dir.path(), &world).saga(two_steps)).await;
        engine.start(two_steps()).id("r").await.unwrap();
        world.happened(&format!("held {attempt}"), 1).await;
        drop(engine);
    }
    world.gate.add_permits(1);
    let engine = open(|| builder(dir.path(), &world).saga(two_steps)).await;
    assert_eq!(engine.run(two_steps()).id("r").await.unwrap(), 3);
    assert_eq!(world.count("first"), 1);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_failed_step_replays_its_recorded_error() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = open(|| builder(dir.path(), &world).saga(after_an_error)).await;
    engine.start(after_an_error()).id("r").await.unwrap();
    world.happened("held 1", 1).await;
    drop(engine);
    world.gate.add_permits(1);
    let engine = open(|| builder(dir.path(), &world).saga(after_an_error)).await;
    assert_eq!(engine.run(after_an_error()).id("r").await.unwrap(), 2);
    assert_eq!(world.count("fails"), 1);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_replayed_sleep_keeps_its_wake_time() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = open(|| builder(dir.path(), &world).saga(long_wait)).await;
    engine.start(long_wait()).id("r").await.unwrap();
    world.happened("held 1", 1).await;
    drop(engine);
    world.gate.add_permits(1);
    let engine = open(|| builder(dir.path(), &world).saga(long_wait)).await;
    assert_eq!(engine.run(long_wait()).id("r").await.unwrap(), 2);
    let timers = events(&engine, "r").await.into_iter().filter(|name| *name == "timer set").count();
    assert_eq!(timers, 1);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_backoff_survives_with_its_attempts_and_its_time() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = open(|| builder(dir.path(), &world).saga(backs_off)).await;
    let run = engine.start(backs_off()).id("r").await.unwrap();
    while run.info().status != Status::Waiting {
        tokio::task::yield_now().await;
    }
    let waiting = run.info().waiting;
    engine.shutdown().await.unwrap();

    let engine = open(|| builder(dir.path(), &world).saga(backs_off)).await;
    let run = engine.attach(backs_off, "r").await.unwrap();
    while run.info().status != Status::Waiting {
        tokio::task::yield_now().await;
    }
    assert_eq!(run.info().waiting[0].on, waiting[0].on);
    assert_eq!(world.count("patient"), 1);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_shutdown_leaves_everything_recoverable_and_counts_no_crash() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let limit = std::time::Duration::from_millis(1);
    let engine = open(|| builder(dir.path(), &world).saga(two_steps).shutdown_timeout(limit)).await;
    let run = engine.start(two_steps()).id("r").await.unwrap();
    world.happened("held 1", 1).await;
    engine.shutdown().await.unwrap();
    assert!(matches!(run.outcome().await, Err(Error::Stopped { .. })));

    world.gate.add_permits(1);
    let engine = builder(dir.path(), &world).saga(two_steps).open().await.unwrap();
    assert!(engine.open_report().clean);
    assert_eq!(engine.open_report().resumed, 1);
    assert_eq!(engine.run(two_steps()).id("r").await.unwrap(), 3);
    let events = events(&engine, "r").await;
    assert!(!events.contains(&"recovered"), "{events:?}");
    assert!(events.contains(&"attempt failed"), "the dropped attempt's end is recorded: {events:?}");
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_step_that_ends_during_a_shutdown_is_not_run_again() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = open(|| builder(dir.path(), &world).saga(held_twice)).await;
    engine.start(held_twice()).id("r").await.unwrap();
    world.happened("held 1", 1).await;
    let shutdown = tokio::spawn(engine.shutdown());
    // The shutdown is under way: it waits for the attempt, which ends now.
    tokio::task::yield_now().await;
    world.gate.add_permits(1);
    shutdown.await.unwrap().unwrap();
    assert_eq!(world.count("held goes on"), 1);
    world.gate.add_permits(1);
    let engine = open(|| builder(dir.path(), &world).saga(held_twice)).await;
    assert_eq!(engine.run(held_twice()).id("r").await.unwrap(), 4);
    assert_eq!(world.count("held goes on"), 2, "{:?}", world.done());
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_step_before_a_long_wait_for_a_signal_is_on_disk() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = open(|| builder(dir.path(), &world).saga(waits_for_go)).await;
    engine.start(waits_for_go()).id("r").await.unwrap();
    while !events(&engine, "r").await.contains(&"step done") {
        tokio::task::yield_now().await;
    }
    drop(engine);
    let engine = open(|| builder(dir.path(), &world).saga(waits_for_go)).await;
    engine.signal("r", Go {}).await.unwrap();
    assert_eq!(engine.run(waits_for_go()).id("r").await.unwrap(), 1);
    assert_eq!(world.count("first"), 1);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn an_ended_run_stays_known_and_is_not_run_again() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    world.gate.add_permits(1);
    for _ in 0..3 {
        let engine = open(|| builder(dir.path(), &world).saga(two_steps)).await;
        assert_eq!(engine.run(two_steps()).id("r").await.unwrap(), 3);
        drop(engine);
    }
    assert_eq!(world.count("first"), 1);
}

#[tokio::test]
async fn swapped_removed_and_inserted_steps_diverge_by_name_and_execute_nothing() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = open(|| builder(dir.path(), &world).saga(two_steps)).await;
    for id in ["swapped", "removed", "inserted"] {
        engine.start(two_steps()).id(id).await.unwrap();
    }
    world.happened("held 1", 3).await;
    drop(engine);
    let before = world.done();

    macro_rules! problem {
        ($engine:ident, $saga:path, $id:literal) => {
            match $engine.attach($saga, $id).await.unwrap().outcome().await.unwrap() {
                Outcome::Diverged(run) => run.problem().to_owned(),
                other => panic!("{other:?}"),
            }
        };
    }
    let copies: Vec<tempfile::TempDir> = (0..3).map(|_| copy(dir.path())).collect();
    let engine = open(|| builder(copies[0].path(), &world).saga(changed::swapped)).await;
    let text = problem!(engine, changed::swapped, "swapped");
    assert!(text.contains("recorded step `first`, but the code awaits step `held`"), "{text}");
    assert!(text.contains("crash.rs:"), "{text}");
    let diverged = engine.history("swapped").await.unwrap();
    assert!(matches!(diverged.last().unwrap().event, Event::Diverged { .. }));
    drop(engine);

    let engine = open(|| builder(copies[1].path(), &world).saga(changed::removed)).await;
    let text = problem!(engine, changed::removed, "removed");
    assert!(text.contains("recorded step `first` at 0, but the code ends before it"), "{text}");
    drop(engine);

    let engine = open(|| builder(copies[2].path(), &world).saga(changed::inserted)).await;
    let text = problem!(engine, changed::inserted, "inserted");
    assert!(text.contains("recorded step `first`, but the code awaits a timer"), "{text}");
    drop(engine);
    assert_eq!(world.done(), before, "nothing was executed");
}

fn copy(from: &std::path::Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    std::fs::create_dir(to.path().join("wal")).unwrap();
    for name in ["MANIFEST", "wal"] {
        let path = from.join(name);
        if path.is_file() {
            std::fs::copy(&path, to.path().join(name)).unwrap();
            continue;
        }
        for entry in std::fs::read_dir(&path).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), to.path().join(name).join(entry.file_name())).unwrap();
        }
    }
    to
}

#[tokio::test]
async fn a_run_that_keeps_crashing_in_its_attempt_is_poisoned_and_the_others_complete() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    for attempt in 1..=3 {
        let engine = open(|| builder(dir.path(), &world).saga(two_steps).saga(long_wait).poison_after(3)).await;
        engine.start(two_steps()).id("bad").await.unwrap();
        world.happened(&format!("held {attempt}"), 1).await;
        drop(engine);
    }
    let engine = open(|| builder(dir.path(), &world).saga(two_steps).saga(long_wait).poison_after(3)).await;
    let outcome = engine.attach(two_steps, "bad").await.unwrap().outcome().await.unwrap();
    assert!(matches!(&outcome, Outcome::Poisoned(run) if run.problem().contains("3 times")), "{outcome:?}");
    assert_eq!(world.count("held 4"), 0);
    world.gate.add_permits(1);
    assert_eq!(engine.run(long_wait()).id("good").await.unwrap(), 2);
    engine.shutdown().await.unwrap();
}
