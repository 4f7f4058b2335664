//! What a full disk means: no new runs first, and what is under way can still be undone.

use std::time::Duration;

use factum::prelude::*;
use factum::testing::Sim;
use factum::{Error, Status, StorageError};

use crate::world::{Go, World, builder, short, whole};

fn is_full<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::Storage(StorageError::DiskFull { .. })))
}

#[test]
fn on_a_full_disk_starts_are_refused_first_and_rollbacks_come_to_their_end() {
    for seed in 0..8 {
        let (sim, world) = (Sim::new(seed), World::default());
        sim.run(async {
            let engine = builder(&world).sim(&sim).open().await.unwrap();
            for (id, n) in [("bad", 1), ("worse", 2)] {
                drop(engine.start(whole(n, false)).id(id).await.unwrap());
            }
            sim.sleep(Duration::from_secs(30)).await;
            sim.disk().fill();
            // Runs are taken until what is left is kept for those that there are.
            let mut taken = 0u32;
            let refused = loop {
                let started = engine.start(short(1)).id(format!("s{taken}")).await;
                if started.is_err() || taken == 10_000 {
                    break started.map(drop);
                }
                taken += 1;
                sim.sleep(Duration::from_millis(10)).await;
            };
            assert!(is_full(&refused), "seed {seed}, after {taken}: {refused:?}");
            // What was taken is known, and its id is no new start.
            if taken > 0 {
                drop(engine.start(short(1)).id("s0").await.unwrap());
            }
            for (id, n) in [("bad", 1), ("worse", 2)] {
                engine.signal(id, Go { n }).await.unwrap();
                let outcome = engine.attach(whole, id).await.unwrap().outcome().await.unwrap();
                assert_eq!(outcome.status(), Status::Failed, "seed {seed}");
            }
            assert!(is_full(&engine.start(short(1)).id("later").await.map(drop)));
            // There is space again: so are starts.
            sim.disk().set_capacity(None);
            sim.sleep(Duration::from_secs(10)).await;
            assert_eq!(engine.run(short(7)).id("later").await.unwrap(), 7, "seed {seed}");
            engine.shutdown().await.unwrap();
        });
        let undone = world.acts().iter().filter(|act| act.what.starts_with("undo")).count();
        assert_eq!(undone, 12, "seed {seed}: both runs are undone to the last step");
    }
}

#[test]
fn a_long_value_waits_for_space_and_is_not_lost() {
    let (sim, world) = (Sim::new(1), World::default());
    sim.run(async {
        let engine = builder(&world).saga(crate::world::grows).sim(&sim).open().await.unwrap();
        let run = engine.start(crate::world::grows(40_000)).id("long").await.unwrap();
        while run.info().status != Status::Waiting {
            sim.sleep(Duration::from_millis(10)).await;
        }
        sim.disk().fill();
        engine.signal("long", Go { n: 0 }).await.unwrap();
        sim.sleep(Duration::from_secs(60)).await;
        assert_eq!(run.info().status, Status::Running, "its output has no place yet");
        sim.disk().set_capacity(None);
        match run.outcome().await.unwrap() {
            Outcome::Completed(run) => assert_eq!(run.output().len(), 80_000),
            other => panic!("{other:?}"),
        }
        assert_eq!(world.acts().iter().filter(|act| act.what == "grow").count(), 1, "it is not done again");
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_directory_on_a_full_disk_is_refused_by_that_name_and_opens_when_there_is_space() {
    let (sim, world) = (Sim::new(1), World::default());
    sim.disk().set_capacity(Some(0));
    let error = sim.run(async { builder(&world).sim(&sim).open().await.map(drop).unwrap_err() });
    assert!(matches!(error, Error::Storage(StorageError::DiskFull { .. })), "{error}");
    sim.disk().set_capacity(None);
    sim.run(async {
        let engine = builder(&world).sim(&sim).open().await.unwrap();
        assert_eq!(engine.run(short(7)).id("s").await.unwrap(), 7);
        engine.shutdown().await.unwrap();
    });
}
