//! Encryption at rest: what can be read on a disk, with which keys it opens, and what stands in the way of forgers.

mod forged;
mod keys;
mod rotation;

use std::time::Duration;

use factum::prelude::*;
use factum::testing::{Dice, Loss, Sim};
use factum::{
    ArtifactId, Blob, Builder, CryptError, EncryptionKey, Error, History, KeyId, StaticKeys, Status, StorageError,
};
use serde::{Deserialize, Serialize};

use crate::machines::{Order, placed_};
use crate::world::{Oops, World};

/// What nobody may read on the disk; it is in every value.
const SECRET: &str = "PLANTED-4711";
const DIR: &str = "/data";

#[signal]
#[derive(Debug, Serialize, Deserialize)]
struct Told {
    by: String,
    with: Option<Blob>,
}

#[step(compensate = unpack(&output), unknown = ignore)]
async fn pack(io: &mut Io<World>, text: String) -> Result<(String, Blob, ArtifactId), Oops> {
    io.app().act("pack");
    let failed = |error: StorageError| Oops::Failed(error.to_string());
    let said = io.fact("said", || async { Ok::<_, factum::FactError>(format!("{text} fact")) }).await;
    assert!(said.is_ok_and(|said| said.ends_with("fact")));
    let artifact = io.put_artifact(format!("{text} artifact").repeat(9)).await.map_err(failed)?;
    let blob = io.put(format!("{text} blob").repeat(500)).await.map_err(failed)?;
    // Too long for a record.
    Ok((text.repeat(8_000), blob, artifact))
}

#[step]
async fn unpack(io: &mut Io<World>, packed: &(String, Blob, ArtifactId)) -> Result<(), Oops> {
    if io.app().fails("unpack") {
        return Err(Oops::Failed(format!("{SECRET} is locked in with {}", packed.1.len())));
    }
    io.app().act("unpack");
    Ok(())
}

#[step(retry(attempts = 3, initial = "1s"))]
async fn flaky(io: &mut Io<World>, text: String, blob: Blob) -> Result<usize, Oops> {
    match io.attempt() {
        1 => Err(Oops::Failed(format!("{text} error"))),
        2 => panic!("{text} panic"),
        _ => Ok(blob.len()),
    }
}

/// Everything that a value can stand in.
#[saga(app = World)]
async fn tells(text: String, well: bool) -> Result<(String, Blob), Oops> {
    publish(&format!("{text} progress")).await;
    let (long, blob, _) = pack(text.clone()).await?;
    let len = flaky(format!("{text} argument"), blob.clone()).await?;
    let Told { by, with } = signal::<Told>().await;
    pause(&format!("{text} reason")).await;
    let with = with.map_or(0, |blob| blob.len());
    if well {
        Ok((format!("{by} {with} {len} {}", long.len()), blob))
    } else {
        Err(Oops::Failed(format!("{text} end")))
    }
}

#[saga(app = World)]
async fn asks(text: String) -> Result<usize, Oops> {
    let Told { by, .. } = signal::<Told>().await;
    Ok(text.len() + by.len())
}

/// Is known by its key, too.
#[saga(concurrency = 1, key = text)]
async fn queued(text: String) -> usize {
    text.len()
}

/// One record or two, and nothing else.
#[saga]
async fn counts(n: u32) -> u32 {
    n
}

fn id(name: &str) -> KeyId {
    KeyId::new(name).unwrap()
}

fn key(byte: u8) -> EncryptionKey {
    EncryptionKey::new([byte; 32])
}

fn keys() -> StaticKeys {
    StaticKeys::new(id("one"), key(1))
}

/// An engine that lets go of everything as soon as it can, without keys.
fn plain(sim: &Sim, world: &World) -> Builder<World> {
    let small = Engine::builder(DIR).segment_bytes(64 << 10).arena_segment_bytes(64 << 10);
    let eager = small.checkpoint_interval(Duration::from_secs(2)).sleep_after(Duration::from_secs(3));
    eager
        .checkpoint_cache_bytes(1 << 20)
        .app(world.clone())
        .saga(tells)
        .saga(asks)
        .saga(counts)
        .saga(queued)
        .fsm::<Order>()
        .sim(sim)
}

fn encrypted(sim: &Sim, world: &World) -> Builder<World> {
    plain(sim, world).encrypt(keys())
}

/// The files in which the secret can be read.
fn readable(sim: &Sim) -> Vec<String> {
    let raw = sim.disk().raw();
    let files = raw.list().into_iter().filter(|path| {
        let bytes = raw.read(path).unwrap();
        bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes())
    });
    files.map(|path| path.display().to_string()).collect()
}

fn why(error: Error) -> CryptError {
    match error {
        Error::Storage(StorageError::Encrypted { source, .. }) => source,
        other => panic!("{other}"),
    }
}

async fn until_asleep(engine: &Engine, sim: &Sim) {
    while engine.stats().runs_in_memory > 0 {
        sim.sleep(Duration::from_secs(1)).await;
    }
}

/// Says everything that can be said of a secret, until all runs sleep. `n` makes it another one.
async fn speak(engine: &Engine, sim: &Sim, n: usize) {
    let text = format!("{SECRET} {n}");
    for (which, well) in [("good", true), ("bad", false)] {
        drop(engine.start(tells(text.clone(), well)).id(format!("{which}{n}")).await.unwrap());
    }
    engine.run(queued(text.clone())).await.unwrap();
    drop(engine.start(asks(text.clone())).id(format!("asks{n}")).await.unwrap());
    drop(engine.start(placed_(&text)).id(format!("order{n}")).await.unwrap());
    let nightly = engine.schedule(asks(text.clone()), "0 3 * * *").id(format!("nightly{n}"));
    drop(nightly.await.unwrap());
    engine.pause(format!("order{n}"), format!("{SECRET} is looked at")).await.unwrap();
    sim.sleep(Duration::from_secs(30)).await;
}

/// Lets them end: one well, one badly, and one of them is held up and given up.
async fn end(engine: &Engine, sim: &Sim, world: &World, n: usize) {
    world.fail_next("unpack");
    for which in ["good", "bad"] {
        let run = format!("{which}{n}");
        let with = Some(engine.put(format!("{SECRET} blob").repeat(20)).await.unwrap());
        let told = Told { by: format!("{SECRET} ann"), with };
        engine.signal(&run, told).sender_id(format!("{SECRET} sender")).await.unwrap();
        while engine.list().await.unwrap().iter().any(|info| info.id == *run && info.status != Status::Paused) {
            sim.sleep(Duration::from_millis(10)).await;
        }
        engine.resume(&run).await.unwrap();
    }
    match engine.attach(tells, format!("good{n}")).await.unwrap().outcome().await.unwrap() {
        Outcome::Completed(run) => {
            let (said, blob) = run.output();
            assert!(said.starts_with(SECRET) && blob.starts_with(SECRET.as_bytes()), "{said}");
        }
        other => panic!("{other:?}"),
    }
    let bad = engine.attach(tells, format!("bad{n}")).await.unwrap().outcome().await.unwrap();
    assert_eq!(bad.status(), Status::Stuck, "{bad:?}");
    drop(bad);
    // Its row says why.
    sim.sleep(Duration::from_secs(30)).await;
    assert!(
        engine.list().await.unwrap().iter().any(|run| run.problem.as_ref().is_some_and(|why| why.contains(SECRET)))
    );
    engine.abandon(format!("bad{n}"), format!("{SECRET} was settled")).await.unwrap();
    sim.sleep(Duration::from_secs(30)).await;
}

#[test]
fn nothing_that_was_said_can_be_read_on_the_disk() {
    for history in [History::Full, History::Outcome] {
        for keyed in [true, false] {
            let (sim, world) = (Sim::new(5), World::new());
            let build = |keep| {
                let builder = plain(&sim, &world).history(history).keep_ended(keep);
                if keyed { builder.encrypt(keys()) } else { builder }
            };
            sim.run(async {
                let engine = build(9).open().await.unwrap();
                speak(&engine, &sim, 1).await;
                until_asleep(&engine, &sim).await;
            });
            // The test sees what is not encrypted.
            assert_eq!(readable(&sim).is_empty(), keyed, "{:?}", readable(&sim));
            sim.crash(Loss::Any);
            sim.run(async {
                let engine = build(9).open().await.unwrap();
                end(&engine, &sim, &world, 1).await;
                let told = engine.history("good1").await.unwrap().to_string();
                assert!(told.contains("PLANTED"), "with keys everything is as it was: {told}");
                engine.backup("/copy").await.unwrap();
                engine.shutdown().await.unwrap();
            });
            assert_eq!(readable(&sim).is_empty(), keyed, "{:?}", readable(&sim));
            // Tombstones hold a digest of the input, which guesses can be compared with.
            sim.run(async {
                let engine = build(0).open().await.unwrap();
                while engine.list().await.unwrap().iter().any(|run| run.id == "good1") {
                    sim.sleep(Duration::from_secs(1)).await;
                }
                assert!(matches!(
                    engine.start(tells(format!("{SECRET} 1"), true)).id("good1").await.unwrap_err(),
                    Error::Forgotten { .. }
                ));
                engine.shutdown().await.unwrap();
            });
            if keyed {
                assert!(readable(&sim).is_empty(), "{:?}", readable(&sim));
            }
        }
    }
}

#[test]
fn runs_survive_a_crash_at_any_operation_of_the_disk() {
    let life = |sim: &Sim, world: &World| {
        let (sim, world) = (sim.clone(), world.clone());
        async move {
            let engine = encrypted(&sim, &world).open().await?;
            drop(engine.start(asks(SECRET.to_owned())).id("asks").await?);
            let run = engine.start(tells(SECRET.to_owned(), true)).id("tells").await?;
            while run.info().status != Status::Paused {
                if run.info().waiting.iter().any(|waiting| matches!(waiting.on, factum::WaitingOn::Signal { .. })) {
                    let told = Told { by: SECRET.to_owned(), with: None };
                    engine.signal("tells", told).sender_id("one").await?;
                }
                sim.sleep(Duration::from_secs(1)).await;
            }
            drop(run);
            sim.sleep(Duration::from_secs(9)).await;
            engine.shutdown().await
        }
    };
    let (sim, world) = (Sim::new(8), World::new());
    sim.run(life(&sim, &world)).unwrap();
    let operations = sim.disk().operations();
    let mut dice = Dice(operations);
    let mut first = 0;
    while first < operations {
        let (sim, world) = (Sim::new(8), World::new());
        sim.disk().crash_at(first);
        // What is asked while the machine goes down gets the errors of its disk.
        let _: Option<Result<(), Error>> = sim.run_until_down(life(&sim, &world));
        sim.crash(Loss::Any);
        sim.run(life(&sim, &world)).unwrap_or_else(|error| panic!("crashed at {first}: {error}"));
        assert!(readable(&sim).is_empty(), "crashed at {first}: {:?}", readable(&sim));
        assert!(world.count("pack") <= 2, "crashed at {first}");
        let report = sim.run(encrypted(&sim, &world).verify()).unwrap();
        assert!(report.is_clean() && !report.locked && report.runs == 2, "crashed at {first}: {:?}", report.problems);
        first += 1 + dice.draw() % (operations / 25);
    }
}
