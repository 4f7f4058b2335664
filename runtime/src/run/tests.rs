//! The rules of one run, over values alone.

use super::*;
use crate::codec::Payload;
use crate::id::{Position, RunId};
use crate::record::{Cause, Event, Name, UndoKind};
use crate::time::Timestamp;

const NOW: Timestamp = Timestamp(0);

fn json(text: &str) -> Payload {
    Payload::from_bytes(text.as_bytes())
}

fn error(text: &str) -> Cause {
    Cause::Error { error: json(text) }
}

fn started() -> RunState {
    let event = Event::RunStarted {
        id: RunId::from("r"),
        workflow: Name::Borrowed("w"),
        version: 1,
        fingerprint: 0,
        origin: [0; 16],
        origin_run: 1,
        input: json("[]"),
    };
    RunState::new(&event, NOW).unwrap()
}

fn at(ordinal: u32) -> Position {
    Position::root(0).child(ordinal)
}

/// A step with both undos.
fn attempted(at: Position, attempt: u32) -> Event {
    Event::StepAttempted {
        at,
        step: Name::Borrowed("s"),
        attempt,
        args: 0,
        pivot: false,
        undo_done: true,
        undo_unknown: true,
        undo_args: (attempt == 1).then(|| json("[7]")),
    }
}

fn pivot(at: Position) -> Event {
    Event::StepAttempted {
        at,
        step: Name::Borrowed("p"),
        attempt: 1,
        args: 0,
        pivot: true,
        undo_done: false,
        undo_unknown: false,
        undo_args: None,
    }
}

fn done(at: Position, output: &str) -> Event {
    Event::StepDone { at, output: json(output) }
}

fn failed(at: Position, unknown: bool) -> Event {
    Event::StepFailed { at, cause: error("1"), unknown }
}

fn attempt_failed(at: Position, unknown: bool) -> Event {
    Event::AttemptFailed { at, cause: error("1"), unknown, retry_at: Some(NOW) }
}

fn decided(scope: Position) -> Event {
    Event::RollbackDecided { scope, cause: error("2") }
}

fn entered(at: Position) -> Event {
    Event::ScopeEntered { at, saga: Name::Borrowed("inner"), version: 1, args: 0 }
}

fn after(events: impl IntoIterator<Item = Event>) -> RunState {
    let mut state = started();
    for event in events {
        state.apply(NOW, &event).unwrap_or_else(|illegal| panic!("{event:?}: {illegal}"));
    }
    state
}

fn refuses(state: &mut RunState, event: &Event) -> String {
    state.apply(NOW, event).expect_err("the event cannot follow").reason
}

/// What is undone, in order, with kind and output.
fn undone(mut state: RunState, scope: &Position) -> Vec<(Position, UndoKind, Option<Payload>)> {
    let mut order = Vec::new();
    while let Some(undo) = state.next_undo(scope).cloned() {
        let started =
            Event::CompensationStarted { of: undo.of.clone(), kind: undo.kind, step: Name::Borrowed("u"), attempt: 1 };
        state.apply(NOW, &started).unwrap();
        state.apply(NOW, &Event::CompensationDone { of: undo.of.clone() }).unwrap();
        order.push((undo.of, undo.kind, undo.output));
    }
    order
}

#[test]
fn steps_are_undone_in_reverse_order_of_completion_each_with_its_own_output() {
    let state = after([
        attempted(at(0), 1),
        done(at(0), "\"a\""),
        attempted(at(1), 1),
        done(at(1), "\"b\""),
        decided(Position::root(0)),
    ]);
    let wanted =
        vec![(at(1), UndoKind::Compensate, Some(json("\"b\""))), (at(0), UndoKind::Compensate, Some(json("\"a\"")))];
    assert_eq!(undone(state, &Position::root(0)), wanted);
}

#[test]
fn a_step_that_failed_with_every_end_known_is_not_undone() {
    let state = after([
        attempted(at(0), 1),
        attempt_failed(at(0), false),
        attempted(at(0), 2),
        failed(at(0), false),
        decided(Position::root(0)),
    ]);
    assert_eq!(undone(state, &Position::root(0)), vec![]);
}

#[test]
fn a_step_that_failed_after_any_unknown_attempt_has_its_unknown_undo_run() {
    let state = after([
        attempted(at(0), 1),
        attempt_failed(at(0), true),
        attempted(at(0), 2),
        failed(at(0), false),
        decided(Position::root(0)),
    ]);
    assert_eq!(undone(state, &Position::root(0)), vec![(at(0), UndoKind::Unknown, None)]);
}

#[test]
fn a_cancel_during_backoff_after_an_unknown_attempt_runs_the_unknown_undo() {
    let state = after([
        attempted(at(0), 1),
        attempt_failed(at(0), true),
        Event::CancelRequested {},
        decided(Position::root(0)),
    ]);
    assert_eq!(undone(state, &Position::root(0)), vec![(at(0), UndoKind::Unknown, None)]);
}

#[test]
fn a_crash_makes_the_attempt_in_the_air_unknown_and_counts() {
    let state = after([attempted(at(0), 1)]);
    assert!(state.attempt_in_air());
    let state = after([attempted(at(0), 1), Event::Recovered {}]);
    assert!(!state.attempt_in_air());
    assert_eq!(state.crashes, 1);
    assert_eq!(state.step(&at(0)).unwrap().failures, 0, "a crash uses up no attempt");
    let state = after([
        attempted(at(0), 1),
        Event::Recovered {},
        attempted(at(0), 2),
        failed(at(0), false),
        decided(Position::root(0)),
    ]);
    assert_eq!(undone(state, &Position::root(0)), vec![(at(0), UndoKind::Unknown, None)]);
}

#[test]
fn a_new_fact_resets_the_count_of_crashes() {
    let crash = [attempted(at(0), 1), Event::Recovered {}, attempted(at(0), 2), Event::Recovered {}];
    assert_eq!(after(crash.clone()).crashes, 2);
    let further = crash.into_iter().chain([attempted(at(0), 3), done(at(0), "1")]);
    assert_eq!(after(further).crashes, 0);
}

#[test]
fn a_nested_scope_is_undone_alone_and_its_entries_pass_to_the_caller_on_success() {
    let (inner, outer) = (at(1), at(0));
    let events = [
        attempted(outer.clone(), 1),
        done(outer.clone(), "1"),
        entered(inner.clone()),
        attempted(inner.child(0), 1),
        done(inner.child(0), "2"),
    ];
    let failing = after(events.clone().into_iter().chain([decided(inner.clone())]));
    let of_inner: Vec<Position> = undone(failing, &inner).into_iter().map(|(of, ..)| of).collect();
    assert_eq!(of_inner, vec![inner.child(0)]);

    let left = Event::ScopeLeft { at: inner.clone(), result: Ok(json("3")) };
    let succeeding = after(events.into_iter().chain([left, decided(Position::root(0))]));
    let of_all: Vec<Position> = undone(succeeding, &Position::root(0)).into_iter().map(|(of, ..)| of).collect();
    assert_eq!(of_all, vec![inner.child(0), outer]);
}

#[test]
fn a_rollback_is_never_turned_forward() {
    let mut state = after([attempted(at(0), 1), done(at(0), "1"), decided(Position::root(0))]);
    for event in
        [attempted(at(1), 1), Event::RunCompleted { output: json("1") }, entered(at(2)), decided(Position::root(0))]
    {
        assert!(refuses(&mut state, &event).contains("RollingBack"), "{event:?}");
    }
    assert_eq!(refuses(&mut state, &Event::RunFailed {}), "something is not undone");
}

#[test]
fn an_ended_run_is_never_resurrected() {
    let mut state = after([Event::RunCompleted { output: json("1") }]);
    for event in [attempted(at(0), 1), decided(Position::root(0)), Event::CancelRequested {}, Event::Recovered {}] {
        assert_eq!(refuses(&mut state, &event), "the run has ended");
    }
}

#[test]
fn only_the_first_outcome_of_a_step_is_taken() {
    let mut state = after([attempted(at(0), 1), done(at(0), "1")]);
    refuses(&mut state, &done(at(0), "2"));
    refuses(&mut state, &failed(at(0), false));
    refuses(&mut state, &attempted(at(0), 2));
}

#[test]
fn a_failure_after_a_pivot_is_stuck_and_one_before_it_is_rolled_back() {
    let root = Position::root(0);
    assert_eq!(after([attempted(at(0), 1), done(at(0), "1")]).decide(&root), Decision::RollBack);
    assert_eq!(after([pivot(at(0))]).decide(&root), Decision::Stuck, "it is in the air");
    assert_eq!(after([pivot(at(0)), done(at(0), "1")]).decide(&root), Decision::Stuck);
    assert_eq!(after([pivot(at(0)), failed(at(0), true)]).decide(&root), Decision::Stuck, "nobody knows");
    assert_eq!(after([pivot(at(0)), failed(at(0), false)]).decide(&root), Decision::RollBack, "it did not happen");
}

#[test]
fn signals_are_taken_once_in_order_of_arrival() {
    let received =
        |text: &str| Event::SignalReceived { signal: Name::Borrowed("S"), payload: json(text), sender: None };
    let mut state = after([received("1"), received("2")]);
    let number = state.inbox.next("S").unwrap();
    state.apply(NOW, &Event::SignalConsumed { at: at(0), number }).unwrap();
    assert!(matches!(state.entry(&at(0)), Some(Entry::Signal { payload, .. }) if *payload == json("1")));
    assert_eq!(state.inbox.next("S"), Some(1));
    assert_eq!(state.inbox.next("T"), None);
    refuses(&mut state, &Event::SignalConsumed { at: at(1), number });
}

#[test]
fn a_senders_second_delivery_is_recognised_and_a_full_inbox_refuses() {
    let received = |sender: Option<&str>| Event::SignalReceived {
        signal: Name::Borrowed("S"),
        payload: json("1"),
        sender: sender.map(str::to_owned),
    };
    let state = after([received(Some("a"))]);
    assert_eq!(state.inbox.offer("S", Some("a")), Offer::Duplicate);
    assert_eq!(state.inbox.offer("S", Some("b")), Offer::Take);
    assert_eq!(state.inbox.offer("T", Some("a")), Offer::Take, "another signal's id is another id");
    assert_eq!(state.inbox.offer("S", None), Offer::Take);
    let full = after((0..INBOX_LIMIT).map(|_| received(None)));
    assert_eq!(full.inbox.offer("S", None), Offer::Full);
}

#[test]
fn a_compensations_attempts_are_facts() {
    let of = at(0);
    let compensating = |attempt| Event::CompensationStarted {
        of: of.clone(),
        kind: UndoKind::Compensate,
        step: Name::Borrowed("u"),
        attempt,
    };
    let retry_at = Some(Timestamp(9));
    let state = after([
        attempted(of.clone(), 1),
        done(of.clone(), "1"),
        decided(Position::root(0)),
        compensating(1),
        Event::CompensationFailed { of: of.clone(), cause: error("1"), last: false, retry_at },
    ]);
    let undo = state.next_undo(&Position::root(0)).unwrap();
    assert_eq!((undo.attempts, undo.failures, undo.retry_at), (1, 1, retry_at));
}

#[test]
fn one_undo_that_fails_for_good_leaves_the_others_to_be_tried() {
    let root = Position::root(0);
    let mut state =
        after([attempted(at(0), 1), done(at(0), "1"), attempted(at(1), 1), done(at(1), "2"), decided(root.clone())]);
    let given_up = Event::CompensationFailed { of: at(1), cause: error("1"), last: true, retry_at: None };
    state.apply(NOW, &given_up).unwrap();
    assert_eq!(state.next_undo(&root).unwrap().of, at(0));
    assert!(state.undo_failed(&root));
    state.apply(NOW, &Event::CompensationDone { of: at(0) }).unwrap();
    state.apply(NOW, &Event::Stuck { cause: None }).unwrap();
    assert_eq!(state.phase, Phase::Stuck { cause: error("2"), back: Some(error("2")) });
}

#[test]
fn backoff_grows_to_its_maximum_and_jitter_stays_in_its_share() {
    use std::time::Duration;
    let policy = RetryPolicy {
        attempts: 9,
        initial: Duration::from_millis(100),
        factor: 2.0,
        max: Duration::from_secs(1),
        jitter: 0.5,
    };
    let nominal: Vec<u128> = (1..6).map(|n| policy.backoff(n, 0.5).as_millis()).collect();
    assert_eq!(nominal, [100, 200, 400, 800, 1000]);
    assert_eq!(policy.backoff(1, 0.0).as_millis(), 50);
    assert_eq!(policy.backoff(1, 1.0).as_millis(), 150);
    assert_eq!(policy.backoff(u32::MAX, 1.0), Duration::from_secs(1));
}
