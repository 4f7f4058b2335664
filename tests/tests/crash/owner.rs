//! Who owns the directory, and for how long; what time alone does to a full disk.

use std::time::Duration;

use factum::testing::Sim;
use factum::{MemoryCheckpoint, Status};

use crate::world::{Go, World, builder, short, whole};

#[test]
fn a_handle_that_outlives_the_shutdown_leaves_the_next_owners_checkpoint_alone() {
    let (sim, world) = (Sim::new(1), World::default());
    sim.run(async {
        let first = builder(&world).sim(&sim).open().await.unwrap();
        assert_eq!(first.run(short(1)).id("a").await.unwrap(), 1);
        sim.sleep(Duration::from_secs(10)).await;
        let handle = first.clone();
        first.shutdown().await.unwrap();
        let second = builder(&world).sim(&sim).open().await.unwrap();
        for n in 0..20 {
            second.run(short(n)).id(format!("b{n}")).await.unwrap();
            sim.sleep(Duration::from_secs(3)).await;
        }
        let _: Vec<_> = sim.disk().ops();
        drop(handle);
        assert_eq!(format!("{:?}", sim.disk().ops()), "[]", "nobody does anything on the disk");
        sim.kill();
    });
}

#[test]
fn what_was_acknowledged_survives_a_kill_after_an_old_handle_has_gone() {
    let (sim, world) = (Sim::new(1), World::default());
    sim.run(async {
        let first = builder(&world).sim(&sim).open().await.unwrap();
        assert_eq!(first.run(short(1)).id("a").await.unwrap(), 1);
        sim.sleep(Duration::from_secs(10)).await;
        let handle = first.clone();
        first.shutdown().await.unwrap();
        let second = builder(&world).sim(&sim).open().await.unwrap();
        for n in 0..20 {
            second.run(short(n)).id(format!("b{n}")).await.unwrap();
            sim.sleep(Duration::from_secs(3)).await;
        }
        drop(handle);
        std::mem::forget(second);
    });
    sim.kill();
    sim.run(async {
        let third = builder(&world).sim(&sim).open().await.unwrap();
        assert_eq!(third.run(short(19)).id("b19").await.unwrap(), 19);
        third.shutdown().await.unwrap();
    });
}

#[test]
fn on_a_full_disk_time_alone_does_not_use_up_the_reserve() {
    let (sim, world) = (Sim::new(1), World::default());
    sim.run(async {
        let store = MemoryCheckpoint::new();
        let engine = builder(&world).checkpoint_store(store.clone()).sim(&sim).open().await.unwrap();
        for n in 0..12 {
            drop(engine.start(whole(n, false)).id(format!("w{n}")).await.unwrap());
        }
        sim.sleep(Duration::from_secs(30)).await;
        engine.shutdown().await.unwrap();
        let engine = builder(&world).checkpoint_store(store).sim(&sim).open().await.unwrap();
        sim.sleep(Duration::from_millis(100)).await;
        sim.disk().fill();
        for n in 0..12 {
            let id = format!("w{n}");
            engine.signal(&id, Go { n }).await.unwrap_or_else(|error| panic!("signal {n}: {error:?}"));
            let outcome = engine.attach(whole, &id).await.unwrap().outcome().await;
            assert_eq!(outcome.unwrap_or_else(|error| panic!("end of {n}: {error:?}")).status(), Status::Failed);
            sim.sleep(Duration::from_secs(3)).await;
        }
        sim.disk().set_capacity(None);
        sim.sleep(Duration::from_secs(10)).await;
        assert_eq!(engine.run(short(7)).id("later").await.unwrap(), 7);
        engine.shutdown().await.unwrap();
    });
}
