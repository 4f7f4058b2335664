//! Runs as JSON Lines, and back.

use std::io::{self, BufReader};
use std::path::Path;
use std::time::Duration;

use factum::prelude::*;
use factum::{Blob, Builder, Error, HistoryEntry, ImportError, Status};
use serde::{Deserialize, Serialize};

use crate::world::{Oops, World, builder, open};

/// So long that it stands in the arena.
const LONG: usize = 100_000;

#[signal]
#[derive(Debug, Serialize, Deserialize)]
struct Go {
    by: String,
    with: Option<Blob>,
}

#[step(compensate = unpack(&output), unknown = ignore)]
async fn pack(io: &mut Io<World>, len: usize) -> Result<(String, Blob), Oops> {
    io.app().act(format!("pack {}", io.key()));
    let bytes: Vec<u8> = (0..len).map(|n| n as u8).collect();
    let failed = |error: factum::StorageError| Oops::Failed(error.to_string());
    io.put_artifact(b"a label".to_vec()).await.map_err(failed)?;
    let blob = io.put(bytes).await.map_err(failed)?;
    Ok(("x".repeat(LONG), blob))
}

#[step]
async fn unpack(io: &mut Io<World>, packed: &(String, Blob)) {
    io.app().act(format!("unpack {} {}", packed.0.len(), packed.1.len()));
}

/// Says its key when it ends, and waits at the gate before that.
#[step]
async fn measure(io: &mut Io<World>, blob: Blob, what: String) -> Result<usize, Oops> {
    io.app().act(format!("measure {what} {}", io.attempt()));
    io.app().gate.acquire().await.unwrap().forget();
    io.app().act(format!("measured {what} {}", io.key()));
    if blob.iter().enumerate().all(|(n, byte)| *byte == n as u8) { Ok(blob.len()) } else { Err(Oops::TimedOut) }
}

#[saga(app = World)]
async fn inner(blob: Blob) -> Result<usize, Oops> {
    measure(blob, "inner".to_owned()).await
}

/// Blobs everywhere: in the input, arguments, outputs and signals.
#[saga(app = World)]
async fn trip(first: Blob, well: bool) -> Result<usize, Oops> {
    let before = inner(first.clone()).await?;
    let (name, packed) = pack(first.len() + 1).await?;
    let go = signal::<Go>().await;
    let with = go.with.map_or(0, |blob| blob.len());
    let after = inner(packed.clone()).await?;
    let sum = before + name.len() + after + with;
    if well { Ok(sum) } else { Err(Oops::Failed(format!("{sum} for {}", go.by))) }
}

/// The same run without the step that it has to undo.
mod other {
    use super::*;

    #[saga(app = World, name = "trip")]
    pub(super) async fn trip(first: Blob, well: bool) -> Result<usize, Oops> {
        let before = inner(first).await?;
        if well { Ok(before) } else { Err(Oops::TimedOut) }
    }
}

#[step]
async fn name(io: &mut Io<World>, n: f64) -> Result<String, Oops> {
    io.app().act("name");
    if io.app().fails("name") { Err(Oops::Failed("no \u{1F980}\nname".to_owned())) } else { Ok(n.to_string()) }
}

#[saga(app = World)]
async fn plain(n: f64) -> Result<String, Oops> {
    name(n).await
}

fn small(dir: &Path, world: &World) -> Builder<World> {
    let quick = builder(dir, world).arena_segment_bytes(1 << 20).checkpoint_interval(Duration::from_millis(5));
    quick.sleep_after(Duration::ZERO)
}

fn with_all(dir: &Path, world: &World) -> Builder<World> {
    small(dir, world).saga(trip).saga(inner).saga(plain)
}

async fn exported(engine: &Engine, id: &str) -> String {
    let mut lines = Vec::new();
    engine.export(id, &mut lines).await.unwrap();
    String::from_utf8(lines).unwrap()
}

async fn import(engine: &Engine, lines: &str) -> Result<factum::RunInfo, Error> {
    engine.import(lines.as_bytes()).await
}

/// What the lines of the records say, without what is another one elsewhere.
fn events(lines: &str) -> Vec<(String, serde_json::Value)> {
    let values = lines.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let records = values.filter(|line| line.get("lsn").is_some());
    records.map(|line| (line["time"].to_string(), line["event"].clone())).collect()
}

fn times(history: &[HistoryEntry]) -> Vec<std::time::SystemTime> {
    history.iter().map(|entry| entry.time).collect()
}

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|n| n as u8).collect()
}

/// A run of `trip` that has packed and waits for its signal; the permits that it took are gone.
async fn at_the_signal(engine: &Engine, world: &World, id: &str, well: bool) {
    world.gate.add_permits(1);
    let first = engine.put(bytes(2_000_000)).await.unwrap();
    drop(engine.start(trip(first, well)).id(id).await.unwrap());
    while engine.list().await.unwrap().iter().all(|run| run.id != id || run.status != Status::Waiting) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_run_that_has_ended_is_known_elsewhere_with_its_outcome_its_history_and_its_times() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let elsewhere = tempfile::tempdir().unwrap();
    let engine = with_all(dir.path(), &world).open().await.unwrap();
    assert_eq!(engine.run(plain(0.1)).id("good").await.unwrap(), "0.1");
    world.fail_next("name");
    assert!(engine.run(plain(1e300)).id("bad").await.is_err());
    let runs = [exported(&engine, "good").await, exported(&engine, "bad").await];
    let histories = [engine.history("good").await.unwrap(), engine.history("bad").await.unwrap()];
    engine.shutdown().await.unwrap();

    // Nothing needs to be registered for what has ended.
    let engine = small(elsewhere.path(), &world).open().await.unwrap();
    for (lines, status) in runs.iter().zip([Status::Completed, Status::Failed]) {
        assert_eq!(import(&engine, lines).await.unwrap().status, status);
    }
    drop(engine);
    let engine = open(|| with_all(elsewhere.path(), &world)).await;
    for (id, (lines, history)) in ["good", "bad"].iter().zip(runs.iter().zip(&histories)) {
        let here = engine.history(id).await.unwrap();
        assert_eq!(times(&here), times(history));
        let all: Vec<_> = here.iter().map(|entry| &entry.event).collect();
        assert_eq!(all, history.iter().map(|entry| &entry.event).collect::<Vec<_>>());
        assert_eq!(events(&exported(&engine, id).await), events(lines));
    }
    // A start of the same run finds it; none of it is done again.
    assert_eq!(engine.run(plain(0.1)).id("good").await.unwrap(), "0.1");
    match engine.attach(plain, "bad").await.unwrap().outcome().await.unwrap() {
        Outcome::Failed(run) => assert_eq!(run.failure().to_string(), "no \u{1F980}\nname"),
        other => panic!("{other:?}"),
    }
    assert_eq!(world.count("name"), 2);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn an_export_is_one_json_object_a_line() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = with_all(dir.path(), &world).open().await.unwrap();
    engine.run(plain(2.5)).id("order-42").await.unwrap();
    let text = exported(&engine, "order-42").await;
    let lines: Vec<&str> = text.lines().collect();
    assert!(text.ends_with('\n') && lines.len() == 6, "{text}");
    let head = r#"{"factum":"run","format":1,"id":"order-42","workflow":"plain","version":1,"exported":"20"#;
    assert!(lines[0].starts_with(head), "{}", lines[0]);
    assert!(lines[1].contains(r#""event":{"run started":{"id":"order-42","workflow":"plain","#), "{}", lines[1]);
    assert!(lines[1].ends_with(r#","input":[2.5]}}}"#), "{}", lines[1]);
    assert!(lines[3].ends_with(r#","event":{"step done":{"at":"0","output":"2.5"}}}"#), "{}", lines[3]);
    assert!(lines[4].ends_with(r#","event":{"run completed":{"output":"2.5"}}}"#), "{}", lines[4]);
    assert_eq!(lines[5], r#"{"end":true,"records":4}"#);
    let time = serde_json::from_str::<serde_json::Value>(lines[1]).unwrap()["time"].as_str().unwrap().to_owned();
    assert!(time.ends_with('Z') && time.len() == "2026-11-21T09:30:00.000000001Z".len(), "{time}");
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_run_in_flight_goes_on_elsewhere_with_its_blobs_and_its_keys() {
    for well in [true, false] {
        let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
        let elsewhere = tempfile::tempdir().unwrap();
        let engine = with_all(dir.path(), &world).open().await.unwrap();
        at_the_signal(&engine, &world, "t", well).await;
        // It has not been taken yet, and comes along.
        let with = Some(engine.put(bytes(70_000)).await.unwrap());
        let lines = {
            engine.signal("t", Go { by: "ann".to_owned(), with }).await.unwrap();
            world.happened("measure inner 1", 2).await;
            exported(&engine, "t").await
        };
        drop(engine);
        let done = world.done();

        let there = || with_all(elsewhere.path(), &world);
        let engine = there().open().await.unwrap();
        // The ids that the blobs had belong to others here.
        let others = [engine.put(vec![255; 10]).await.unwrap(), engine.put(vec![254; 2_000_000]).await.unwrap()];
        import(&engine, &lines).await.unwrap();
        drop(engine);
        let engine = open(there).await;
        world.gate.add_permits(1);
        let outcome = engine.attach(trip, "t").await.unwrap().outcome().await.unwrap();
        let sum = 2_000_000 + LONG + 2_000_001 + 70_000;
        match outcome {
            Outcome::Completed(run) if well => assert_eq!(*run.output(), sum),
            Outcome::Failed(run) if !well => assert_eq!(run.failure().to_string(), format!("{sum} for ann")),
            other => panic!("{}", other.status()),
        }
        // The attempt that was in the air is made again, and nothing else.
        let after: Vec<String> = world.done()[done.len()..].to_vec();
        let attempts = after.iter().filter(|done| done.starts_with("measure "));
        assert!(attempts.clone().count() >= 1 && attempts.clone().all(|done| done != "measure inner 1"), "{after:?}");
        assert_eq!(after.iter().filter(|done| done.starts_with("measured ")).count(), 1, "{after:?}");
        assert_eq!(after.iter().any(|done| *done == format!("unpack {LONG} 2000001")), !well, "{after:?}");
        assert!(crate::world::events(&engine, "t").await.contains(&"recovered"));
        let keys: Vec<&String> = done.iter().chain(&after).filter(|done| done.starts_with("measured ")).collect();
        assert_ne!(keys[0], keys[1]);
        drop(others);
        engine.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn an_imported_run_keeps_its_idempotency_keys() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let elsewhere = tempfile::tempdir().unwrap();
    let engine = with_all(dir.path(), &world).open().await.unwrap();
    let first = engine.put(bytes(10)).await.unwrap();
    drop(engine.start(trip(first, true)).id("t").await.unwrap());
    world.happened("measure inner 1", 1).await;
    let lines = exported(&engine, "t").await;
    world.gate.add_permits(1);
    engine.signal("t", Go { by: "x".to_owned(), with: None }).await.unwrap();
    world.happened("measure inner 1", 2).await;
    drop(engine);
    let key = |done: &[String]| done.iter().find(|done| done.starts_with("measured ")).cloned();
    let there = key(&world.done()).unwrap();

    let before = world.done().len();
    let engine = with_all(elsewhere.path(), &world).open().await.unwrap();
    // Its number is another one here.
    engine.run(plain(1.0)).id("p").await.unwrap();
    import(&engine, &lines).await.unwrap();
    world.gate.add_permits(1);
    let pack = |done: &[String]| done.iter().find(|done| done.starts_with("pack ")).cloned();
    while pack(&world.done()[before..]).is_none() {
        tokio::task::yield_now().await;
    }
    assert_eq!(key(&world.done()[before..]).unwrap(), there);
    assert_eq!(pack(&world.done()[before..]), pack(&world.done()[..before]));
    drop(engine);
}

#[tokio::test]
async fn a_run_is_imported_once_and_never_over_another() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let elsewhere = tempfile::tempdir().unwrap();
    let engine = with_all(dir.path(), &world).open().await.unwrap();
    engine.run(plain(1.0)).id("a").await.unwrap();
    engine.run(plain(1.0)).id("b").await.unwrap();
    engine.run(plain(1.0)).id("c").await.unwrap();
    let [a, b, c] = [exported(&engine, "a").await, exported(&engine, "b").await, exported(&engine, "c").await];
    let home = import(&engine, &a).await.unwrap_err();
    assert!(matches!(&home, Error::AlreadyHere { id } if *id == "a"), "{home}");
    engine.shutdown().await.unwrap();

    let engine = with_all(elsewhere.path(), &world).keep_ended(2).open().await.unwrap();
    import(&engine, &c).await.unwrap();
    let (one, two) = tokio::join!(import(&engine, &a), import(&engine, &a));
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    let again = one.and(two).unwrap_err();
    assert!(matches!(&again, Error::AlreadyHere { id } if *id == "a"), "{again}");
    engine.run(plain(1.0)).id("b").await.unwrap();
    let other = import(&engine, &b).await.unwrap_err();
    assert!(matches!(&other, Error::Conflict { differs: "origin", .. }), "{other}");
    while engine.list().await.unwrap().len() > 2 {
        tokio::task::yield_now().await;
    }
    // The oldest by its end, not by its import.
    let error = import(&engine, &a).await.unwrap_err();
    assert!(matches!(error, Error::Forgotten { .. }), "{error}");
    assert!(matches!(engine.export("a", io::sink()).await, Err(Error::Forgotten { .. })));
    assert!(matches!(engine.export("z", io::sink()).await, Err(Error::UnknownRun { .. })));
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn what_a_run_in_flight_needs_must_be_registered() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let elsewhere = tempfile::tempdir().unwrap();
    let engine = with_all(dir.path(), &world).open().await.unwrap();
    at_the_signal(&engine, &world, "t", true).await;
    let lines = exported(&engine, "t").await;
    engine.shutdown().await.unwrap();
    let engine = small(elsewhere.path(), &world).open().await.unwrap();
    let error = import(&engine, &lines).await.unwrap_err();
    assert!(matches!(&error, Error::NotRegistered { workflow, .. } if workflow == "trip"), "{error}");
    engine.shutdown().await.unwrap();
    let engine = small(elsewhere.path(), &world).saga(other::trip).open().await.unwrap();
    let error = import(&engine, &lines).await.unwrap_err();
    assert!(matches!(&error, Error::UnknownSteps { missing } if missing[0].step == "pack"), "{error}");
    assert!(engine.list().await.unwrap().is_empty());
    assert_eq!(engine.stats().records, 0);
    engine.shutdown().await.unwrap();
}

/// The lines of a run with everything in it, for those who break them.
async fn sample(world: &World) -> String {
    let dir = tempfile::tempdir().unwrap();
    let engine = with_all(dir.path(), world).open().await.unwrap();
    world.gate.add_permits(1);
    let first = engine.put(bytes(1_000_000)).await.unwrap();
    let run = engine.start(trip(first, true)).id("t").await.unwrap();
    let with = Some(engine.put(bytes(100)).await.unwrap());
    engine.signal("t", Go { by: "ann".to_owned(), with }).await.unwrap();
    world.gate.add_permits(1);
    assert_eq!(run.outcome().await.unwrap().status(), Status::Completed);
    let lines = exported(&engine, "t").await;
    engine.shutdown().await.unwrap();
    lines
}

#[tokio::test]
async fn an_export_that_is_cut_doubled_or_mixed_up_is_refused_with_its_line_and_leaves_nothing() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let text = sample(&world).await;
    let lines: Vec<&str> = text.lines().collect();
    let parts = lines.iter().filter(|line| line.starts_with("{\"blob\"")).count();
    assert!(parts >= 5, "blobs of one part and of several: {parts}");
    let engine = small(dir.path(), &world).open().await.unwrap();
    let mut tried = 0;
    let mut refused = async |what: &str, lines: Vec<&str>| {
        let error = import(&engine, &(lines.join("\n") + "\n")).await.unwrap_err();
        assert!(matches!(error, Error::Import { .. }), "{what}: {error}");
        tried += 1;
        error
    };
    for n in 0..lines.len() {
        let error = refused("cut", lines[..n].to_vec()).await;
        let cut = matches!(&error, Error::Import { line, source: ImportError::Cut } if *line == n as u64 + 1);
        assert!(cut || n == 0, "{error}");
        refused("without a line", [&lines[..n], &lines[n + 1..]].concat()).await;
        refused("with a line twice", [&lines[..=n], &lines[n..]].concat()).await;
        // The blobs before a record have no order among each other.
        let sort = |line: &str| line[..line.find([':', ',']).unwrap() + 2].to_owned();
        let of_a_blob = lines[n].starts_with("{\"blob\"");
        if n > 0 && (sort(lines[n - 1]) == sort(lines[n]) || !of_a_blob && !lines[n - 1].starts_with("{\"blob\"")) {
            let mut swapped = lines.clone();
            swapped.swap(n - 1, n);
            refused("with two lines swapped", swapped).await;
        }
    }
    assert!(engine.list().await.unwrap().is_empty());
    assert_eq!((engine.stats().records, engine.stats().blobs), (0, 0));
    // As it was, it is one; the last line needs no end.
    import(&engine, text.trim_end()).await.unwrap();
    println!("{tried} ways to break an export of {} lines were refused", lines.len());
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn lines_that_do_not_fit_are_named_errors() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let text = sample(&world).await;
    let engine = small(dir.path(), &world).open().await.unwrap();
    let refused = async |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        match import(&engine, &text.replacen(from, to, 1)).await.unwrap_err() {
            Error::Import { line, source } => (line, source),
            other => panic!("{other}"),
        }
    };
    let (line, error) = refused(r#"{"factum":"run""#, r#"{"factum":"walk""#).await;
    assert!(line == 1 && matches!(error, ImportError::NotAnExport { .. }), "{error}");
    let (_, error) = refused(r#""format":1,"#, r#""format":2,"later":true,"#).await;
    assert!(matches!(error, ImportError::OtherFormat { found: 2, known: 1 }), "{error}");
    let (_, error) = refused(r#","id":"t","workflow""#, r#","id":"u","workflow""#).await;
    assert!(matches!(error, ImportError::Differs { what: "the id", .. }), "{error}");
    let (_, error) = refused(r#""event":{"run started":{"id":"t""#, r#""event":{"run started":{"id":"""#).await;
    assert!(matches!(error, ImportError::Impossible { .. }), "{error}");
    let (line, error) = refused(r#""base64":"AAEC"#, r#""base64":"BAEC"#).await;
    assert!(line == 3 && matches!(error, ImportError::Blob { .. }), "{line}: {error}");
    let (_, error) = refused(r#""base64":"AAEC"#, r#""base64":"!AEC"#).await;
    assert!(matches!(error, ImportError::Blob { .. }), "{error}");
    let (_, error) = refused(r#""len":1000000"#, r#""len":18446744073709551615"#).await;
    assert!(matches!(error, ImportError::Blob { .. }), "{error}");
    let (_, error) = refused(r#""blobs":[1]"#, r#""blobs":[1,77]"#).await;
    assert!(matches!(error, ImportError::MissingBlob { id: 77 }), "{error}");
    let (_, error) = refused(r#"[{"$blob":1},true]"#, r#"["{\"$blob\":1}",true]"#).await;
    assert!(matches!(error, ImportError::HiddenBlob { id: 1 }), "{error}");
    let (_, error) = refused(r#"{"artifact put":{"artifact":""#, r#"{"artifact put":{"artifact":"0"#).await;
    assert!(matches!(error, ImportError::Malformed { .. }), "{error}");
    let label = factum::ArtifactId::of(b"a label").to_string();
    let (_, error) = refused(&label, &factum::ArtifactId::of(b"another").to_string()).await;
    assert!(matches!(error, ImportError::Differs { what: "the name of an artifact's bytes", .. }), "{error}");
    let (line, error) = refused(r#"{"step done":{"at":"0.0""#, r#"{"step done":{"at":"0.1""#).await;
    assert!(line > 4 && matches!(error, ImportError::Illegal { .. }), "{error}");
    let (_, error) = refused(r#""saga":"inner""#, r#""saga":"in\u0000ner""#).await;
    assert!(matches!(error, ImportError::Impossible { .. }), "{error}");
    let (_, error) = refused(r#"{"end":true,"#, r#"{"end":true,"more":1,"#).await;
    assert!(matches!(error, ImportError::Malformed { .. }), "{error}");
    let behind = import(&engine, &format!("{text}\n")).await.unwrap_err();
    assert!(matches!(behind, Error::Import { source: ImportError::BehindTheEnd { .. }, .. }), "{behind}");
    let failing = BufReader::new(Failing);
    let error = engine.import(failing).await.unwrap_err();
    assert!(matches!(error, Error::Import { line: 1, source: ImportError::Read { .. } }), "{error}");
    assert_eq!(engine.stats().records, 0);
    engine.shutdown().await.unwrap();
}

/// Neither read nor written.
struct Failing;

impl io::Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("it is wet"))
    }
}

impl io::Write for Failing {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::Error::other("it is full"))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_writer_that_fails_is_a_named_error() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = with_all(dir.path(), &world).open().await.unwrap();
    engine.run(plain(1.0)).id("a").await.unwrap();
    let error = engine.export("a", Failing).await.unwrap_err();
    assert!(matches!(&error, Error::NotExported { id, .. } if *id == "a"), "{error}");
    assert!(error.to_string().contains("it is full"), "{error}");
    engine.shutdown().await.unwrap();
}
