//! The power fails at every operation of the disk while a run is imported.

use serde::{Deserialize, Serialize};

use super::world::{DIR, Oops, World};
use crate::codec::{ArtifactId, Blob};
use crate::engine::{Error, Result, Status};
use crate::handle::Builder;
use crate::platform::sim::{Loss, Sim};
use crate::storage::StorageError;
use factum::prelude::*;

/// Long enough for the arena.
const LONG: usize = 80_000;

#[signal]
#[derive(Serialize, Deserialize)]
struct Page {
    text: String,
}

#[step]
async fn bind(io: &mut Io<World>, text: String) -> Result<(Blob, ArtifactId), Oops> {
    let cover = io.put_artifact(b"the cover".to_vec()).await.map_err(|_| Oops::Flaky)?;
    let pages = io.put(text.into_bytes()).await.map_err(|_| Oops::Flaky)?;
    Ok((pages, cover))
}

#[step]
async fn read(io: &mut Io<World>, pages: Blob, cover: ArtifactId) -> Result<usize, Oops> {
    let cover = io.artifact(&cover).map_err(|_| Oops::Refused)?;
    Ok(pages.len() + cover.len())
}

#[saga(app = World)]
async fn book(title: String) -> Result<usize, Oops> {
    let (pages, cover) = bind(title.repeat(LONG)).await?;
    let page = signal::<Page>().await;
    Ok(read(pages, cover).await? + page.text.len())
}

fn builder(sim: &Sim) -> Builder<World> {
    Engine::builder(DIR).segment_bytes(64 << 10).arena_segment_bytes(64 << 10).app(World::default()).saga(book).sim(sim)
}

/// The lines of a run that waits for its page.
fn sample() -> Vec<u8> {
    let sim = Sim::new(0);
    sim.run(async {
        let engine = builder(&sim).open().await.unwrap();
        let run = engine.start(book("t".to_owned())).id("b").await.unwrap();
        while run.info().status != Status::Waiting {
            tokio::task::yield_now().await;
        }
        let mut lines = Vec::new();
        engine.export("b", &mut lines).await.unwrap();
        drop(run);
        engine.shutdown().await.unwrap();
        lines
    })
}

/// What the next process finds: the whole run, or nothing of it. Then the run goes on to its end.
async fn look(sim: &Sim, lines: &[u8], records: usize) -> bool {
    match builder(sim).verify().await {
        Ok(report) => assert!(report.is_clean(), "{:?}", report.problems),
        Err(Error::Storage(StorageError::NoDataDirectory { .. })) => {}
        Err(error) => panic!("{error}"),
    }
    let engine = builder(sim).open().await.unwrap();
    let found = match engine.history("b").await {
        Ok(history) => {
            assert!(history.len() >= records, "{} of {records} records", history.len());
            let again = engine.import(lines).await.unwrap_err();
            assert!(matches!(again, Error::AlreadyHere { .. }), "{again}");
            true
        }
        Err(Error::UnknownRun { .. }) => {
            engine.import(lines).await.unwrap();
            false
        }
        Err(error) => panic!("{error}"),
    };
    engine.signal("b", Page { text: "p".to_owned() }).await.unwrap();
    match engine.attach(book, "b").await.unwrap().outcome().await.unwrap() {
        Outcome::Completed(run) => assert_eq!(*run.output(), LONG + "the cover".len() + 1),
        other => panic!("{other:?}"),
    }
    engine.shutdown().await.unwrap();
    found
}

#[test]
#[expect(clippy::print_stdout, reason = "how many points were tried is what a reader wants to know")]
fn wherever_a_process_ends_an_import_is_whole_or_not_there_and_one_that_was_acknowledged_is_there() {
    let lines = sample();
    let records = lines.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"{\"lsn\"")).count();
    assert_eq!(records, 4);
    let (mut there, mut not_there) = (0, 0);
    for n in 0.. {
        let first = Sim::new(n);
        let mut acknowledged = false;
        first.disk().crash_at(n);
        let done = first.run_until_down(async {
            let engine = builder(&first).open().await?;
            engine.import(&lines[..]).await?;
            acknowledged = true;
            engine.shutdown().await
        });
        for (seed, loss) in (0..).zip(Loss::ALL) {
            let sim = Sim::with_disk(seed, first.disk().fork());
            sim.crash(loss);
            let found = sim.run(look(&sim, &lines, records));
            assert!(found || !acknowledged, "operation {n}, loss {loss:?}: an acknowledged import is lost");
            if found {
                there += 1;
            } else {
                not_there += 1;
            }
        }
        if let Some(done) = done {
            done.unwrap();
            break;
        }
    }
    println!("{there} times an import was there after its process had ended, {not_there} times it was not");
    assert!(there > 20 && not_there > 50, "{there} and {not_there}");
}
