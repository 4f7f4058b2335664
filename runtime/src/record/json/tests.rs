use proptest::prelude::*;
use proptest::strategy::Union;

use super::*;
use crate::codec::{ArtifactId, BlobAt, Digest, NamedBlob, Payload};
use crate::id::{Position, RunId};
use crate::record::tests::samples;
use crate::record::{
    Carried, CarriedSignal, CarriedUndo, Cause, ChildEnd, FactKey, Kind, Name, Reason, RequestDigest, UndoKind,
};
use crate::time::Timestamp;

fn back(text: &str) -> Result<Event, serde_json::Error> {
    serde_json::from_str::<FromJson>(text).map(|event| event.0)
}

/// An event whose values can be written without an arena.
fn is_inline(event: &Event) -> bool {
    event.payloads().all(|payload| payload.inline().is_some()) || event.kind() == Kind::ArtifactPut
}

#[test]
fn every_event_comes_back_from_its_json_which_is_named_by_its_kind() {
    let samples: Vec<Event> = samples().into_iter().filter(is_inline).collect();
    for kind in Kind::ALL {
        assert!(samples.iter().any(|event| event.kind() == *kind), "no sample of {kind:?}");
    }
    for event in samples {
        let text = serde_json::to_string(&AsJson(&event)).unwrap();
        assert!(text.starts_with(&format!("{{\"{}\":{{", event.name())), "{text}");
        let aside = Aside::of(&event);
        let named = |id| {
            let blob = event.blobs().find(|at| at.id == id);
            blob.map(|at| NamedBlob::new(at, None))
        };
        let again = back(&text).unwrap().with_aside(&aside, named).unwrap();
        assert_eq!(again, event, "{text}");
        let places = |event: &Event| -> Vec<BlobAt> { event.payloads().flat_map(Payload::named).collect() };
        assert_eq!(places(&again), places(&event));
    }
}

#[test]
fn the_json_is_for_people() {
    let at = Position::root(0).child(0).child(2);
    let event = Event::AttemptFailed {
        at: at.clone(),
        cause: Cause::Error { error: Payload::from_bytes(br#"{"Declined":{"code":51}}"#) },
        unknown: false,
        retry_at: Some(Timestamp(1_500_000_000)),
    };
    let text = serde_json::to_string(&AsJson(&event)).unwrap();
    let wanted = r#"{"attempt failed":{"at":"0.2","cause":{"error":{"error":{"Declined":{"code":51}}}},"unknown":false,"retry_at":"1970-01-01T00:00:01.500000000Z"}}"#;
    assert_eq!(text, wanted);
    let event = Event::StepDone { at, output: Payload::from_bytes(b"1") };
    assert_eq!(serde_json::to_string(&AsJson(&event)).unwrap(), r#"{"step done":{"at":"0.2","output":1}}"#);
}

#[test]
fn each_value_of_an_event_gets_its_own_blobs_back() {
    let blob =
        |id| NamedBlob::new(BlobAt { id, segment: 1, offset: 0, len: 9, crc: 1, schema: 0, encrypted: false }, None);
    let value =
        |ids: &[u64]| Payload::from_bytes(b"{\"$blob\":7}").with_blobs(ids.iter().map(|id| blob(*id)).collect());
    // To the user of the last one, `{"$blob":7}` is a value like others.
    let carried = Carried { progress: Some(value(&[])), inbox: Vec::new(), ..Carried::default() };
    let undo = |ids| CarriedUndo {
        of: Position::root(0).child(1),
        step: Name::Borrowed("s"),
        kind: UndoKind::Compensate,
        output: Some(value(ids)),
        args: None,
    };
    let event = Event::Again {
        visit: 1,
        input: value(&[]),
        carried: Box::new(Carried { undo: vec![undo(&[7]), undo(&[8, 7])], ..carried }),
    };
    let asides = Aside::of(&event);
    let ids = |event: &Event| -> Vec<Vec<u64>> {
        event.payloads().map(|value| value.blobs().iter().map(|blob| blob.at().id).collect()).collect()
    };
    assert_eq!(asides.len(), 3, "nothing is to be known of the last");
    let text = serde_json::to_string(&AsJson(&event)).unwrap();
    let again = back(&text).unwrap().with_aside(&asides, |id| Some(blob(id))).unwrap();
    assert_eq!(ids(&again), [vec![], vec![7], vec![8, 7], vec![]]);
    assert_eq!(back(&text).unwrap().with_aside(&asides, |id| (id == 7).then(|| blob(id))), Err(8));
}

#[test]
fn a_value_keeps_its_bytes_but_for_the_ends_of_lines() {
    let given = [
        "1.0",
        "10e99",
        "0.1000000000000000055511151231257827",
        "123456789012345678901234567890123456789",
        "[1 ,\t2]",
        "{\"b\":1,\"a\":2,\"a\":3}",
        "\"\\u00e9 \u{2028} é \\n\"",
        "null",
    ];
    for json in given {
        let event = Event::RunCompleted { output: Payload::from_bytes(json.as_bytes()) };
        let text = serde_json::to_string(&AsJson(&event)).unwrap();
        let Event::RunCompleted { output } = back(&text).unwrap() else { panic!("{text}") };
        assert_eq!(output.to_text(), json);
    }
    let event = Event::RunCompleted { output: Payload::from_bytes(b"[1,\r\n2]") };
    assert_eq!(serde_json::to_string(&AsJson(&event)).unwrap(), r#"{"run completed":{"output":[1,  2]}}"#);
    let event = Event::RunCompleted { output: Payload::from_bytes(b"[1,") };
    assert!(serde_json::to_string(&AsJson(&event)).is_err(), "what is no JSON would break the line");
}

#[test]
fn json_that_is_no_event_is_refused() {
    let wrong = [
        r#"{}"#,
        r#"{"step undone":{"at":"0"}}"#,
        r#"{"timer fired":{}}"#,
        r#"{"timer fired":{"at":"0","more":1}}"#,
        r#"{"timer fired":{"at":"0","at":"0"}}"#,
        r#"{"timer fired":{"at":"x"}}"#,
        r#"{"timer fired":{"at":"0"},"timer fired":{"at":"1"}}"#,
        r#"{"timer set":{"at":"0","wake_at":"soon"}}"#,
        r#"{"poisoned":{"crashes":-1}}"#,
        r#"{"poisoned":{"crashes":4294967296}}"#,
        r#"{"scope entered":{"at":"0","saga":"s","version":1,"args":"7"}}"#,
        r#"{"scope entered":{"at":"0","saga":"s","version":1,"args":"+00000000000000f"}}"#,
        r#"{"step failed":{"at":"0","cause":"tired","unknown":false}}"#,
        r#"{"retried":{"step":null}}"#,
        r#"{"child ended":{"at":"0","child":"c","end":"lost"}}"#,
        r#"{"again":{"input":[],"carried":{}}}"#,
        r#"{"again":{"input":[],"carried":{"received":0,"more":1}}}"#,
        r#"{"again":{"input":[],"carried":{"received":0,"inbox":[{"number":0,"signal":"s"}]}}}"#,
        r#"{"again":{"input":[],"carried":{"received":0,"undo":[{"of":"0","step":"s","kind":"other"}]}}}"#,
    ];
    for text in wrong {
        assert!(back(text).is_err(), "{text}");
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{0,8}", any::<String>()]
}

fn name() -> impl Strategy<Value = Name> {
    text().prop_map(Name::Owned)
}

fn position() -> impl Strategy<Value = Position> {
    let parts = prop::collection::vec((any::<bool>(), any::<u32>()), 0..6);
    let step = |at: Position, (undo, n): &(bool, u32)| if *undo { at.undo(*n) } else { at.child(*n) };
    (any::<u32>(), parts).prop_map(move |(visit, parts)| parts.iter().fold(Position::root(visit), step))
}

fn payload() -> impl Strategy<Value = Payload> {
    let json = prop_oneof![
        any::<i128>().prop_map(|n| n.to_string()),
        any::<String>().prop_map(|s| serde_json::to_string(&s).unwrap()),
        prop::collection::vec(any::<f64>().prop_filter("JSON has it", |f| f.is_finite()), 0..4)
            .prop_map(|v| serde_json::to_string(&v).unwrap()),
        Just("null".to_owned()),
    ];
    json.prop_map(|json| Payload::from_bytes(json.as_bytes()))
}

fn time() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp)
}

fn cause() -> impl Strategy<Value = Cause> {
    prop_oneof![
        payload().prop_map(|error| Cause::Error { error }),
        payload().prop_map(|error| Cause::TimedOut { error }),
        text().prop_map(|message| Cause::Panicked { message }),
        text().prop_map(|message| Cause::Unrecordable { message }),
        Just(Cause::Aborted),
        Just(Cause::Cancelled),
        text().prop_map(|message| Cause::NoUndo { message }),
        Just(Cause::Lost),
        Just(Cause::DeadlineExceeded),
        text().prop_map(|note| Cause::Abandoned { note }),
        text().prop_map(|message| Cause::Refused { message }),
    ]
}

fn reason() -> impl Strategy<Value = Reason> {
    prop_oneof![
        Just(Reason::Handler),
        name().prop_map(|name| Reason::Signal { name }),
        prop::option::of(name()).prop_map(|group| Reason::Timeout { group }),
    ]
}

fn kind_of_undo() -> impl Strategy<Value = UndoKind> {
    prop_oneof![Just(UndoKind::Compensate), Just(UndoKind::Unknown), Just(UndoKind::Child)]
}

fn id() -> impl Strategy<Value = RunId> {
    text().prop_map(RunId::from)
}

fn end_of_child() -> impl Strategy<Value = ChildEnd> {
    prop_oneof![
        payload().prop_map(|output| ChildEnd::Completed { output }),
        cause().prop_map(|cause| ChildEnd::Failed { cause }),
        Just(ChildEnd::Cancelled),
        Just(ChildEnd::Forgotten),
    ]
}

fn carried() -> impl Strategy<Value = Carried> {
    let undo = (position(), name(), kind_of_undo(), prop::option::of(payload()), prop::option::of(payload()))
        .prop_map(|(of, step, kind, output, args)| CarriedUndo { of, step, kind, output, args });
    let signal = (any::<u64>(), name(), payload()).prop_map(|(number, signal, payload)| CarriedSignal {
        number,
        signal,
        payload,
    });
    let lists = (
        prop::collection::vec(undo, 0..3),
        prop::collection::vec(signal, 0..3),
        prop::collection::vec((name(), text()), 0..3),
        prop::collection::vec(position(), 0..3),
    );
    (lists, any::<u64>(), prop::option::of(time()), prop::option::of(payload()), any::<bool>()).prop_map(
        |((undo, inbox, senders, redone), received, now, progress, past_pivot)| Carried {
            undo,
            received,
            inbox,
            senders,
            now,
            progress,
            past_pivot,
            redone,
        },
    )
}

/// Any event of one kind.
fn of_kind(kind: Kind) -> BoxedStrategy<Event> {
    match kind {
        Kind::RunStarted => {
            let numbers = (any::<u32>(), any::<u64>(), any::<[u8; 16]>(), any::<u64>());
            (text(), name(), numbers, payload())
                .prop_map(|(id, workflow, (version, fingerprint, origin, origin_run), input)| Event::RunStarted {
                    id: RunId::from(id),
                    workflow,
                    version,
                    fingerprint,
                    origin,
                    origin_run,
                    input,
                })
                .boxed()
        }
        Kind::StepAttempted => {
            let flags = any::<[bool; 3]>();
            (position(), name(), any::<(u32, u64)>(), flags, prop::option::of(payload()))
                .prop_map(|(at, step, (attempt, args), [pivot, undo_done, undo_unknown], undo_args)| {
                    Event::StepAttempted { at, step, attempt, args, pivot, undo_done, undo_unknown, undo_args }
                })
                .boxed()
        }
        Kind::AttemptFailed => (position(), cause(), any::<bool>(), prop::option::of(time()))
            .prop_map(|(at, cause, unknown, retry_at)| Event::AttemptFailed { at, cause, unknown, retry_at })
            .boxed(),
        Kind::StepDone => (position(), payload()).prop_map(|(at, output)| Event::StepDone { at, output }).boxed(),
        Kind::StepFailed => (position(), cause(), any::<bool>())
            .prop_map(|(at, cause, unknown)| Event::StepFailed { at, cause, unknown })
            .boxed(),
        Kind::ScopeEntered => (position(), name(), any::<u32>(), any::<u64>())
            .prop_map(|(at, saga, version, args)| Event::ScopeEntered { at, saga, version, args })
            .boxed(),
        Kind::ScopeLeft => (position(), any::<bool>(), payload())
            .prop_map(|(at, ok, value)| Event::ScopeLeft { at, result: if ok { Ok(value) } else { Err(value) } })
            .boxed(),
        Kind::TimerSet => (position(), time()).prop_map(|(at, wake_at)| Event::TimerSet { at, wake_at }).boxed(),
        Kind::TimerFired => position().prop_map(|at| Event::TimerFired { at }).boxed(),
        Kind::SignalReceived => (name(), payload(), prop::option::of(text()))
            .prop_map(|(signal, payload, sender)| Event::SignalReceived { signal, payload, sender })
            .boxed(),
        Kind::SignalConsumed => {
            (position(), any::<u64>()).prop_map(|(at, number)| Event::SignalConsumed { at, number }).boxed()
        }
        Kind::BranchWon => (position(), any::<u32>()).prop_map(|(at, branch)| Event::BranchWon { at, branch }).boxed(),
        Kind::ChildStarted => (position(), id(), name(), any::<(u64, u32, u64, bool)>())
            .prop_map(|(at, child, workflow, (number, version, args, linked))| Event::ChildStarted {
                at,
                child,
                number,
                workflow,
                version,
                args,
                linked,
            })
            .boxed(),
        Kind::ChildEnded => {
            (position(), id(), end_of_child()).prop_map(|(at, child, end)| Event::ChildEnded { at, child, end }).boxed()
        }
        Kind::Again => (any::<u32>(), payload(), carried())
            .prop_map(|(visit, input, carried)| Event::Again { visit, input, carried: Box::new(carried) })
            .boxed(),
        Kind::StateEntered => {
            let groups = prop::collection::vec((name(), time()), 0..3);
            (any::<u32>(), name(), payload(), reason(), groups, carried())
                .prop_map(|(visit, state, value, reason, groups, carried)| Event::StateEntered {
                    visit,
                    state,
                    value,
                    reason,
                    groups,
                    carried: Box::new(carried),
                })
                .boxed()
        }
        Kind::Published => (position(), payload()).prop_map(|(at, value)| Event::Published { at, value }).boxed(),
        Kind::RollbackDecided => {
            (position(), cause()).prop_map(|(scope, cause)| Event::RollbackDecided { scope, cause }).boxed()
        }
        Kind::CompensationStarted => (position(), kind_of_undo(), name(), any::<u32>())
            .prop_map(|(of, kind, step, attempt)| Event::CompensationStarted { of, kind, step, attempt })
            .boxed(),
        Kind::CompensationDone => position().prop_map(|of| Event::CompensationDone { of }).boxed(),
        Kind::CompensationFailed => (position(), cause(), any::<bool>(), prop::option::of(time()))
            .prop_map(|(of, cause, last, retry_at)| Event::CompensationFailed { of, cause, last, retry_at })
            .boxed(),
        Kind::Stuck => prop::option::of(cause()).prop_map(|cause| Event::Stuck { cause }).boxed(),
        Kind::Retried => prop::option::of(position()).prop_map(|step| Event::Retried { step }).boxed(),
        Kind::Resolved => (position(), text()).prop_map(|(step, note)| Event::Resolved { step, note }).boxed(),
        Kind::Abandoned => text().prop_map(|note| Event::Abandoned { note }).boxed(),
        Kind::Paused => {
            (prop::option::of(position()), text()).prop_map(|(at, reason)| Event::Paused { at, reason }).boxed()
        }
        Kind::Resumed => Just(Event::Resumed {}).boxed(),
        Kind::CancelRequested => Just(Event::CancelRequested {}).boxed(),
        Kind::Recovered => Just(Event::Recovered {}).boxed(),
        Kind::Poisoned => any::<u32>().prop_map(|crashes| Event::Poisoned { crashes }).boxed(),
        Kind::Diverged => (position(), text(), text(), text())
            .prop_map(|(at, expected, found, site)| Event::Diverged { at, expected, found, site })
            .boxed(),
        Kind::RunCompleted => payload().prop_map(|output| Event::RunCompleted { output }).boxed(),
        Kind::RunFailed => Just(Event::RunFailed {}).boxed(),
        Kind::RunCancelled => Just(Event::RunCancelled {}).boxed(),
        Kind::RunDeleted => Just(Event::RunDeleted {}).boxed(),
        Kind::ArtifactPut => (any::<Vec<u8>>(), any::<u64>())
            .prop_map(|(bytes, id)| {
                let at = BlobAt { id, segment: 0, offset: 0, len: 0, crc: 0, schema: 0, encrypted: false };
                let blob = NamedBlob::new(at, None);
                Event::ArtifactPut { artifact: ArtifactId::of(&bytes), bytes: Payload::in_arena(blob) }
            })
            .boxed(),
        Kind::LosersEnded => position().prop_map(|at| Event::LosersEnded { at }).boxed(),
        Kind::ValueDrawn => (position(), name(), payload())
            .prop_map(|(at, source, value)| Event::ValueDrawn { at, source, value })
            .boxed(),
        Kind::FactBound => {
            let key = (text(), any::<u32>()).prop_map(|(name, ordinal)| FactKey { name: name.into(), ordinal });
            (position(), key, any::<[u8; 32]>(), any::<u32>(), any::<bool>(), text(), payload())
                .prop_map(|(at, fact, request, nth, alone, asked, value)| Event::FactBound {
                    at,
                    fact,
                    request: RequestDigest(Digest(request)),
                    nth,
                    alone,
                    asked,
                    value,
                })
                .boxed()
        }
        Kind::StartOptions => {
            let times = (prop::option::of(time()), prop::option::of(time()));
            (times, prop::option::of(text()), prop::option::of(id()), any::<bool>())
                .prop_map(|((deadline, begin_at), key, parent, linked)| Event::StartOptions {
                    deadline,
                    begin_at,
                    key,
                    parent,
                    linked,
                })
                .boxed()
        }
    }
}

proptest! {
    #[test]
    fn any_event_comes_back_from_one_line(event in Union::new(Kind::ALL.iter().map(|kind| of_kind(*kind)))) {
        let text = serde_json::to_string(&AsJson(&event)).unwrap();
        prop_assert!(!text.contains('\n'));
        let again = back(&text).unwrap();
        prop_assert_eq!(&again, &event);
        // The bytes that are recorded are the same, too.
        let bytes = |event: &Event| {
            let mut bytes = Vec::new();
            event.encode(&mut bytes);
            bytes
        };
        prop_assert_eq!(bytes(&again), bytes(&event));
    }

    #[test]
    fn any_text_is_an_event_or_refused(text in "\\{\"(timer set|stuck|run failed)\":\\{(\"(at|cause|wake_at)\":(\"0\"|null|1),?)?\\}\\}") {
        if let Ok(event) = back(&text) {
            prop_assert!(back(&serde_json::to_string(&AsJson(&event)).unwrap()).is_ok());
        }
    }
}
