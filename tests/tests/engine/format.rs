//! Data directories that earlier versions wrote: this one opens them and goes on, or refuses them by name.
//!
//! `tests/format/v1` was written by the first version, by `FACTUM_WRITE_FIXTURE=tests/format/v1/data cargo test -p
//! factum-tests --test engine writes_a_fixture`. A fixture is never written again: a format that changes gets another one.

use std::path::{Path, PathBuf};
use std::time::Duration;

use factum::prelude::*;
use factum::{Blob, Builder, Event, Status};
use serde::{Deserialize, Serialize};

use crate::world::{Oops, World, builder};

#[signal]
#[derive(Debug, Serialize, Deserialize)]
struct Go {
    by: String,
}

#[step(compensate = unpack(&name), unknown = ignore)]
async fn pack(io: &mut Io<World>, name: String) -> Result<(String, Blob), Oops> {
    io.app().act(format!("pack {name}"));
    let bytes: Vec<u8> = (0..5_000u32).map(|n| n as u8).collect();
    Ok((name, io.put(bytes).await.map_err(|error| Oops::Failed(error.to_string()))?))
}

#[step]
async fn unpack(io: &mut Io<World>, name: &str) {
    io.app().act(format!("unpack {name}"));
}

#[step(retry(attempts = 3, initial = "1ms"))]
async fn flaky(io: &mut Io<World>) -> Result<f64, Oops> {
    if io.attempt() == 1 { Err(Oops::Later) } else { Ok(0.1) }
}

#[saga(app = World)]
async fn inner(name: String) -> Result<Blob, Oops> {
    Ok(pack(name).await?.1)
}

#[saga(app = World, name = "fixture", version = 3)]
async fn everything(name: String, well: bool) -> Result<(String, Blob), Oops> {
    let blob = inner(name.clone()).await?;
    flaky().await?;
    sleep(millis(1)).await;
    let Go { by } = signal::<Go>().await;
    if well { Ok((by, blob)) } else { Err(Oops::Failed(by)) }
}

fn engine(dir: &Path, world: &World) -> Builder<World> {
    let small =
        builder(dir, world).segment_bytes(64 << 10).arena_segment_bytes(64 << 10).checkpoint_cache_bytes(1 << 20);
    small.checkpoint_interval(Duration::from_millis(5)).sleep_after(Duration::ZERO).saga(everything)
}

/// What the fixture holds: runs that ended well and badly, one that was forgotten, one that sleeps, one whose last
/// records are in the log alone.
async fn furnish(dir: &Path) {
    let world = World::new();
    let engine = engine(dir, &world).keep_ended(2).open().await.unwrap();
    for (id, well) in [("forgotten", true), ("good", true), ("bad", false)] {
        let run = engine.start(everything(id.into(), well)).id(id).await.unwrap();
        engine.signal(id, Go { by: "ann".into() }).sender_id("first").await.unwrap();
        run.outcome().await.unwrap();
    }
    drop(engine.start(everything("sleeps".into(), true)).id("sleeps").await.unwrap());
    while engine.stats().runs_in_memory > 0 || engine.list().await.unwrap().len() > 3 {
        tokio::task::yield_now().await;
    }
    engine.shutdown().await.unwrap();
    let hour = Duration::from_secs(3600);
    let patient = self::engine(dir, &world).keep_ended(2).checkpoint_interval(hour).sleep_after(hour);
    let engine = patient.open().await.unwrap();
    let run = engine.start(everything("waits".into(), false)).id("waits").await.unwrap();
    while run.info().status != Status::Waiting {
        tokio::task::yield_now().await;
    }
    drop(run);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn writes_a_fixture_when_asked_to_and_reads_what_it_writes() {
    let kept =
        std::env::var_os("FACTUM_WRITE_FIXTURE").map(|dir| Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(dir));
    let dir = tempfile::tempdir().unwrap();
    furnish(dir.path()).await;
    if let Some(kept) = kept {
        assert!(!kept.exists(), "a fixture is never written again");
        copy(dir.path(), &kept);
    }
    examine(dir.path()).await;
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &name);
        } else if path.extension().is_none_or(|extension| extension != "free") {
            std::fs::copy(&path, &name).unwrap();
        }
    }
}

/// Opens a fixture, looks at all that is in it, and goes on with it.
async fn examine(dir: &Path) {
    let world = World::new();
    let engine = engine(dir, &world).keep_ended(2).open().await.unwrap();
    assert!(engine.open_report().clean);
    let known: Vec<(String, Status)> =
        engine.list().await.unwrap().into_iter().map(|run| (run.id.to_string(), run.status)).collect();
    let wanted = [("good", Status::Completed), ("bad", Status::Failed), ("sleeps", Status::Waiting)];
    assert_eq!(known[..3], wanted.map(|(id, status)| (id.to_owned(), status)));
    assert_eq!(known[3].0, "waits");
    let forgotten = engine.start(everything("forgotten".into(), true)).id("forgotten").await;
    assert!(matches!(forgotten, Err(factum::Error::Forgotten { .. })));
    let bytes: Vec<u8> = (0..5_000u32).map(|n| n as u8).collect();
    match engine.attach(everything, "good").await.unwrap().outcome().await.unwrap() {
        Outcome::Completed(run) => {
            let (by, blob) = run.output();
            assert_eq!((by.as_str(), &**blob), ("ann", &bytes[..]));
        }
        other => panic!("{other:?}"),
    }
    match engine.attach(everything, "bad").await.unwrap().outcome().await.unwrap() {
        Outcome::Failed(run) => assert_eq!(run.failure().to_string(), "ann"),
        other => panic!("{other:?}"),
    }
    let history = engine.history("bad").await.unwrap();
    assert!(matches!(&history[0].event, Event::RunStarted { workflow, version: 3, .. } if workflow == "fixture"));
    let names: Vec<&str> = history.iter().map(|entry| entry.event.name()).collect();
    assert_eq!(
        names[names.len() - 4..],
        ["rollback decided", "compensation started", "compensation done", "run failed"]
    );
    for (id, well) in [("sleeps", true), ("waits", false)] {
        engine.signal(id, Go { by: "bob".into() }).await.unwrap();
        let outcome = engine.attach(everything, id).await.unwrap().outcome().await.unwrap();
        assert_eq!(outcome.status() == Status::Completed, well, "{outcome:?}");
    }
    assert_eq!(world.done(), ["unpack waits"], "what was done is not done again");
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_directory_of_format_version_1_opens_and_goes_on() {
    let fixture: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("format/v1/data");
    let dir = tempfile::tempdir().unwrap();
    copy(&fixture, dir.path());
    examine(dir.path()).await;
}
