//! The rules of one run, over values alone.

mod visits;

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

fn after<I: IntoIterator<Item = Event>>(events: I) -> RunState {
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

/// A race at the root's first await: a step in each of two branches, of which `won` decides.
fn race(won: u32) -> Vec<Event> {
    let branch = |index| at(0).branch(index).child(0);
    vec![
        attempted(branch(0), 1),
        attempted(branch(1), 1),
        done(branch(1 - won), "\"lost\""),
        done(branch(won), "\"won\""),
        Event::BranchWon { at: at(0), branch: won },
    ]
}

#[test]
fn what_the_losers_of_a_race_did_is_undone_alone() {
    for won in 0..2 {
        let lost = Event::RollbackDecided { scope: at(0), cause: Cause::Lost };
        let state = after(race(won).into_iter().chain([lost]));
        let order: Vec<Position> = undone(state, &at(0)).into_iter().map(|(of, ..)| of).collect();
        assert_eq!(order, vec![at(0).branch(1 - won).child(0)]);
    }
}

#[test]
fn a_winners_entry_stays_for_its_caller_and_a_second_winner_is_refused() {
    let mut state = after(race(1));
    assert!(state.has_lost(&at(0).branch(0).child(1)));
    assert!(!state.has_lost(&at(0).branch(1).child(1)));
    refuses(&mut state, &Event::BranchWon { at: at(0), branch: 0 });
    let ended = Event::LosersEnded { at: at(0) };
    assert_eq!(refuses(&mut state, &ended), "something that a loser did is not undone");
    let loser = at(0).branch(0).child(0);
    let undo = [
        Event::RollbackDecided { scope: at(0), cause: Cause::Lost },
        Event::CompensationStarted {
            of: loser.clone(),
            kind: UndoKind::Compensate,
            step: Name::Borrowed("u"),
            attempt: 1,
        },
        Event::CompensationDone { of: loser },
        ended,
    ];
    let state = after(race(1).into_iter().chain(undo).chain([decided(Position::root(0))]));
    let order: Vec<Position> = undone(state, &Position::root(0)).into_iter().map(|(of, ..)| of).collect();
    assert_eq!(order, vec![at(0).branch(1).child(0)]);
}

#[test]
fn a_signal_that_a_loser_took_is_found_again_in_its_place() {
    let received =
        |text: &str| Event::SignalReceived { signal: Name::Borrowed("S"), payload: json(text), sender: None };
    let taken = Event::SignalConsumed { at: at(0).branch(0).child(0), number: 0 };
    let won = Event::BranchWon { at: at(0), branch: 1 };
    let events = [received("1"), received("2"), taken, won, Event::LosersEnded { at: at(0) }];
    let state = after(events);
    assert_eq!(state.inbox.next("S"), Some(0));
    assert!(state.entry(&at(0).branch(0).child(0)).is_none());
}

#[test]
fn a_turn_begins_with_what_is_carried_whether_older_records_are_there_or_not() {
    let received = Event::SignalReceived { signal: Name::Borrowed("S"), payload: json("1"), sender: Some("a".into()) };
    let first = [attempted(at(0), 1), done(at(0), "1"), received];
    let carried = after(first.clone()).carry();
    let again = Event::Again { visit: 1, input: json("[2]"), carried: Box::new(carried) };
    let second = Position::root(1).child(0);
    let rest = [again, attempted(second.clone(), 1), done(second.clone(), "2"), decided(Position::root(1))];
    for events in [first.into_iter().chain(rest.clone()).collect(), rest.to_vec()] {
        let state = after::<Vec<Event>>(events);
        assert_eq!((state.visit, &state.input), (1, &json("[2]")));
        assert_eq!(state.inbox.offer("S", Some("a")), Offer::Duplicate);
        assert_eq!(state.inbox.next("S"), Some(0));
        let order: Vec<Position> = undone(state, &Position::root(1)).into_iter().map(|(of, ..)| of).collect();
        assert_eq!(order, vec![second.clone(), at(0)]);
    }
}

#[test]
fn a_pivot_of_an_earlier_turn_is_still_passed() {
    let carried = after([pivot(at(0)), done(at(0), "1")]).carry();
    let state = after([Event::Again { visit: 1, input: json("[]"), carried: Box::new(carried) }]);
    assert_eq!(state.decide(&Position::root(1)), Decision::Stuck);
}

#[test]
fn a_retry_does_again_what_failed_last_and_nothing_else() {
    let failing = [pivot(at(0)), done(at(0), "1"), attempted(at(1), 1), failed(at(1), true)];
    let stuck = Event::Stuck { cause: Some(error("1")) };
    let state = after(failing.clone().into_iter().chain([stuck.clone()]));
    assert_eq!(state.last_failure(), Some(at(1)));
    let retried = Event::Retried { step: Some(at(1)) };
    let state = after(failing.clone().into_iter().chain([stuck.clone(), retried, attempted(at(1), 2)]));
    assert_eq!(state.phase, Phase::Forward);
    assert_eq!(state.next_undo(&Position::root(0)).map(|undo| &undo.of), None, "its unknown undo is taken back");
    // The body has gone on behind the failure: it is not done again.
    let behind = [attempted(at(2), 1), done(at(2), "3"), stuck];
    assert_eq!(after(failing.into_iter().chain(behind)).last_failure(), None);
}

#[test]
fn a_pause_leaves_a_rollback_a_rollback_and_a_cancel_ends_it() {
    let paused = || Event::Paused { at: None, reason: "wait".into() };
    let rolling = [attempted(at(0), 1), done(at(0), "1"), decided(Position::root(0)), paused()];
    let mut state = after(rolling);
    assert!(!state.goes_on() && state.phase.is_active());
    state.apply(NOW, &Event::Resumed {}).unwrap();
    assert!(state.goes_on());
    assert!(matches!(state.phase, Phase::RollingBack { .. }));
    refuses(&mut state, &Event::Resumed {});
    assert!(after([paused(), Event::CancelRequested {}]).goes_on());
}

#[test]
fn what_is_abandoned_has_failed_with_nothing_undone() {
    let cause = Cause::Abandoned { note: "n".into() };
    let state = after([
        pivot(at(0)),
        done(at(0), "1"),
        Event::Stuck { cause: Some(error("1")) },
        Event::Abandoned { note: "n".into() },
        Event::RollbackDecided { scope: Position::root(0), cause: cause.clone() },
        Event::RunFailed {},
    ]);
    assert_eq!(state.phase, Phase::Failed { cause });
}
