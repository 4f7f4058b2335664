//! What must hold of a disk after a crash, against what was told and done.

use std::collections::{BTreeSet, HashMap};

use factum::testing::Sim;
use factum::{Engine, Error, Event, Status};

use crate::scene::{SHORT, Told, WHOLE};
use crate::world::{DIR, World};

/// What a disk says of one run.
#[derive(Debug, Clone, PartialEq)]
pub enum Known {
    Nothing,
    /// It ended, and its history is forgotten.
    Forgotten,
    Run {
        status: Status,
        events: Vec<Event>,
    },
}

/// What a disk holds, and how often each act had been done when that was looked at.
#[derive(Debug, Default)]
pub struct Disk {
    runs: HashMap<&'static str, Known>,
    done: HashMap<String, usize>,
}

fn ids() -> impl Iterator<Item = &'static str> {
    WHOLE.iter().map(|(id, ..)| *id).chain(SHORT.iter().map(|(id, _)| *id))
}

impl Disk {
    /// Opens a copy of the disk. The copy is whole, to the last byte and row.
    pub fn look(of: &Sim, world: &World) -> Disk {
        let sim = Sim::with_disk(0, of.disk().fork());
        let runs = sim.run(async {
            // No workflow: nothing goes on.
            let engine = Engine::builder(DIR).segment_bytes(64 << 10).keep_unknown_workflows().sim(&sim).open().await;
            let engine = engine.unwrap();
            let statuses: HashMap<String, Status> =
                engine.list().await.unwrap().into_iter().map(|run| (run.id.to_string(), run.status)).collect();
            let mut runs = HashMap::new();
            for id in ids() {
                let known = match engine.history(id).await {
                    Ok(history) => {
                        let events = history.into_iter().map(|entry| entry.event).collect();
                        Known::Run { status: statuses[id], events }
                    }
                    Err(Error::UnknownRun { .. }) => Known::Nothing,
                    Err(Error::Forgotten { .. }) => Known::Forgotten,
                    Err(other) => panic!("{id}: {other}"),
                };
                runs.insert(id, known);
            }
            engine.shutdown().await.unwrap();
            runs
        });
        let report = sim.run(async { Engine::builder(DIR).sim(&sim).verify().await.unwrap() });
        assert!(report.is_clean(), "{:#?}", report.problems);
        Disk { runs, done: world.counts() }
    }

    /// The keys of the acts whose ends are facts: each step gives its key.
    fn facts(&self) -> BTreeSet<String> {
        let mut facts = BTreeSet::new();
        for known in self.runs.values() {
            let Known::Run { events, .. } = known else { continue };
            for event in events {
                if let Event::StepDone { output, .. } = event {
                    let output: serde_json::Value = serde_json::from_slice(output.bytes().unwrap()).unwrap();
                    let key = output.as_str().or_else(|| output.get(0)?.as_str());
                    facts.extend(key.map(str::to_owned));
                }
            }
        }
        facts
    }
}

/// What was acknowledged is there, and nothing was done before it was recorded that it would be.
pub fn kept(told: &Told, disk: &Disk, world: &World) {
    for id in ids() {
        let known = &disk.runs[id];
        let started = told.started.contains(&id);
        assert!(!started || *known != Known::Nothing, "the acknowledged start of {id} is lost");
        if let Some(well) = told.ended.get(id) {
            let status = if *well { Status::Completed } else { Status::Failed };
            let is_so = match known {
                Known::Forgotten => true,
                Known::Run { status: found, .. } => *found == status,
                Known::Nothing => false,
            };
            assert!(is_so, "{id} was told to have ended as {status}: {known:?}");
        }
        let acts: Vec<_> = world.acts().into_iter().filter(|act| act.run == id).collect();
        let Known::Run { events, .. } = known else {
            assert!(*known == Known::Forgotten || acts.is_empty(), "{id} acted before its start was durable");
            continue;
        };
        if told.signalled.contains(&id) {
            let received = events.iter().filter(|event| matches!(event, Event::SignalReceived { .. })).count();
            assert_eq!(received, 1, "the acknowledged signal of {id} is lost, or there twice");
        }
        let keys: BTreeSet<&str> = acts.iter().map(|act| act.key.as_str()).collect();
        let attempted: BTreeSet<String> = events
            .iter()
            .filter_map(|event| match event {
                Event::StepAttempted { at, .. } => Some(at.to_string()),
                Event::CompensationStarted { of, kind, .. } => Some(format!("{of} {kind:?}")),
                _ => None,
            })
            .collect();
        assert!(keys.len() <= attempted.len(), "{id} acted before an attempt was durable: {acts:?}, {attempted:?}");
    }
}

/// What was a fact on this disk has not been done again since.
pub fn not_again(disk: &Disk, world: &World) {
    let counts = world.counts();
    for key in disk.facts() {
        let (before, now) = (disk.done.get(&key), counts.get(&key));
        let act = world.acts().into_iter().find(|act| act.key == key);
        assert_eq!(before, now, "{act:?} was done again after its end was a fact");
    }
}

/// What was done in all.
pub fn all(world: &World) {
    let of = |id: &str| -> Vec<String> {
        let mut acts: Vec<String> = world.acts().into_iter().filter(|act| act.run == id).map(|act| act.what).collect();
        acts.dedup();
        acts
    };
    for (id, _, well) in WHOLE {
        let acts = of(id);
        let forward = ["first", "part 1", "part 2", "flaky", "pack", "last", "end"];
        assert_eq!(acts[..forward.len()], forward, "{id}");
        let back: &[&str] = match well {
            true => &[],
            false => &["undo last", "undo pack", "undo flaky", "undo part 2", "undo part 1", "undo first"],
        };
        assert_eq!(acts[forward.len()..], *back, "{id}");
    }
    for (id, _) in SHORT {
        assert_eq!(of(id), ["only"], "{id}");
    }
}
