//! A whole directory before it is opened: which runs would diverge.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use factum::prelude::*;
use factum::testing::Sim;
use factum::{Error, ReplayReport, StorageError};

use super::*;
use crate::world::{builder, open};

/// So long that it stands in the arena.
#[step]
async fn long(io: &mut Io<World>) -> String {
    io.app().act("long");
    "x".repeat(100_000)
}

#[saga(app = World)]
async fn moved(what: String) -> Result<usize, Oops> {
    let text = long().await;
    work(what.clone()).await?;
    held(what).await;
    Ok(text.len())
}

#[saga(app = World)]
async fn gone(what: String) -> String {
    held(what).await
}

#[saga(app = World)]
async fn sleeps(what: String) -> Result<usize, Oops> {
    let text = long().await;
    work(what).await?;
    sleep(days(3)).await;
    Ok(text.len())
}

mod now {
    //! The present code.
    use super::*;

    #[saga(app = World, name = "moved")]
    pub async fn moved(what: String) -> Result<usize, Oops> {
        let text = long().await;
        held(what.clone()).await;
        work(what).await?;
        Ok(text.len())
    }
}

/// Every file below a directory, with its bytes.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.append(&mut self::files(&path));
        } else {
            files.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    files
}

async fn verified(builder: impl Fn() -> Builder<World>) -> ReplayReport {
    loop {
        match builder().verify_replay().await {
            Ok(report) => return report,
            Err(Error::Storage(StorageError::DirectoryInUse { .. })) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn the_runs_that_would_diverge_are_told_in_the_engines_words_and_not_a_byte_is_changed() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let eager = || builder(dir.path(), &world).checkpoint_interval(Duration::from_millis(2));
    let engine = eager().sleep_after(Duration::ZERO).saga(sleeps).open().await.unwrap();
    for id in ["asleep 1", "asleep 2"] {
        drop(engine.start(sleeps("asleep".into())).id(id).await.unwrap());
    }
    drop(engine.start(sleeps("cancelled".into())).id("cancelled").await.unwrap());
    while engine.stats().runs_in_memory > 0 {
        tokio::task::yield_now().await;
    }
    drop(engine);
    // What follows is in the log alone.
    let late = || builder(dir.path(), &world).checkpoint_interval(Duration::from_secs(3600));
    let engine = open(|| late().saga(sleeps).saga(moved).saga(gone).saga(stands)).await;
    for id in ["moved 1", "moved 2"] {
        drop(engine.start(moved(id.into())).id(id).await.unwrap());
        world.happened(&format!("held {id}"), 1).await;
    }
    drop(engine.start(stands("here".into())).id("fits").await.unwrap());
    drop(engine.start(gone("gone".into())).id("gone").await.unwrap());
    world.happened("held here", 1).await;
    world.happened("held gone", 1).await;
    drop(engine);

    let present = || late().saga(sleeps).saga(now::moved).saga(stands);
    // The lock goes with the engine's last task.
    drop(verified(present).await);
    let (before, done) = (files(dir.path()), world.done());
    let report = verified(present).await;
    assert!(files(dir.path()) == before, "a file was changed");
    assert_eq!(world.done(), done, "nothing was done");
    let told: Vec<(&str, String)> =
        report.diverging.iter().map(|run| (run.id.as_str(), run.divergence.to_string())).collect();
    assert_eq!((report.fit, report.rolling_back, told.len()), (4, 0, 2), "{report:?}");
    assert_eq!((report.missing.len(), report.missing[0].name.as_str()), (1, "gone"), "{report:?}");
    assert_eq!(report.missing[0].runs, ["gone"]);
    assert!(!report.is_clean() && report.missing_steps.is_empty() && report.unreadable.is_empty(), "{report:?}");
    assert!(told[0].1.contains("recorded step `work`, but the code awaits step `held`"), "{told:?}");

    // With the code that made the records all of them fit.
    let report = verified(|| late().saga(sleeps).saga(moved).saga(stands).saga(gone)).await;
    assert!(report.is_clean() && report.fit == 7, "{report:?}");
    // With none of it, none is known.
    let report = verified(late).await;
    assert_eq!((report.fit, report.missing.len()), (0, 4), "{report:?}");

    let engine = open(|| present().keep_unknown_workflows()).await;
    for (id, divergence) in &told {
        let Outcome::Diverged(run) = engine.attach(now::moved, id).await.unwrap().outcome().await.unwrap() else {
            panic!("{id}")
        };
        assert_eq!(run.problem(), divergence);
    }
    engine.cancel("cancelled").await.unwrap();
    let error = present().verify_replay().await.unwrap_err();
    assert!(matches!(error, Error::Storage(StorageError::DirectoryInUse { .. })), "{error}");
    drop(engine);

    // What has diverged would diverge again, and fits the old code.
    let report = verified(present).await;
    assert_eq!(report.diverging.len(), 2, "{report:?}");
    let report = verified(|| late().saga(sleeps).saga(moved).saga(stands).saga(gone)).await;
    assert!(report.is_clean() && report.fit + report.rolling_back >= 6, "{report:?}");
}

#[tokio::test]
async fn a_directory_that_is_none_or_damaged_is_an_error() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let error = builder(dir.path(), &world).verify_replay().await.unwrap_err();
    assert!(matches!(error, Error::Storage(StorageError::NoDataDirectory { .. })), "{error}");
    let engine = builder(dir.path(), &world).saga(stands).open().await.unwrap();
    drop(engine.start(stands("here".into())).id("r").await.unwrap());
    world.happened("held here", 1).await;
    drop(engine);
    assert_eq!(verified(|| builder(dir.path(), &world).saga(stands)).await.fit, 1);
    let log = files(dir.path()).into_keys().find(|path| path.extension().is_some_and(|end| end == "wal")).unwrap();
    let mut bytes = std::fs::read(&log).unwrap();
    bytes[4096 + 100] ^= 1;
    std::fs::write(&log, bytes).unwrap();
    let error = builder(dir.path(), &world).saga(stands).verify_replay().await.unwrap_err();
    assert!(matches!(error, Error::Storage(StorageError::Damaged { .. })), "{error}");
}

/// The saga of every operation, changed.
macro_rules! changed {
    ($name:ident, items $items:expr, tries $tries:expr, extra { $($extra:tt)* }, race { $($race:tt)* }) => {
        #[saga(app = World, name = "everything")]
        async fn $name(wait: bool) -> Result<String, Oops> {
            let (moment, dice, id) = (now().await, random::<u64>().await, uuid().await);
            publish(&"begun").await;
            let mut said = vec![work("first".to_owned()).await?];
            said.push(inner("well".to_owned()).await?);
            if let Err(error) = inner("badly".to_owned()).await {
                said.push(error.to_string());
            }
            let (one, two) = join((work("one".to_owned()), inner("two".to_owned()))).await;
            said.extend([one?, two?]);
            for result in all($items.into_iter().map(|what: &str| work(what.to_owned()))).concurrency(2).await {
                said.push(result?);
            }
            $($extra)*
            let tried = try_all($tries.into_iter().map(|what: &str| inner(what.to_owned()))).await;
            said.push(format!("{tried:?}"));
            let won = race(($($race)*)).await;
            said.push(format!("{won:?}"));
            let waited = signal::<Go>().timeout(Duration::from_millis(5)).await.map_err(|_| "nobody");
            said.push(format!("{waited:?}"));
            let child = spawn(child("child".to_owned())).await;
            said.push((&child).await.unwrap());
            said.push(patient().await?.to_string());
            if wait {
                said.push(format!("{:?}", signal::<Go>().await));
            }
            Ok(format!("{moment:?} {dice} {id} {}", said.join("; ")))
        }
    };
}

// One difference in each: a simulated machine polls branches in an order of its own.
changed!(fewer, items ["a", "b"], tries ["x", "y", "z"], extra {},
    race { signal::<Go>(), sleep(seconds(1)), inner("lost".to_owned()) });
changed!(fewer_tries, items ["a", "b", "c"], tries ["x", "y"], extra {},
    race { signal::<Go>(), sleep(seconds(1)), inner("lost".to_owned()) });
changed!(inserted, items ["a", "b", "c"], tries ["x", "y", "z"], extra { sleep(seconds(1)).await; },
    race { signal::<Go>(), sleep(seconds(1)), inner("lost".to_owned()) });
changed!(shuffled, items ["a", "d", "c"], tries ["x", "y", "z"], extra {},
    race { sleep(seconds(1)), signal::<Go>(), inner("lost".to_owned()) });

#[test]
fn the_verdict_is_the_engines_at_every_point_of_a_run() {
    let lines = {
        let (sim, world) = (Sim::new(1), World::new());
        sim.run(async {
            let engine = on_sim(&sim, &world).open().await.unwrap();
            world.fail_next("badly 2");
            world.fail_next("y 1");
            engine.run(everything(false)).id("r").await.unwrap();
            let lines = exported(&engine, "r").await;
            engine.shutdown().await.unwrap();
            String::from_utf8(lines).unwrap()
        })
    };
    let all: Vec<&str> = lines.lines().collect();
    // Before that the changed bodies do what was recorded.
    let differs = all.iter().position(|line| line.contains("a done")).unwrap() - 8;
    let mut diverged = 0;
    for count in 1..all.len() - 2 {
        let paused = r#"{"lsn":900000,"time":"2100-01-01T00:00:00Z","event":{"paused":{"reason":"for a while"}}}"#;
        let end = format!(r#"{{"end":true,"records":{}}}"#, count + 1);
        let lines = [&all[..=count], &[paused, &end]].concat().join("\n");
        diverged += verdict(everything, &lines, count, &|builder| builder.saga(everything));
        if count < differs {
            continue;
        }
        diverged += verdict(fewer, &lines, count, &|builder| builder.saga(fewer));
        diverged += verdict(fewer_tries, &lines, count, &|builder| builder.saga(fewer_tries));
        diverged += verdict(inserted, &lines, count, &|builder| builder.saga(inserted));
        diverged += verdict(shuffled, &lines, count, &|builder| builder.saga(shuffled));
    }
    assert!(diverged > 50, "{diverged}");
}

/// Compares what is told of a directory with what comes of it; whether its run diverges.
fn verdict<Shape, F: factum::SagaFn<Shape>>(
    saga: F,
    lines: &str,
    count: usize,
    with: &dyn Fn(Builder<World>) -> Builder<World>,
) -> usize {
    let (sim, world) = (Sim::new(count as u64), World::new());
    let plain = || Engine::builder("/data").segment_bytes(64 << 10).sim(&sim).app(world.clone()).saga(child).step(work);
    sim.run(async {
        let engine = plain().saga(everything).open().await.unwrap();
        engine.import(lines.as_bytes()).await.unwrap();
        engine.shutdown().await.unwrap();

        let report = with(plain()).verify_replay().await.unwrap();
        assert_eq!(report.fit + report.diverging.len() as u64, 1, "{count}: {report:?}");
        assert!(world.done().is_empty());

        let engine = with(plain()).open().await.unwrap();
        engine.resume("r").await.unwrap();
        let run = engine.attach(saga, "r").await.unwrap();
        match (report.diverging.first(), run.outcome().await.unwrap()) {
            (Some(told), Outcome::Diverged(run)) => assert_eq!(run.problem(), told.divergence.to_string(), "{count}"),
            (Some(told), _) => panic!("{count}: told of {told}, but it did not diverge"),
            (None, Outcome::Diverged(run)) => panic!("{count}: told of nothing, but {}", run.problem()),
            (None, _) => {}
        }
        engine.shutdown().await.unwrap();
        report.diverging.len()
    })
}
