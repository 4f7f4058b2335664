//! Large values and blobs.

use std::time::Duration;

use factum::prelude::*;
use factum::{ArtifactId, Blob, Builder, Error, Status};

use crate::world::{Oops, World, builder, open};

/// So long that it stands in the arena.
const LONG: usize = 300_000;

#[step(compensate = shrink(&text), unknown = ignore)]
async fn grow(io: &mut Io<World>, text: String) -> String {
    io.app().act("grow");
    text.repeat(2)
}

#[step]
async fn shrink(io: &mut Io<World>, text: &str) {
    io.app().act(format!("shrink {}", text.len()));
}

#[step]
async fn pack(io: &mut Io<World>, len: usize) -> Result<(String, Blob), Oops> {
    io.app().act("pack");
    let bytes: Vec<u8> = (0..len).map(|n| n as u8).collect();
    let blob = io.put(bytes).await.map_err(|error| Oops::Failed(error.to_string()))?;
    Ok(("packed".to_owned(), blob))
}

#[step]
async fn measure(io: &mut Io<World>, blob: Blob) -> Result<usize, Oops> {
    io.app().act("measure");
    io.app().gate.acquire().await.unwrap().forget();
    if blob.iter().enumerate().all(|(n, byte)| *byte == n as u8) { Ok(blob.len()) } else { Err(Oops::TimedOut) }
}

#[signal]
#[derive(serde::Serialize, serde::Deserialize)]
struct Text(String);

#[saga(app = World)]
async fn long(text: String) -> Result<String, Oops> {
    let text = grow(text).await;
    let Text(more) = signal::<Text>().await;
    let text = grow(text + &more).await;
    if text.starts_with('x') { Err(Oops::Failed(text)) } else { Ok(text) }
}

#[saga(app = World)]
async fn packs(len: usize) -> Result<(usize, Blob), Oops> {
    let (name, blob) = pack(len).await?;
    assert_eq!(name, "packed");
    let measured = measure(blob.clone()).await?;
    Ok((measured, blob))
}

#[saga(app = World)]
async fn measures(blob: Blob) -> Result<usize, Oops> {
    measure(blob).await
}

fn eager(dir: &std::path::Path, world: &World) -> Builder<World> {
    let small = builder(dir, world).arena_segment_bytes(1 << 20);
    small
        .checkpoint_interval(Duration::from_millis(5))
        .sleep_after(Duration::ZERO)
        .saga(long)
        .saga(packs)
        .saga(measures)
}

async fn until(what: impl Fn() -> bool) {
    while !what() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn long_values_of_every_sort_survive_a_crash_and_the_checkpoint() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = eager(dir.path(), &world).open().await.unwrap();
    for first in ["a", "x"] {
        drop(engine.start(long(first.repeat(LONG))).id(first).await.unwrap());
    }
    until(|| engine.stats().runs_in_memory == 0).await;
    // Input, undo argument and output of the step, twice.
    assert!(engine.stats().blobs >= 6, "{:?}", engine.stats());
    drop(engine);
    let engine = open(|| eager(dir.path(), &world)).await;
    for first in ["a", "x"] {
        engine.signal(first, Text("b".repeat(LONG))).await.unwrap();
    }
    drop(engine);
    let engine = open(|| eager(dir.path(), &world)).await;
    let text = |first: &str| (first.repeat(2 * LONG) + &"b".repeat(LONG)).repeat(2);
    match engine.attach(long, "a").await.unwrap().outcome().await.unwrap() {
        Outcome::Completed(run) => assert!(*run.output() == text("a")),
        other => panic!("{:?}", other.status()),
    }
    match engine.attach(long, "x").await.unwrap().outcome().await.unwrap() {
        Outcome::Failed(run) => assert!(run.failure().to_string() == text("x")),
        other => panic!("{:?}", other.status()),
    }
    let undone = [format!("shrink {}", 3 * LONG), format!("shrink {LONG}")];
    let shrunk: Vec<String> = world.done().into_iter().filter(|done| done.starts_with("shrink")).collect();
    assert_eq!(shrunk, undone);
    let history = engine.history("a").await.unwrap();
    assert!(history.iter().any(|entry| entry.to_string().len() > 3 * LONG));
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_blob_is_written_once_read_in_place_and_given_back_with_the_last_run_that_names_it() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let forgetful = || eager(dir.path(), &world).keep_ended(0);
    let engine = forgetful().open().await.unwrap();
    drop(engine.start(packs(3 << 20)).id("p").await.unwrap());
    world.happened("measure", 1).await;
    drop(engine);
    let engine = open(forgetful).await;
    let run = engine.attach(packs, "p").await.unwrap();
    world.gate.add_permits(1);
    let (measured, blob) = match run.outcome().await.unwrap() {
        Outcome::Completed(run) => run.into_output(),
        other => panic!("{other:?}"),
    };
    drop(run);
    assert_eq!((measured, blob.len()), (3 << 20, 3 << 20));
    assert_eq!(world.count("pack"), 1);
    assert!(engine.stats().blob_bytes < (3 << 20) + 4096, "it was written once: {:?}", engine.stats());
    // Another run names it; the first is forgotten.
    drop(engine.start(measures(blob)).id("m").await.unwrap());
    while engine.list().await.unwrap().iter().any(|run| run.id == "p") {
        tokio::task::yield_now().await;
    }
    assert_eq!(engine.stats().blobs, 1);
    drop(engine);
    let engine = open(forgetful).await;
    world.gate.add_permits(1);
    match engine.attach(measures, "m").await {
        Ok(run) => drop(run.outcome().await.unwrap()),
        Err(error) => assert!(matches!(error, Error::Forgotten { .. }), "{error}"),
    }
    until(|| engine.stats().blobs == 0).await;
    let segments = || std::fs::read_dir(dir.path().join("arena")).unwrap().count();
    until(|| segments() <= 1).await;
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn bytes_that_are_put_become_a_runs_input() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = eager(dir.path(), &world).open().await.unwrap();
    world.gate.add_permits(2);
    let blob = engine.put((0..200_000).map(|n| n as u8).collect::<Vec<u8>>()).await.unwrap();
    assert_eq!(engine.run(measures(blob.clone())).id("m").await.unwrap(), 200_000);
    // The same blob is the same input.
    assert_eq!(
        engine.start(measures(blob)).id("m").await.unwrap().outcome().await.unwrap().status(),
        Status::Completed
    );
    // So are the same bytes, put by somebody else; and others are not.
    let bytes = |last: u8| (0..199_999).map(|n| n as u8).chain([last]).collect::<Vec<u8>>();
    let same = engine.put(bytes(199_999u32 as u8)).await.unwrap();
    assert_eq!(engine.start(measures(same)).id("m").await.unwrap().info().status, Status::Completed);
    let other = engine.put(bytes(0)).await.unwrap();
    let error = engine.start(measures(other)).id("m").await.unwrap_err();
    assert!(matches!(error, factum::Error::Conflict { differs: "input", .. }), "{error}");
    // JSON from elsewhere is no blob.
    let error = serde_json::from_str::<Blob>("{\"$blob\":1}").unwrap_err();
    assert!(error.to_string().contains("blob 1 is not one of this value's"), "{error}");
    engine.shutdown().await.unwrap();
}

#[step]
async fn publish(io: &mut Io<World>, text: String) -> Result<ArtifactId, Oops> {
    io.put_artifact(text).await.map_err(|error| Oops::Failed(error.to_string()))
}

#[step]
async fn look_up(io: &mut Io<World>, name: ArtifactId) -> Result<usize, Oops> {
    io.artifact(&name).map(|blob| blob.len()).map_err(|error| Oops::Failed(error.to_string()))
}

#[saga(app = World)]
async fn publishes(text: String) -> Result<(ArtifactId, usize), Oops> {
    let name = publish(text).await?;
    Ok((name, look_up(name).await?))
}

#[tokio::test]
async fn the_same_bytes_are_one_artifact_whoever_puts_them_for_as_long_as_one_of_them_is_known() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let forgetful = || eager(dir.path(), &world).saga(publishes).keep_ended(1);
    let engine = forgetful().open().await.unwrap();
    let text = "what is published ".repeat(1000);
    let name = ArtifactId::of(text.as_bytes());
    for id in ["one", "two"] {
        assert_eq!(engine.run(publishes(text.clone())).id(id).await.unwrap(), (name, text.len()));
    }
    assert_eq!(engine.stats().blobs, 1, "the bytes are there once");
    assert_eq!(name.to_string().parse::<ArtifactId>().unwrap(), name);
    // The first is forgotten; the bytes are the second's, too, in this process and in the next.
    while engine.list().await.unwrap().len() > 1 {
        tokio::task::yield_now().await;
    }
    drop(engine);
    let engine = open(forgetful).await;
    assert_eq!(&*engine.artifact(&name).unwrap(), text.as_bytes());
    // Another run takes its place: nobody who is known has put these bytes.
    assert_eq!(engine.run(publishes("other".into())).id("three").await.unwrap().1, 5);
    while !matches!(engine.history("two").await, Err(Error::Forgotten { .. })) {
        tokio::task::yield_now().await;
    }
    engine.shutdown().await.unwrap();
    let engine = forgetful().open().await.unwrap();
    assert!(engine.artifact(&name).is_err());
    assert_eq!(engine.run(publishes(text.clone())).id("four").await.unwrap().1, text.len());
    engine.shutdown().await.unwrap();
}

/// Finds an artifact; whoever reads it gets its bytes or an error.
#[saga(app = World)]
async fn reads(name: ArtifactId) -> Result<usize, Oops> {
    look_up(name).await
}

#[tokio::test]
async fn an_artifact_whose_bytes_have_changed_is_an_error_and_never_other_bytes() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let build = || builder(dir.path(), &world).arena_segment_bytes(1 << 20).saga(publishes).saga(reads);
    let engine = build().open().await.unwrap();
    let text = "what is published ".repeat(5);
    let name = engine.run(publishes(text.clone())).id("one").await.unwrap().0;
    // Outside of a run it is found by its name, too; a name that nobody has put is an error.
    assert_eq!(&*engine.artifact(&name).unwrap(), text.as_bytes());
    let nobody = ArtifactId::of(b"what nobody has put");
    assert!(engine.artifact(&nobody).unwrap_err().to_string().contains(&nobody.to_string()));
    engine.shutdown().await.unwrap();
    let segment = std::fs::read_dir(dir.path().join("arena")).unwrap().next().unwrap().unwrap().path();
    let whole = std::fs::read(&segment).unwrap();
    let at = whole.windows(text.len()).position(|part| part == text.as_bytes()).unwrap();
    for (n, bit) in (0..text.len() * 8).step_by(89).enumerate() {
        let mut flipped = whole.clone();
        flipped[at + bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&segment, &flipped).unwrap();
        let engine = build().open().await.unwrap();
        let error = engine.artifact(&name).map(|blob| blob.to_vec()).unwrap_err().to_string();
        assert!(error.contains("arena") && error.contains("damaged"), "bit {bit}: {error}");
        // A step gets the same error.
        let failed = engine.run(reads(name)).id(format!("read-{n}")).await.unwrap_err().to_string();
        assert!(failed.contains("damaged"), "bit {bit}: {failed}");
        engine.shutdown().await.unwrap();
    }
    std::fs::write(&segment, &whole).unwrap();
    let engine = build().open().await.unwrap();
    assert_eq!(engine.run(reads(name)).id("whole").await.unwrap(), text.len());
    engine.shutdown().await.unwrap();
}
