//! A machine that goes on for ever: nothing grows.

use std::time::Duration;

use factum::prelude::*;
use factum::testing::Sim;
use factum::{Builder, Event};
use serde::{Deserialize, Serialize};

use super::{Count, count, falls_asleep, new_sim, on_sim, simulated};
use crate::world::World;

/// Turns pages, each of which it marks; every tenth has a lot of text.
#[fsm(error = factum::Never, app = World)]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Import {
    #[initial]
    #[next(Page, Over)]
    #[commit]
    Page { cursor: u32, last: u32, text: String },
    #[terminal]
    Over { pages: u32 },
}

#[step(compensate = unmark(page))]
async fn mark(io: &mut Io<World>, page: u32) -> u32 {
    if page.is_multiple_of(1_000) {
        io.app().act(format!("page {page}"));
    }
    page + 1
}

#[step]
async fn unmark(page: u32) {
    let _ = page;
}

#[state]
async fn page(import::Page { cursor, last, .. }: import::Page) -> Result<Next<import::Page>, factum::Never> {
    if cursor == last {
        return Ok(go(import::Over { pages: cursor }));
    }
    let cursor = mark(cursor).await;
    let text = if cursor.is_multiple_of(10) { "long ".repeat(20_000) } else { String::new() };
    Ok(go(import::Page { cursor, last, text }))
}

fn engine(sim: &Sim, world: &World) -> Builder<World> {
    on_sim(sim, world).fsm::<Import>().checkpoint_interval(Duration::from_millis(100))
}

/// The bytes of all files.
fn bytes(sim: &Sim) -> u64 {
    let raw = sim.disk().raw();
    raw.list().iter().filter_map(|path| raw.read(path)).map(|file| file.len() as u64).sum()
}

#[test]
fn ten_thousand_states_leave_the_journal_the_checkpoint_and_the_arena_as_they_were() {
    let (sim, world) = (new_sim(1), World::new());
    let mut sizes = Vec::new();
    sim.run(async {
        let engine = engine(&sim, &world).open().await.unwrap();
        let first = import::Page { cursor: 1, last: 10_000, text: String::new() };
        let run = engine.start(first).id("i").await.unwrap();
        for thousand in 1..10 {
            world.happened(&format!("page {}", thousand * 1_000), 1).await;
            run.pause("to be looked at").await.unwrap();
            run.outcome().await.unwrap();
            while engine.stats().applied < engine.tail(1).await.unwrap()[0].entry.lsn {
                sim.sleep(Duration::from_millis(100)).await;
            }
            sim.sleep(Duration::from_secs(5)).await;
            let kept = engine.history("i").await.unwrap().len();
            sizes.push((bytes(&sim), kept));
            engine.resume("i").await.unwrap();
        }
        let Outcome::Completed(done) = run.outcome().await.unwrap() else { panic!("not completed") };
        assert_eq!(done.output(), &Import::Over { pages: 10_000 });
        engine.shutdown().await.unwrap();
    });
    let report = sim.run(async { engine(&sim, &world).verify().await.unwrap() });
    assert_eq!(report.problems, vec![]);
    // What is kept of the run is its start and its last state.
    assert!(sizes.iter().all(|(_, kept)| *kept < 10), "{sizes:?}");
    let (early, late) = (sizes[2].0, sizes[8].0);
    assert!(late <= early + early / 4, "it grows: {sizes:?}");
}

#[test]
fn a_state_that_is_undone_later_is_carried_and_one_without_undo_leaves_nothing() {
    simulated(2, |sim, world| async move {
        let engine = on_sim(&sim, &world).open().await.unwrap();
        let run = engine.start(count::On { n: 0, to: 200 }).id("c").await.unwrap();
        let Outcome::Completed(done) = run.outcome().await.unwrap() else { panic!("not completed") };
        assert_eq!(done.output(), &Count::Done { n: 200 });
        drop((run, done));
        falls_asleep(&engine, &sim).await;
        let history = engine.history("c").await.unwrap();
        let names: Vec<&str> = history.iter().map(|entry| entry.event.name()).collect();
        assert_eq!(names, ["run started", "state entered", "run completed"]);
        let Event::StateEntered { visit, carried, .. } = &history[1].event else { panic!("{:?}", history[1]) };
        assert_eq!((*visit, carried.undo.len(), carried.inbox.len()), (201, 0, 0));
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_state_that_is_entered_is_one_record() {
    simulated(3, |sim, world| async move {
        // Nothing is put into the checkpoint, which would leave out what is no longer needed.
        let engine = on_sim(&sim, &world).checkpoint_interval(Duration::from_secs(3_600)).open().await.unwrap();
        let run = engine.start(count::On { n: 0, to: 3 }).id("c").await.unwrap();
        run.outcome().await.unwrap();
        let names: Vec<&str> = engine.history("c").await.unwrap().iter().map(|entry| entry.event.name()).collect();
        assert_eq!(names[0], "run started");
        assert_eq!(names[1..names.len() - 1], ["state entered"; 4], "{names:?}");
        assert_eq!(names[names.len() - 1], "run completed");
        engine.shutdown().await.unwrap();
    });
}
