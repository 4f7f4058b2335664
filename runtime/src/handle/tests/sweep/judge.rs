//! What must hold wherever a process ended, by the records that it left and by what was done to the world.

use std::collections::{HashMap, HashSet};

use super::scene::{RUNS, Told};
use crate::handle::tests::world::Act;
use crate::io::IdempotencyKey;
use crate::record::{Event, UndoKind};

/// The events of each run that the disk knows.
pub(super) type Records = HashMap<&'static str, Vec<Event>>;

/// The keys of what was begun and of what has ended, by the records.
fn keys(events: &[Event]) -> (HashSet<String>, HashSet<String>) {
    let Some(Event::RunStarted { origin, origin_run, .. }) = events.first() else { return Default::default() };
    let key = |at: &crate::id::Position| IdempotencyKey::new(origin, *origin_run, at, 0).to_string();
    let mut kinds = HashMap::new();
    let (mut begun, mut ended) = (HashSet::new(), HashSet::new());
    for event in events {
        match event {
            Event::StepAttempted { at, .. } => drop(begun.insert(key(at))),
            Event::StepDone { at, .. } | Event::StepFailed { at, .. } => drop(ended.insert(key(at))),
            Event::CompensationStarted { of, kind, .. } => {
                kinds.insert(of.clone(), *kind);
                begun.insert(key(&of.undo(u32::from(*kind == UndoKind::Unknown))));
            }
            Event::CompensationDone { of } => {
                ended.insert(key(&of.undo(u32::from(kinds[of] == UndoKind::Unknown))));
            }
            _ => {}
        }
    }
    (begun, ended)
}

/// What the disk holds after the power failed, against what was told and done before.
pub(super) fn check_crash(told: &Told, before: &[Act], records: &Records) {
    for (id, _) in RUNS {
        let events = records.get(id).map(Vec::as_slice).unwrap_or_default();
        assert!(!told.started.contains(&id) || !events.is_empty(), "the acknowledged start of {id} is lost");
        let last = events.last().map(Event::name);
        assert!(!told.ended.contains(&id) || matches!(last, Some("run completed" | "run failed")), "{id}: {last:?}");
        let (begun, ended) = keys(events);
        let acts: Vec<&Act> = before.iter().filter(|act| act.run == id).collect();
        for (i, act) in acts.iter().enumerate() {
            assert!(begun.contains(&act.key), "{act:?} was done before its attempt was durable");
            let next = acts[i + 1..].iter().find(|next| next.key != act.key);
            assert!(
                next.is_none() || ended.contains(&act.key),
                "{next:?} was done before the outcome of {act:?} was durable"
            );
        }
    }
}

/// What was done from a crash on, against what the disk held then.
pub(super) fn check_after(records: &Records, after: &[Act]) {
    for (id, _) in RUNS {
        let (_, ended) = keys(records.get(id).map(Vec::as_slice).unwrap_or_default());
        for act in after.iter().filter(|act| act.run == id) {
            assert!(!ended.contains(&act.key), "{act:?} was done again after its outcome was durable");
        }
    }
}

/// What was done in all.
pub(super) fn check_end(acts: &[Act]) {
    let of = |id: &str| -> Vec<&str> { acts.iter().filter(|a| a.run == id).map(|a| a.what.as_str()).collect() };
    let mut good = of("good");
    good.dedup();
    assert_eq!(good, ["first", "part 1", "part 2", "flaky", "last", "end"]);
    let mut bad = of("bad");
    bad.dedup();
    let undone = ["undo last", "undo flaky", "undo part 2", "undo part 1", "undo first"];
    assert_eq!(bad[..6], good);
    // Where the crash left the end of the step unknown, `end` has no undo; all else is undone once, in order.
    assert_eq!(bad[6..], undone);
    assert!(acts.iter().skip_while(|a| !a.is_undo()).filter(|a| a.run == "bad").all(Act::is_undo), "{acts:?}");
}
