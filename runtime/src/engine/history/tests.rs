use std::time::Duration;

use super::*;
use crate::codec::Payload;
use crate::id::Position;
use crate::record::{Cause, UndoKind};

/// Records a second apart, from second 0.
fn history(events: Vec<Event>) -> RunHistory {
    let entries = events.into_iter().enumerate().map(|(i, event)| HistoryEntry {
        lsn: Lsn(i as u64 + 1),
        time: second(i as u64),
        event,
    });
    RunHistory::new(entries.collect())
}

fn second(n: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(n)
}

fn at(ordinal: u32) -> Position {
    Position::root(0).child(ordinal)
}

fn json(text: &str) -> Payload {
    Payload::from_bytes(text.as_bytes())
}

fn attempted(at: Position, attempt: u32) -> Event {
    Event::StepAttempted {
        at,
        step: "charge".into(),
        attempt,
        args: 0,
        pivot: false,
        undo_done: true,
        undo_unknown: false,
        undo_args: None,
    }
}

fn done(at: Position) -> Event {
    Event::StepDone { at, output: json("1") }
}

fn oops() -> Cause {
    Cause::Error { error: json("\"oops\"") }
}

/// The ends of attempts, and how many seconds each took.
fn ends(history: &RunHistory) -> Vec<(u32, AttemptEnd, Option<u64>)> {
    let attempts = history.attempts().into_iter();
    attempts.map(|a| (a.attempt, a.end.clone(), a.took().map(|took| took.as_secs()))).collect()
}

#[test]
fn each_attempt_has_its_own_times_and_end() {
    let (one, two) = (at(0), at(1));
    let failed = Event::AttemptFailed { at: one.clone(), cause: oops(), unknown: false, retry_at: None };
    let timed_out = Cause::TimedOut { error: json("\"late\"") };
    let late = Event::StepFailed { at: two.clone(), cause: timed_out.clone(), unknown: true };
    let events = vec![
        attempted(one.clone(), 1),
        attempted(two.clone(), 1),
        failed,
        attempted(one.clone(), 2),
        late,
        done(one.clone()),
        attempted(two.clone(), 2),
    ];
    let history = history(events);
    assert_eq!(
        ends(&history),
        [
            (1, AttemptEnd::Failed(oops()), Some(2)),
            (1, AttemptEnd::Unknown(Some(timed_out)), Some(3)),
            (2, AttemptEnd::Succeeded, Some(2)),
            (2, AttemptEnd::Running, None),
        ]
    );
    let second_attempt = &history.attempts()[2];
    assert_eq!((&second_attempt.at, second_attempt.started), (&one, second(3)));
    assert_eq!((&*second_attempt.step, second_attempt.kind), ("charge", AttemptKind::Step));
}

#[test]
fn a_crash_ends_the_attempts_in_the_air_and_nobody_knows_when() {
    let compensation =
        |attempt| Event::CompensationStarted { of: at(0), kind: UndoKind::Compensate, step: "refund".into(), attempt };
    let events = vec![
        attempted(at(0), 1),
        Event::Recovered {},
        attempted(at(0), 2),
        done(at(0)),
        Event::RollbackDecided { scope: Position::root(0), cause: Cause::Cancelled },
        compensation(1),
        Event::Recovered {},
        compensation(2),
        Event::CompensationDone { of: at(0) },
        Event::RunCancelled {},
    ];
    let history = history(events);
    assert_eq!(
        ends(&history),
        [
            (1, AttemptEnd::Unknown(None), None),
            (2, AttemptEnd::Succeeded, Some(1)),
            (1, AttemptEnd::Unknown(None), None),
            (2, AttemptEnd::Succeeded, Some(1)),
        ]
    );
    assert_eq!(history.attempts()[3].kind, AttemptKind::Compensation(UndoKind::Compensate));
}

#[test]
fn a_rollback_ends_what_is_in_the_air_in_its_scope_and_no_winner() {
    let race = at(0);
    let (winner, loser, beside) = (race.branch(0).child(0), race.branch(1).child(0), at(1));
    let events = vec![
        attempted(winner, 1),
        attempted(loser, 1),
        attempted(beside, 1),
        Event::BranchWon { at: race.clone(), branch: 0 },
        Event::RollbackDecided { scope: race, cause: Cause::Lost },
    ];
    let ends: Vec<AttemptEnd> = history(events).attempts().into_iter().map(|attempt| attempt.end).collect();
    assert_eq!(ends, [AttemptEnd::Running, AttemptEnd::Unknown(None), AttemptEnd::Running]);
}

#[test]
fn a_history_reads_as_a_line_for_each_event_with_its_time_since_the_start() {
    let history = history(vec![attempted(at(0), 1), done(at(0))]);
    let text = history.to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "1970-01-01T00:00:00.000000000Z");
    assert_eq!(lines[1], format!("      +0.000 s  {}", history[0].event));
    assert_eq!(lines[2], "      +1.000 s  step done at 0: 1");
    assert_eq!(lines.len(), 3);
}
