//! A machine, the world that it acts on, and what its callers were told.

use std::collections::HashMap;

use super::judge::{Records, check_after, check_crash, check_end};
use crate::engine::Failure;
use crate::engine::{Error, Result};
use crate::handle::tests::world::{DIR, Go, Oops, World, builder, whole};
use crate::handle::{Engine, Outcome};
use crate::platform::sim::{Loss, Sim};

/// The runs, and whether they are to end well.
pub(super) const RUNS: [(&str, bool); 2] = [("good", true), ("bad", false)];

/// What the callers were told before the power failed.
#[derive(Debug, Default, Clone)]
pub(super) struct Told {
    pub(super) started: Vec<&'static str>,
    pub(super) ended: Vec<&'static str>,
}

/// A machine and the world that it acts on.
pub(super) struct Scene {
    pub(super) sim: Sim,
    pub(super) world: World,
    pub(super) told: Told,
}

impl Scene {
    pub(super) fn new(seed: u64) -> Scene {
        Scene { sim: Sim::new(seed), world: World::default(), told: Told::default() }
    }

    /// Another scene in which the same has happened so far, and the process is about to end.
    pub(super) fn fork(&self, seed: u64) -> Scene {
        let sim = Sim::with_disk(seed, self.sim.disk().fork());
        Scene { sim, world: self.world.fork(), told: self.told.clone() }
    }

    /// Works until the `n`th operation of the disk, or to the end; whether it got there.
    pub(super) fn until(&mut self, n: u64) -> bool {
        self.sim.disk().crash_at(n);
        match self.sim.run_until_down(work(&self.sim, &self.world, &mut self.told)) {
            Some(done) => done.map(|()| true).unwrap(),
            None => false,
        }
    }

    /// The events of both runs on the disk, by their ids. The disk is left as it is.
    fn records(&self) -> Records {
        let sim = Sim::with_disk(0, self.sim.disk().fork());
        sim.run(async {
            let builder = Engine::builder(DIR).segment_bytes(64 << 10).keep_unknown_workflows();
            let engine = builder.sim(&sim).open().await.unwrap();
            let mut records = HashMap::new();
            for (id, _) in RUNS {
                match engine.history(id).await {
                    Ok(entries) => drop(records.insert(id, entries.into_iter().map(|entry| entry.event).collect())),
                    Err(Error::UnknownRun { .. }) => {}
                    Err(other) => panic!("{id}: {other}"),
                }
            }
            records
        })
    }

    /// The process is killed, or the power fails too; what is left is judged, and what was done since `before` was.
    pub(super) fn end(&mut self, loss: Option<Loss>, before: Option<(&Records, usize)>) -> Records {
        match loss {
            Some(loss) => self.sim.crash(loss),
            None => self.sim.kill(),
        }
        let acts = self.world.acts();
        if let Some((before, done)) = before {
            check_after(before, &acts[done..]);
        }
        let left = self.records();
        check_crash(&self.told, &acts, &left);
        left
    }

    /// Lets the work come to its end.
    pub(super) fn finish(&mut self, left: &Records) {
        let done = self.world.acts().len();
        assert!(self.until(u64::MAX));
        check_after(left, &self.world.acts()[done..]);
        check_end(&self.world.acts());
    }
}

/// Starts both runs and waits for their ends.
pub(super) async fn work(sim: &Sim, world: &World, told: &mut Told) -> Result<()> {
    let engine = builder(world).sim(sim).open().await?;
    let mut runs = Vec::new();
    for (id, well) in RUNS {
        let run = engine.start(whole(well)).id(id).await?;
        told.started.push(id);
        // A second process sends it again; an ended run refuses it.
        match engine.signal(id, Go {}).sender_id("once").await {
            Ok(()) | Err(Error::NotActive { .. }) => {}
            Err(error) => return Err(error),
        }
        runs.push((id, run));
    }
    for (id, run) in runs {
        match (id, run.outcome().await?) {
            ("good", Outcome::Completed(run)) => assert_eq!(*run.output(), 7),
            ("bad", Outcome::Failed(run)) => assert_eq!(*run.failure(), Failure::Error(Oops::Refused)),
            (_, other) => panic!("{id}: {other:?}"),
        }
        told.ended.push(id);
    }
    engine.shutdown().await
}
