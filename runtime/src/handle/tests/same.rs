//! A simulation does the same again.

use std::collections::HashSet;
use std::time::Duration;

use super::world::{Act, Go, World, builder, whole};
use crate::engine::{Error, Result};
use crate::platform::sim::{Loss, Op, Sim};
use crate::storage::StorageError;

/// Twelve runs, on an engine that is dropped in the middle of its work, and then on another.
async fn crowd(sim: &Sim, world: &World) -> Result<()> {
    let engine = builder(world).sim(sim).open().await?;
    for i in 0..12 {
        engine.start(whole(i % 2 == 0)).id(format!("run {i}")).await?;
    }
    drop(engine);
    let engine = loop {
        match builder(world).sim(sim).open().await {
            Err(Error::Storage(StorageError::DirectoryInUse { .. })) => tokio::task::yield_now().await,
            opened => break opened?,
        }
    };
    for i in 0..12 {
        let run = engine.start(whole(i % 2 == 0)).id(format!("run {i}")).await?;
        match engine.signal(format!("run {i}"), Go {}).sender_id("once").await {
            Ok(()) => drop(run.outcome().await?),
            Err(Error::NotActive { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    engine.shutdown().await
}

/// All that a crowd does that crashes twice.
#[derive(PartialEq)]
struct Trace {
    ops: Vec<Op>,
    /// What the disk holds in the end.
    files: Vec<Option<Vec<u8>>>,
    acts: Vec<Act>,
    took: Duration,
}

impl Trace {
    fn of(seed: u64) -> Trace {
        let (sim, world) = (Sim::new(seed), World::default());
        for n in [90, 70, u64::MAX] {
            sim.disk().crash_at(n);
            let done = sim.run_until_down(crowd(&sim, &world));
            assert_eq!(done.map(|done| done.unwrap()).is_some(), n == u64::MAX);
            sim.crash(Loss::Any);
        }
        let raw = sim.disk().raw();
        let files = raw.list().iter().map(|path| raw.read(path)).collect();
        Trace { ops: sim.disk().ops(), files, acts: world.acts(), took: sim.elapsed() }
    }
}

#[test]
fn the_same_seed_does_the_same_twice() {
    let mut acts = HashSet::new();
    for seed in 0..20 {
        let first = Trace::of(seed);
        // Not `assert_eq`: nobody can read the bytes of a disk.
        assert!(Trace::of(seed) == first, "seed {seed} did other things the second time");
        acts.insert(first.acts);
    }
    assert!(acts.len() > 15, "other seeds do other things: {}", acts.len());
}
