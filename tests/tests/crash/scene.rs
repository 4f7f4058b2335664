//! A machine, the world that it acts on, and what its callers were told.

use std::collections::BTreeMap;

use factum::prelude::*;
use factum::testing::{Loss, Sim};
use factum::{Error, Result, RunError};

use crate::judge::{self, Disk};
use crate::world::{Go, World, builder, bytes, short, whole};

/// The runs that take long, and whether they are to end well.
pub const WHOLE: [(&str, u8, bool); 4] = [("w0", 0, true), ("w1", 1, false), ("w2", 2, true), ("w3", 3, false)];
/// The runs that are short; more than are kept when they have ended.
pub const SHORT: [(&str, u8); 8] =
    [("s0", 0), ("s1", 1), ("s2", 2), ("s3", 3), ("s4", 4), ("s5", 5), ("s6", 6), ("s7", 7)];

/// What the callers were told before the process ended.
#[derive(Debug, Default, Clone)]
pub struct Told {
    pub started: Vec<&'static str>,
    pub signalled: Vec<&'static str>,
    pub ended: BTreeMap<&'static str, bool>,
}

pub struct Scene {
    pub sim: Sim,
    pub world: World,
    pub told: Told,
    /// What the disk held when the last process ended, and how often each act had been done by then.
    left: Disk,
}

impl Scene {
    pub fn new(seed: u64) -> Scene {
        Scene { sim: Sim::new(seed), world: World::default(), told: Told::default(), left: Disk::default() }
    }

    /// Works until the `n`th operation of the disk, or to the end; whether it got there.
    pub fn until(&mut self, n: u64) -> bool {
        self.sim.disk().crash_at(n);
        match self.sim.run_until_down(work(&self.sim, &self.world, &mut self.told)) {
            Some(done) => done.map(|()| true).unwrap(),
            None => false,
        }
    }

    /// The process is killed, or the power fails too; what is left is judged, and what was done since it was the last time.
    pub fn end(&mut self, loss: Option<Loss>) {
        match loss {
            Some(loss) => self.sim.crash(loss),
            None => self.sim.kill(),
        }
        judge::not_again(&self.left, &self.world);
        self.left = Disk::look(&self.sim, &self.world);
        judge::kept(&self.told, &self.left, &self.world);
    }

    /// Lets the work come to its end.
    pub fn finish(&mut self) {
        assert!(self.until(u64::MAX));
        judge::not_again(&self.left, &self.world);
        judge::all(&self.world);
    }
}

/// Starts the runs, tells them to go on, and waits for their ends.
async fn work(sim: &Sim, world: &World, told: &mut Told) -> Result<()> {
    let engine = builder(world).sim(sim).open().await?;
    for (id, n, well) in WHOLE {
        drop(engine.start(whole(n, well)).id(id).await?);
        note(&mut told.started, id);
    }
    for (id, n) in SHORT {
        match engine.run(short(n)).id(id).await {
            Ok(output) => assert_eq!(output, n),
            // It has ended before, and was forgotten.
            Err(RunError::Engine(Error::Forgotten { .. })) => {}
            Err(RunError::Engine(error)) => return Err(error),
            Err(other) => panic!("{id}: {other:?}"),
        }
        note(&mut told.started, id);
        told.ended.insert(id, true);
    }
    // Long enough for everything to go to sleep.
    sim.sleep(std::time::Duration::from_secs(11)).await;
    for (id, n, _) in WHOLE {
        // Sent again by the next process; a run that has ended refuses it.
        match engine.signal(id, Go { n }).sender_id("once").await {
            Ok(()) => note(&mut told.signalled, id),
            Err(Error::NotActive { .. } | Error::Forgotten { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    for (id, n, well) in WHOLE {
        let run = match engine.attach(whole, id).await {
            Ok(run) => run,
            Err(Error::Forgotten { .. }) => continue,
            Err(error) => return Err(error),
        };
        match run.outcome().await? {
            Outcome::Completed(run) => {
                let (told, blob) = run.output();
                assert!(well && *told == n && **blob == bytes(n), "{id}: {told}");
            }
            Outcome::Failed(run) => assert!(!well, "{id}: {:?}", run.failure()),
            other => panic!("{id}: {other:?}"),
        }
        told.ended.insert(id, well);
    }
    sim.sleep(std::time::Duration::from_secs(7)).await;
    engine.shutdown().await
}

fn note(notes: &mut Vec<&'static str>, id: &'static str) {
    if !notes.contains(&id) {
        notes.push(id);
    }
}
