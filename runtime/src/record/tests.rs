use proptest::prelude::*;

use super::*;
use crate::codec::{ArtifactId, BlobAt, Digest, NamedBlob, Payload};
use crate::id::{Position, RunId};
use crate::time::Timestamp;

fn at() -> Position {
    Position::root(1).child(300).child(2)
}

fn json(text: &str) -> Payload {
    Payload::from_bytes(text.as_bytes())
}

fn blob(id: u64) -> NamedBlob {
    NamedBlob::new(
        BlobAt { id, segment: 3, offset: 4096, len: 1 << 30, crc: u32::MAX, schema: 1 << 63, encrypted: id % 2 == 1 },
        None,
    )
}

/// At least one event of every kind, with every form of its fields.
pub(super) fn samples() -> Vec<Event> {
    let mut events = vec![
        Event::RunStarted {
            id: RunId::from("order-42 ü"),
            workflow: Name::Borrowed("checkout"),
            version: 3,
            fingerprint: u64::MAX,
            origin: [7; 16],
            origin_run: 1 << 40,
            input: json("[1]"),
        },
        Event::StepDone { at: at(), output: json("null") },
        Event::ScopeEntered { at: at(), saga: Name::Borrowed("inner"), version: 1, args: 5 },
        Event::ScopeLeft { at: at(), result: Ok(json("1")) },
        Event::ScopeLeft { at: at(), result: Err(json("2")) },
        Event::TimerSet { at: at(), wake_at: Timestamp(-5) },
        Event::TimerFired { at: at() },
        Event::SignalReceived { signal: Name::Borrowed("Pay"), payload: json("{}"), sender: Some("s".into()) },
        Event::SignalReceived { signal: Name::Borrowed("Pay"), payload: json("{}"), sender: None },
        Event::SignalConsumed { at: at(), number: 9 },
        Event::CompensationDone { of: at() },
        Event::Stuck { cause: None },
        Event::CancelRequested {},
        Event::Recovered {},
        Event::Poisoned { crashes: 10 },
        Event::Diverged { at: at(), expected: "a".into(), found: "b".into(), site: "c:1".into() },
        Event::RunCompleted { output: json("\"x\"") },
        Event::RunFailed {},
        Event::RunCancelled {},
        Event::RunDeleted {},
        Event::ArtifactPut { artifact: ArtifactId::of(b"x"), bytes: Payload::in_arena(blob(4)) },
        Event::StepDone { at: at(), output: json("[{\"$blob\":7}]").with_blobs(vec![blob(7), blob(9)]) },
        Event::RunCompleted { output: Payload::in_arena(blob(1 << 40)).with_blobs(vec![blob(2)]) },
    ];
    for (attempt, undo_args) in [(1, Some(json("[1,2]"))), (200, None)] {
        let (pivot, undo_done, undo_unknown) = (attempt == 1, attempt != 1, true);
        let step = Name::Borrowed("charge");
        events.push(Event::StepAttempted {
            at: at(),
            step,
            attempt,
            args: u64::MAX,
            pivot,
            undo_done,
            undo_unknown,
            undo_args,
        });
    }
    for kind in [UndoKind::Compensate, UndoKind::Unknown, UndoKind::Child] {
        let step = Name::Borrowed("refund");
        events.push(Event::CompensationStarted { of: at(), kind, step, attempt: 2 });
    }
    let causes = [
        Cause::Error { error: json("1") },
        Cause::TimedOut { error: json("2") },
        Cause::Panicked { message: "boom".into() },
        Cause::Unrecordable { message: "NaN".into() },
        Cause::Aborted,
        Cause::Cancelled,
        Cause::NoUndo { message: "gone".into() },
        Cause::Lost,
        Cause::DeadlineExceeded,
        Cause::Abandoned { note: "too late".into() },
        Cause::Refused { message: "no".into() },
    ];
    for cause in causes {
        events.push(Event::AttemptFailed {
            at: at(),
            cause: cause.clone(),
            unknown: true,
            retry_at: Some(Timestamp(i64::MAX)),
        });
        events.push(Event::StepFailed { at: at(), cause: cause.clone(), unknown: false });
        events.push(Event::CompensationFailed { of: at(), cause: cause.clone(), last: true, retry_at: None });
        events.push(Event::ChildEnded { at: at(), child: child(), end: ChildEnd::Failed { cause: cause.clone() } });
        events.push(Event::RollbackDecided { scope: Position::root(0), cause: cause.clone() });
        events.push(Event::Stuck { cause: Some(cause) });
    }
    events.extend(of_branches_and_children());
    events.extend(of_people());
    events.extend(of_starts());
    events
}

fn child() -> RunId {
    RunId::from("order-42/1")
}

fn of_branches_and_children() -> Vec<Event> {
    let started = |linked| Event::ChildStarted {
        at: at(),
        child: child(),
        number: 1 << 40,
        workflow: Name::Borrowed("ship"),
        version: 2,
        args: u64::MAX,
        linked,
    };
    let ended = |end| Event::ChildEnded { at: at(), child: child(), end };
    vec![
        Event::BranchWon { at: at(), branch: 300 },
        Event::LosersEnded { at: at() },
        started(true),
        started(false),
        ended(ChildEnd::Completed { output: json("[3]") }),
        ended(ChildEnd::Cancelled),
        ended(ChildEnd::Forgotten),
        Event::Published { at: at(), value: json("{\"done\":0.5}") },
        Event::ValueDrawn { at: at(), source: Name::Borrowed("now"), value: json("7") },
        fact_bound(),
    ]
}

fn fact_bound() -> Event {
    Event::FactBound {
        at: at(),
        fact: FactKey { name: "call:rates".into(), ordinal: 300 },
        request: RequestDigest(Digest([7; 32])),
        nth: 2,
        alone: true,
        asked: "{\"of\":\"EUR\"}".into(),
        value: json("[9]"),
    }
}

fn of_people() -> Vec<Event> {
    vec![
        Event::Retried { step: None },
        Event::Retried { step: Some(at()) },
        Event::Resolved { step: at(), note: "by hand".into() },
        Event::Abandoned { note: "nobody wants it".into() },
        Event::Paused { at: None, reason: "a look first".into() },
        Event::Paused { at: Some(at()), reason: String::new() },
        Event::Resumed {},
    ]
}

fn of_starts() -> Vec<Event> {
    let undo = |kind, output, args| CarriedUndo { of: at(), step: Name::Borrowed("charge"), kind, output, args };
    let carried = Carried {
        undo: vec![
            undo(UndoKind::Compensate, Some(json("1")), Some(json("[2]"))),
            undo(UndoKind::Unknown, None, Some(json("[3]").with_blobs(vec![blob(11), blob(12)]))),
            undo(UndoKind::Child, Some(json("4")), None),
        ],
        received: 300,
        inbox: vec![
            CarriedSignal { number: 5, signal: Name::Borrowed("Pay"), payload: json("{}") },
            CarriedSignal { number: 299, signal: Name::Borrowed("Go"), payload: json("null") },
        ],
        senders: vec![(Name::Borrowed("Pay"), "s".into()), (Name::Borrowed("Go"), String::new())],
        now: Some(Timestamp(-1)),
        progress: Some(json("0.5").with_blobs(vec![blob(13)])),
        past_pivot: true,
        redone: vec![Position::root(3).child(1), Position::root(4)],
    };
    vec![
        Event::Again { visit: 1, input: json("[1]"), carried: Box::default() },
        Event::Again { visit: 300, input: json("[1]").with_blobs(vec![blob(10)]), carried: Box::new(carried) },
        Event::StateEntered {
            visit: 2,
            state: "Paid".into(),
            value: json("{\"Paid\":{}}").with_blobs(vec![blob(11)]),
            reason: Reason::Signal { name: "Pay".into() },
            groups: vec![("Open".into(), Timestamp(7)), ("ü".into(), Timestamp(-7))],
            carried: Box::default(),
        },
        Event::StateEntered {
            visit: u32::MAX,
            state: "Page".into(),
            value: json("null"),
            reason: Reason::Handler,
            groups: Vec::new(),
            carried: Box::new(Carried { past_pivot: true, ..Carried::default() }),
        },
        Event::StateEntered {
            visit: 1,
            state: "Late".into(),
            value: json("\"Late\""),
            reason: Reason::Timeout { group: None },
            groups: Vec::new(),
            carried: Box::default(),
        },
        Event::StateEntered {
            visit: 1,
            state: "Late".into(),
            value: json("\"Late\""),
            reason: Reason::Timeout { group: Some("Open".into()) },
            groups: Vec::new(),
            carried: Box::default(),
        },
        Event::StartOptions { deadline: None, begin_at: None, key: None, parent: None, linked: false },
        Event::StartOptions {
            deadline: Some(Timestamp(i64::MAX)),
            begin_at: Some(Timestamp(-1)),
            key: Some("ü".into()),
            parent: Some(child()),
            linked: true,
        },
    ]
}

fn encoded(event: &Event) -> Vec<u8> {
    let mut body = Vec::new();
    event.encode(&mut body);
    body
}

#[test]
fn every_event_comes_back_and_every_kind_has_one() {
    let samples = samples();
    for kind in Kind::ALL {
        assert!(samples.iter().any(|event| event.kind() == *kind), "no sample of {kind:?}");
        assert_eq!(Kind::from_number(*kind as u8), Some(*kind));
    }
    for event in samples {
        let back = Event::decode(event.kind() as u8, &encoded(&event), None, None).unwrap();
        let places = |event: &Event| -> Vec<BlobAt> { event.blobs().collect() };
        assert_eq!(places(&back), places(&event));
        assert_eq!(back, event);
    }
}

#[test]
fn what_is_said_to_name_no_blob_names_none() {
    let mut none = 0;
    for event in samples() {
        let (kind, body) = (event.kind() as u8, encoded(&event));
        let said = names_no_blob(kind, &body);
        assert!(!said || event.blobs().next().is_none(), "{event:?}");
        none += u32::from(said);
        let common = matches!(
            event,
            Event::RunStarted { .. }
                | Event::StepAttempted { .. }
                | Event::StepDone { .. }
                | Event::RunCompleted { .. }
        );
        assert!(said || !common || event.blobs().next().is_some(), "{event:?}");
        if common {
            assert!((0..body.len()).all(|len| !names_no_blob(kind, &body[..len])), "{event:?}, cut");
        }
    }
    assert!(none > 5 && !names_no_blob(255, b""));
}

#[test]
fn a_body_cut_anywhere_or_with_more_behind_it_is_an_error() {
    for event in samples() {
        let body = encoded(&event);
        for len in 0..body.len() {
            let cut = Event::decode(event.kind() as u8, &body[..len], None, None);
            assert!(cut.is_err(), "{event:?} cut to {len} bytes reads as {cut:?}");
        }
        let longer = [body.as_slice(), &[0]].concat();
        assert!(Event::decode(event.kind() as u8, &longer, None, None).is_err(), "{event:?}");
    }
}

#[test]
fn every_value_of_an_event_is_listed_once_to_be_looked_at_and_to_be_replaced() {
    let event = of_starts().swap_remove(1);
    let texts: Vec<String> = event.payloads().map(Payload::to_text).collect();
    assert_eq!(texts, ["[1]", "1", "[2]", "[3]", "4", "{}", "null", "0.5"]);
    for mut event in samples() {
        let before: Vec<Payload> = event.payloads().cloned().collect();
        let bytes = encoded(&event);
        let marked: Vec<Payload> = (0..before.len()).map(|n| json(&format!("\"marked {n}\""))).collect();
        event.payloads_mut().zip(&marked).for_each(|(value, mark)| *value = mark.clone());
        assert!(event.payloads().eq(&marked), "{event:?}");
        event.payloads_mut().zip(&before).for_each(|(value, old)| *value = old.clone());
        assert_eq!(encoded(&event), bytes);
    }
}

#[test]
fn an_event_is_told_in_one_line() {
    let told = |event: &Event| event.to_string();
    let [plain, full] = [of_starts().swap_remove(6), of_starts().swap_remove(7)];
    assert_eq!(told(&plain), "start options: none");
    assert_eq!(
        told(&full),
        format!("start options: deadline {}, begins at -1.999, key `ü`, linked to `order-42/1`", Timestamp(i64::MAX))
    );
    let [won, started, ended] = [0, 2, 4].map(|n| of_branches_and_children().swap_remove(n));
    assert_eq!(told(&won), "branch won at visit 1 300.2: branch 300");
    assert_eq!(told(&started), "child started at visit 1 300.2: `order-42/1`, `ship` version 2, linked");
    assert_eq!(told(&ended), "child ended at visit 1 300.2: `order-42/1` completed: [3]");
    assert_eq!(
        told(&fact_bound()),
        "fact bound at visit 1 300.2: `call:rates#300`, request 0707070707070707 {\"of\":\"EUR\"}, 3 bytes: [9]"
    );
    assert_eq!(told(&of_starts().swap_remove(1)), "again, visit 300, with [1]: carries 3 undos and 2 signals");
    assert_eq!(
        told(&of_starts().swap_remove(2)),
        "state entered `Paid`, visit 2, by signal `Pay`, with {\"Paid\":{}}: carries 0 undos and 0 signals"
    );
    assert_eq!(Reason::Timeout { group: Some("Open".into()) }.to_string(), "the timeout of `Open`");
    assert_eq!(told(&of_people().swap_remove(1)), "retried at visit 1 300.2");
    assert_eq!(Cause::Abandoned { note: "n".into() }.to_string(), "abandoned: n");
}

/// By `FORMAT.md`, byte for byte: what is on disks must be read for ever.
#[test]
fn a_state_that_is_entered_has_the_bytes_that_are_laid_down() {
    let entered = |carried| Event::StateEntered {
        visit: 300,
        state: Name::Borrowed("Paid"),
        value: json("{}"),
        reason: Reason::Timeout { group: Some("Open".into()) },
        groups: vec![("Open".into(), Timestamp(-1)), ("All".into(), Timestamp(2))],
        carried: Box::new(carried),
    };
    let head: &[&[u8]] = &[
        &[0xac, 2],
        b"\x04Paid",
        b"\x00\x02{}",
        b"\x03\x04Open",
        b"\x02\x04Open\xff\xff\xff\xff\xff\xff\xff\xff\x03All\x02\0\0\0\0\0\0\0",
    ];
    let nothing: &[&[u8]] = &[&[0; 7]];
    assert_eq!(encoded(&entered(Carried::default())), [head, nothing].concat().concat());
    let carried = Carried {
        undo: vec![CarriedUndo {
            of: at(),
            step: Name::Borrowed("pay"),
            kind: UndoKind::Unknown,
            output: None,
            args: Some(json("[1]")),
        }],
        received: 200,
        inbox: vec![CarriedSignal { number: 199, signal: Name::Borrowed("S"), payload: json("1") }],
        senders: vec![(Name::Borrowed("S"), "ann".into())],
        now: Some(Timestamp(3)),
        progress: Some(json("50")),
        past_pivot: true,
        redone: vec![at()],
    };
    let all: &[&[u8]] = &[
        b"\x01\x04\x01\xb0\x09\x08\x03pay\x01\x00\x01\x00\x03[1]",
        &[0xc8, 1],
        b"\x01\xc7\x01\x01S\x00\x011",
        b"\x01\x01S\x03ann",
        b"\x01\x03\0\0\0\0\0\0\0",
        b"\x01\x00\x0250",
        &[3],
        b"\x01\x04\x01\xb0\x09\x08",
    ];
    assert_eq!(encoded(&entered(carried)), [head, all].concat().concat());
}

/// By `FORMAT.md`, byte for byte.
#[test]
fn a_fact_that_is_bound_has_the_bytes_that_are_laid_down() {
    let wanted: &[&[u8]] = &[
        b"\x04\x01\xb0\x09\x08",
        b"\x0acall:rates",
        &[0xac, 2],
        &[7; 32],
        &[2, 1],
        b"\x0c{\"of\":\"EUR\"}",
        b"\x00\x03[9]",
    ];
    assert_eq!(encoded(&fact_bound()), wanted.concat());
    assert_eq!(fact_bound().kind() as u8, 8);
}

#[test]
fn an_unknown_kind_is_refused_by_its_number() {
    let error = Event::decode(200, &[], None, None).unwrap_err();
    assert_eq!(error.to_string(), "a record of kind 200, which this version does not know");
}

#[test]
fn a_length_beyond_the_body_allocates_nothing() {
    // A text that claims to have 2^63 bytes.
    let mut body = Vec::new();
    crate::codec::wire::varint(1 << 63, |byte| body.push(byte));
    assert!(Event::decode(Kind::RunStarted as u8, &body, None, None).is_err());
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(kind in 0u8..=43, body in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(event) = Event::decode(kind, &body, None, None) {
            prop_assert_eq!(encoded(&event), body);
        }
    }

    #[test]
    fn positions_come_back(parts in proptest::collection::vec((0u32..3, any::<u32>()), 0..20), visit: u32) {
        let position = parts.iter().fold(Position::root(visit), |at, (kind, n)| match kind {
            0 => at.child(*n),
            1 => at.branch(*n),
            _ => at.undo(*n),
        });
        prop_assert_eq!(Position::from_bytes(position.as_bytes()), Some(position.clone()));
        prop_assert_eq!(position.parts().count(), parts.len());
        prop_assert_eq!(position.visit(), visit);
    }
}
