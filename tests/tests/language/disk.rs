//! What a disk holds when a process has ended, against what was told and done before and what is done later.

use std::collections::BTreeMap;
use std::time::Duration;

use factum::testing::Sim;
use factum::{Builder, Engine, Error, Event, HistoryEntry, Lsn, NoApp};

use crate::calls::Answer;
use crate::rules;
use crate::world::{What, World};

pub const DIR: &str = "/data";

/// An engine that lets go of everything as soon as it can: small segments, short times.
pub fn builder() -> Builder<NoApp> {
    let small =
        Engine::builder(DIR).segment_bytes(64 << 10).arena_segment_bytes(64 << 10).checkpoint_cache_bytes(1 << 20);
    small.checkpoint_interval(Duration::from_secs(2)).sleep_after(Duration::from_secs(3))
}

/// What is recorded of one run, each record with its place in the log.
pub type History = Vec<(Lsn, Event)>;

pub fn history(entries: &[HistoryEntry]) -> History {
    entries.iter().map(|entry| (entry.lsn, entry.event.clone())).collect()
}

pub fn events(history: &History) -> Vec<Event> {
    history.iter().map(|(_, event)| event.clone()).collect()
}

pub fn written(history: &History) -> String {
    history.iter().map(|(lsn, event)| format!("\n  {lsn:>4} {event}")).collect()
}

/// What was done of one run: the label, and whether it was done or undone.
type Deed = (String, String, bool);

/// What a disk holds, and how often what is a fact there had been done when that was looked at.
#[derive(Debug, Default, Clone)]
pub struct Left {
    pub runs: BTreeMap<String, History>,
    facts: BTreeMap<Deed, usize>,
}

impl Left {
    /// Opens a copy of the disk. The copy is whole, and no history on it breaks a rule.
    pub fn look(of: &Sim, world: &World, ids: &[&str]) -> Left {
        let sim = Sim::with_disk(0, of.disk().fork());
        let runs = sim.run(async {
            // No workflow: nothing goes on.
            let engine = builder().keep_unknown_workflows().sim(&sim).open().await.unwrap();
            let mut runs = BTreeMap::new();
            for id in ids {
                match engine.history(id).await {
                    Ok(entries) => drop(runs.insert((*id).to_owned(), history(&entries))),
                    Err(Error::UnknownRun { .. }) => {}
                    Err(other) => panic!("{id}: {other}"),
                }
            }
            engine.shutdown().await.unwrap();
            runs
        });
        let report = sim.run(async { builder().sim(&sim).verify().await.unwrap() });
        assert!(report.is_clean(), "{:#?}", report.problems);
        for (id, history) in &runs {
            let broken = rules::broken(&events(history));
            assert!(broken.is_empty(), "{id}: {broken:#?}{}", written(history));
        }
        let facts = facts(&runs, world);
        Left { runs, facts }
    }

    /// What an earlier disk held is still there, but for turns that are over.
    pub fn kept(&self, before: &Left) {
        for (id, old) in &before.runs {
            let Some(new) = self.runs.get(id) else { panic!("run {id} is lost:{}", written(old)) };
            let again = |entry: &&(Lsn, Event)| matches!(entry.1, Event::Again { .. } | Event::StateEntered { .. });
            let turn = new.iter().rev().find(again).map_or(Lsn(0), |(lsn, _)| *lsn);
            let lost = old.iter().find(|entry| entry.0 >= turn && !new.contains(entry));
            assert!(lost.is_none(), "{lost:?} of {id} is lost:{}\n now:{}", written(old), written(new));
        }
    }

    /// What was a fact has not been done again since.
    pub fn not_again(&self, world: &World) {
        for (deed, count) in &self.facts {
            let now = count_of(deed, world);
            assert_eq!(now, *count, "{deed:?} was done again after that was a fact: {:#?}", world.acts());
        }
    }
}

fn count_of((run, label, done): &Deed, world: &World) -> usize {
    let same = |act: &&crate::world::Act| act.run == *run && act.label == *label && (act.what == What::Do) == *done;
    world.acts().iter().filter(same).count()
}

fn facts(runs: &BTreeMap<String, History>, world: &World) -> BTreeMap<Deed, usize> {
    let mut facts = BTreeMap::new();
    for (run, history) in runs {
        let mut labels = BTreeMap::new();
        for (_, event) in history {
            let deed = match event {
                Event::StepDone { at, output, .. } => {
                    // Of a step that makes calls, each call is told of.
                    let Ok(label) = serde_json::from_slice::<String>(output.bytes().unwrap()) else { continue };
                    labels.insert(at, label.clone());
                    (run.clone(), label, true)
                }
                Event::FactBound { fact, value, .. } if fact.name.starts_with("call:") => {
                    let answer: Answer = serde_json::from_slice(value.bytes().unwrap()).unwrap();
                    (run.clone(), answer.label, true)
                }
                Event::CompensationDone { of, .. } if labels.contains_key(of) => {
                    (run.clone(), labels[of].clone(), false)
                }
                _ => continue,
            };
            let count = count_of(&deed, world);
            facts.insert(deed, count);
        }
    }
    facts
}
