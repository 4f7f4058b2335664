//! A machine's states, over values alone: what a visit begins with, what it keeps, and what it forgets.

use super::*;
use crate::record::{CarriedSignal, Reason};

fn moment(nanos: i64) -> Timestamp {
    Timestamp(nanos)
}

fn received(signal: &'static str, sender: Option<&str>) -> Event {
    let sender = sender.map(str::to_owned);
    Event::SignalReceived { signal: Name::Borrowed(signal), payload: json("1"), sender }
}

fn consumed(at: Position, number: u64) -> Event {
    Event::SignalConsumed { at, number }
}

/// The next state of a run, entered as the engine does it.
fn next_state(state: &RunState, name: &'static str, commit: bool, ignores: &[&str]) -> Event {
    Event::StateEntered {
        visit: state.visit + 1,
        state: Name::Borrowed(name),
        value: json(&format!("\"{name}\"")),
        reason: state.reason(),
        groups: Vec::new(),
        carried: Box::new(state.carry_into(commit, ignores)),
    }
}

/// The run's state after all of these events, and after its start and the last visit's events alone.
fn both(events: &[Event]) -> [RunState; 2] {
    let turn = events.iter().rposition(|event| matches!(event, Event::StateEntered { .. })).unwrap();
    [after(events.to_vec()), after(events[turn..].to_vec())]
}

/// What of a run anybody can ask for.
fn seen(state: &RunState) -> String {
    let mut entries: Vec<_> = state.positions().collect();
    entries.sort_by_key(|(at, _)| (*at).clone());
    format!(
        "{} {:?} {:?} {:?} {:?} {:?} {} {} {} {:?} {:?} {} {:?} {:?} {:?} {:?}",
        state.visit,
        state.input,
        state.since,
        state.phase,
        state.paused,
        state.cancel_requested,
        state.past_pivot,
        state.begun,
        state.crashes,
        state.now,
        state.progress,
        state.decided,
        state.last_end,
        state.inbox,
        state.undo,
        entries,
    )
}

#[test]
fn a_visit_begins_with_nothing_recorded_and_positions_of_its_own() {
    let mut state = after([attempted(at(0), 1), done(at(0), "1"), entered(at(1))]);
    let next = next_state(&state, "B", false, &[]);
    state.apply(moment(5), &next).unwrap();
    assert_eq!((state.visit, state.root(), &state.input), (1, Position::root(1), &json("\"B\"")));
    assert_eq!(state.positions().count(), 0);
    assert_eq!((state.since.name(), state.since.at), (Some("B"), moment(5)));
    // The same step stands at another position now.
    state.apply(moment(6), &attempted(Position::root(1).child(0), 1)).unwrap();
    assert!(state.entry(&at(0)).is_none());
}

#[test]
fn visits_only_ascend_and_some_may_be_missing() {
    let mut state = after([]);
    let entering = |visit| Event::StateEntered {
        visit,
        state: Name::Borrowed("A"),
        value: json("1"),
        reason: Reason::Handler,
        groups: Vec::new(),
        carried: Box::default(),
    };
    assert_eq!(refuses(&mut after([]), &entering(0)), "turn 0 is not behind turn 0");
    state.apply(NOW, &entering(7)).unwrap();
    assert_eq!(state.visit, 7);
    for visit in [7, 6, 1] {
        let mut again = after([entering(7)]);
        assert_eq!(refuses(&mut again, &entering(visit)), format!("turn {visit} is not behind turn 7"));
    }
}

#[test]
fn no_state_is_entered_by_a_run_that_goes_backwards_is_held_up_or_has_ended() {
    let entering = next_state(&after([]), "B", false, &[]);
    let ends = [
        vec![attempted(at(0), 1), done(at(0), "1"), decided(Position::root(0))],
        vec![Event::Stuck { cause: Some(error("1")) }],
        vec![Event::Poisoned { crashes: 3 }],
        vec![Event::Diverged { at: at(0), expected: "a".into(), found: "b".into(), site: "c".into() }],
        vec![Event::RunCompleted { output: json("1") }],
    ];
    for events in ends {
        refuses(&mut after(events), &entering);
    }
}

#[test]
fn what_is_carried_is_there_whether_older_records_are_there_or_not() {
    let first = vec![
        received("S", Some("ann")),
        received("T", None),
        received("S", None),
        attempted(at(0), 1),
        done(at(0), "\"kept\""),
        attempted(at(1), 1),
        failed(at(1), true),
        Event::Published { at: at(2), value: json("50") },
        Event::ValueDrawn { at: at(3), source: Name::Borrowed("now"), value: json("\"2026-01-01T00:00:00Z\"") },
        consumed(at(4), 0),
    ];
    let entering = next_state(&after(first.clone()), "B", false, &[]);
    let events: Vec<Event> = first.into_iter().chain([entering]).collect();
    let states = both(&events);
    assert_eq!(seen(&states[0]), seen(&states[1]));
    for state in states {
        assert_eq!(state.inbox.next("S"), Some(2), "the first was taken");
        assert_eq!(state.inbox.next("T"), Some(1));
        assert_eq!(state.inbox.offer("S", Some("ann")), Offer::Duplicate);
        assert_eq!(state.progress, Some(json("50")));
        assert!(state.now.is_some());
        assert!(!state.past_pivot && state.begun);
        let root = state.root();
        let wanted = vec![(at(1), UndoKind::Unknown, None), (at(0), UndoKind::Compensate, Some(json("\"kept\"")))];
        let mut state = state;
        state.apply(NOW, &decided(root.clone())).unwrap();
        assert_eq!(undone(state, &root), wanted);
    }
}

#[test]
fn what_is_undone_or_settled_is_not_carried() {
    let inner = at(0);
    let state = after([
        entered(inner.clone()),
        attempted(inner.child(0), 1),
        done(inner.child(0), "1"),
        decided(inner.clone()),
        Event::CompensationStarted {
            of: inner.child(0),
            kind: UndoKind::Compensate,
            step: Name::Borrowed("u"),
            attempt: 1,
        },
        Event::CompensationDone { of: inner.child(0) },
        Event::ScopeLeft { at: inner, result: Err(json("1")) },
    ]);
    assert_eq!(state.carry_into(false, &[]).undo, vec![]);
}

#[test]
fn a_carried_undo_is_undone_after_those_of_the_present_visit_over_many_states() {
    let mut state = after([]);
    for visit in 0..4 {
        let here = Position::root(visit).child(0);
        state.apply(NOW, &attempted(here.clone(), 1)).unwrap();
        state.apply(NOW, &done(here, &visit.to_string())).unwrap();
        if visit < 3 {
            let next = next_state(&state, "A", false, &[]);
            state.apply(NOW, &next).unwrap();
        }
    }
    let root = state.root();
    state.apply(NOW, &decided(root.clone())).unwrap();
    let order: Vec<u32> = undone(state, &root).iter().map(|(of, ..)| of.visit()).collect();
    assert_eq!(order, [3, 2, 1, 0]);
}

#[test]
fn a_committed_state_has_nothing_to_undo_and_is_past_a_pivot_for_ever() {
    let first = vec![attempted(at(0), 1), done(at(0), "1"), received("S", Some("ann"))];
    let entering = next_state(&after(first.clone()), "Paid", true, &[]);
    let mut events: Vec<Event> = first.into_iter().chain([entering]).collect();
    for state in both(&events) {
        assert!(state.past_pivot);
        assert_eq!(state.undo_entries().len(), 0);
        assert_eq!(state.decide(&state.root()), Decision::Stuck);
        assert_eq!(state.inbox.next("S"), Some(0), "what waits is not what was done");
    }
    let second = next_state(&after(events.clone()), "Sent", false, &[]);
    events.push(second);
    for state in both(&events) {
        assert_eq!((state.visit, state.decide(&state.root())), (2, Decision::Stuck));
    }
}

#[test]
fn a_pivot_of_an_earlier_visit_is_still_passed_and_what_came_before_it_is_kept() {
    let first = vec![attempted(at(0), 1), done(at(0), "1"), pivot(at(1)), done(at(1), "2")];
    let entering = next_state(&after(first.clone()), "B", false, &[]);
    let events: Vec<Event> = first.into_iter().chain([entering]).collect();
    for state in both(&events) {
        assert!(state.past_pivot);
        assert_eq!(state.decide(&state.root()), Decision::Stuck);
        assert_eq!(state.undo_entries().len(), 1);
    }
}

#[test]
fn signals_that_a_state_ignores_are_dropped_when_it_is_entered_and_their_senders_stay_known() {
    let first = vec![received("S", Some("ann")), received("T", Some("bob")), received("S", None)];
    let state = after(first.clone());
    let carried = state.carry_into(false, &["S"]);
    let waiting: Vec<(u64, &str)> =
        carried.inbox.iter().map(|CarriedSignal { number, signal, .. }| (*number, &**signal)).collect();
    assert_eq!(waiting, [(1, "T")]);
    let entering = next_state(&state, "B", false, &["S"]);
    let mut events: Vec<Event> = first.into_iter().chain([entering]).collect();
    for state in both(&events) {
        assert_eq!((state.inbox.next("S"), state.inbox.next("T")), (None, Some(1)));
        assert_eq!(state.inbox.offer("S", Some("ann")), Offer::Duplicate);
    }
    // Numbers go on, so that a later one is never taken for one that was dropped.
    events.push(received("S", None));
    for state in both(&events) {
        assert_eq!(state.inbox.next("S"), Some(3));
    }
}

#[test]
fn a_sender_is_known_over_as_many_states_as_there_are_as_long_as_the_window_holds_it() {
    let mut state = after([received("S", Some("ann")), consumed(at(0), 0)]);
    for _ in 0..5 {
        let next = next_state(&state, "A", false, &[]);
        state.apply(NOW, &next).unwrap();
    }
    assert_eq!(state.inbox.offer("S", Some("ann")), Offer::Duplicate);
    for n in 0..1024 {
        let event = received("S", Some(&n.to_string()));
        state.apply(NOW, &event).unwrap();
        state.apply(NOW, &consumed(Position::root(5).child(n), u64::from(n) + 1)).unwrap();
    }
    let next = next_state(&state, "A", false, &[]);
    state.apply(NOW, &next).unwrap();
    assert_eq!(state.inbox.offer("S", Some("ann")), Offer::Take);
    assert_eq!(state.inbox.offer("S", Some("0")), Offer::Duplicate);
}

#[test]
fn the_inbox_is_as_full_in_the_next_state() {
    let mut state = after((0..INBOX_LIMIT).map(|_| received("S", None)));
    let next = next_state(&state, "A", false, &[]);
    state.apply(NOW, &next).unwrap();
    assert_eq!(state.inbox.offer("S", None), Offer::Full);
}

/// Enters a state in these groups at a moment.
fn move_to(state: &mut RunState, now: i64, name: &'static str, groups: &[&'static str], inside: &[&str]) {
    let groups = state.groups_since(groups, inside, moment(now));
    let event = Event::StateEntered {
        visit: state.visit + 1,
        state: Name::Borrowed(name),
        value: json("1"),
        reason: Reason::Handler,
        groups,
        carried: Box::new(state.carry_into(false, &[])),
    };
    state.apply(moment(now), &event).unwrap();
}

fn since(state: &RunState, group: &str) -> Option<i64> {
    state.since.group(group).map(|since| since.0)
}

#[test]
fn a_group_is_entered_once_whatever_moves_inside_it_and_anew_after_it_was_left() {
    let mut state = after([]);
    // The first state, and the groups around it, begin with the run.
    let begun = state.start.at.0;
    assert_eq!((state.since.at.0, since(&state, "Open")), (begun, Some(begun)));
    state.apply(moment(10), &Event::TimerSet { at: at(0), wake_at: moment(99) }).unwrap();
    move_to(&mut state, 20, "B", &["Inner", "Open"], &["Open"]);
    assert_eq!((since(&state, "Open"), since(&state, "Inner")), (Some(begun), Some(20)));
    move_to(&mut state, 30, "C", &["Inner", "Open"], &["Inner", "Open"]);
    assert_eq!((since(&state, "Open"), since(&state, "Inner")), (Some(begun), Some(20)));
    move_to(&mut state, 40, "B", &["Open"], &["Inner", "Open"]);
    assert_eq!((since(&state, "Open"), since(&state, "Inner")), (Some(begun), None));
    move_to(&mut state, 50, "C", &["Inner", "Open"], &["Open"]);
    assert_eq!((since(&state, "Open"), since(&state, "Inner")), (Some(begun), Some(50)));
    move_to(&mut state, 60, "Out", &[], &["Inner", "Open"]);
    assert_eq!((since(&state, "Open"), since(&state, "Inner")), (None, None));
    move_to(&mut state, 70, "B", &["Open"], &[]);
    assert_eq!(since(&state, "Open"), Some(70));
}

#[test]
fn the_first_state_begins_when_the_run_is_to_begin_whatever_comes_from_outside() {
    let mut state = after([]);
    let begun = state.start.at;
    for event in [
        received("S", None),
        Event::Paused { at: None, reason: "r".into() },
        Event::Resumed {},
        Event::StartOptions { deadline: None, begin_at: None, key: None, parent: None, linked: false },
        Event::Recovered {},
    ] {
        state.apply(moment(1), &event).unwrap();
        assert_eq!((state.begun, state.since.at), (false, begun), "{event:?}");
    }
    state.apply(moment(2), &consumed(at(0), 0)).unwrap();
    state.apply(moment(3), &attempted(at(1), 1)).unwrap();
    assert_eq!(state.since.at, begun);
    let later =
        Event::StartOptions { deadline: None, begin_at: Some(moment(77)), key: None, parent: None, linked: false };
    assert_eq!(after([later]).since.at, moment(77));
}

#[test]
fn a_group_that_the_code_has_got_since_counts_from_the_next_state_on() {
    let mut state = after([]);
    move_to(&mut state, 20, "B", &[], &[]);
    assert_eq!(since(&state, "New"), None);
    move_to(&mut state, 30, "B", &["New"], &["New"]);
    move_to(&mut state, 40, "B", &["New"], &["New"]);
    assert_eq!(since(&state, "New"), Some(30));
}

#[test]
fn the_reason_is_the_signal_that_was_taken_last_unless_its_branch_has_lost() {
    assert_eq!(after([received("S", None)]).reason(), Reason::Handler);
    let taken = [received("S", None), received("T", None), consumed(at(0), 0), consumed(at(1), 1)];
    assert_eq!(after(taken).reason(), Reason::Signal { name: "T".into() });
    let lost = at(0).branch(0).child(0);
    let won = at(0).branch(1).child(0);
    let race = vec![
        received("Lost", None),
        received("Won", None),
        consumed(lost, 0),
        consumed(won, 1),
        Event::BranchWon { at: at(0), branch: 1 },
    ];
    // Whether the losers have ended or not.
    assert_eq!(after(race.clone()).reason(), Reason::Signal { name: "Won".into() });
    let ended = race.iter().cloned().chain([Event::LosersEnded { at: at(0) }]);
    assert_eq!(after(ended).reason(), Reason::Signal { name: "Won".into() });
    // A timer won, and nothing was taken.
    let timer = [race[0].clone(), race[2].clone(), Event::BranchWon { at: at(0), branch: 1 }];
    assert_eq!(after(timer).reason(), Reason::Handler);
    // A visit knows nothing of the one before.
    let mut state = after([received("S", None), consumed(at(0), 0)]);
    let next = next_state(&state, "B", false, &[]);
    state.apply(NOW, &next).unwrap();
    assert_eq!(state.reason(), Reason::Handler);
    assert_eq!(state.since.state, Some(("B".into(), Reason::Signal { name: "S".into() })));
}

#[test]
fn a_signal_that_a_timed_out_handler_took_is_carried_into_the_next_state() {
    let handler = at(0).branch(1).child(0);
    let state = after([
        received("S", None),
        consumed(handler, 0),
        Event::BranchWon { at: at(0), branch: 0 },
        Event::LosersEnded { at: at(0) },
    ]);
    let waiting: Vec<u64> = state.carry_into(false, &[]).inbox.iter().map(|signal| signal.number).collect();
    assert_eq!(waiting, [0]);
}

#[test]
fn a_new_state_starts_the_count_of_crashes_again() {
    let mut state = after([attempted(at(0), 1), Event::Recovered {}, attempted(at(0), 2), Event::Recovered {}]);
    assert_eq!(state.crashes, 2);
    let next = next_state(&state, "B", false, &[]);
    state.apply(NOW, &next).unwrap();
    assert_eq!(state.crashes, 0);
}

#[test]
fn an_undo_has_the_same_key_whether_older_records_are_there_or_not() {
    let inner = at(0);
    let step = inner.child(0);
    let undo = |of: Position, kind| {
        let started = Event::CompensationStarted { of: of.clone(), kind, step: Name::Borrowed("u"), attempt: 1 };
        [started, Event::CompensationDone { of }]
    };
    // A saga inside the handler fails behind a pivot's back, is undone, and done again on an operator's word.
    let mut first =
        vec![entered(inner.clone()), attempted(step.clone(), 1), done(step.clone(), "1"), decided(inner.clone())];
    first.extend(undo(step.clone(), UndoKind::Compensate));
    first.extend([
        Event::ScopeLeft { at: inner.clone(), result: Err(json("1")) },
        Event::Stuck { cause: Some(error("1")) },
        Event::Retried { step: Some(inner.clone()) },
        entered(inner.clone()),
        attempted(step.clone(), 1),
        done(step.clone(), "2"),
        Event::ScopeLeft { at: inner, result: Ok(json("2")) },
    ]);
    let entering = next_state(&after(first.clone()), "B", false, &[]);
    let events: Vec<Event> = first.into_iter().chain([entering]).collect();
    let keys: Vec<u32> = both(&events).iter().map(|state| state.redone(&step.undo(0))).collect();
    assert_eq!(keys[0], keys[1], "an attempt to undo has another key after a restart");
}

/// A run with much to undo may always come to where that is final.
#[test]
fn what_is_final_weighs_nothing() {
    let large = format!("\"{}\"", "x".repeat(5_000));
    let state = after([attempted(at(0), 1), done(at(0), &large), received("S", None)]);
    assert!(state.weight(true) > 5_000, "{}", state.weight(true));
    assert!(state.weight(false) < 500, "{}", state.weight(false));
    assert_eq!((state.heavy(1_000, true).len(), state.heavy(1_000, false).len()), (1, 0));
}
