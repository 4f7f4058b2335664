//! The forms of what a run keeps when it begins afresh in JSON.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::fields::{Json, JsonOption, Text, Time, TimeOption};
use super::form::UndoKindForm;
use crate::codec::Payload;
use crate::id::Position;
use crate::record::{Carried, CarriedSignal, CarriedUndo, Name, UndoKind};
use crate::time::Timestamp;

#[derive(Serialize, Deserialize)]
#[serde(remote = "Carried", deny_unknown_fields)]
struct CarriedForm {
    #[serde(with = "Undos", default, skip_serializing_if = "Vec::is_empty")]
    undo: Vec<CarriedUndo>,
    received: u64,
    #[serde(with = "Signals", default, skip_serializing_if = "Vec::is_empty")]
    inbox: Vec<CarriedSignal>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    senders: Vec<(Name, String)>,
    #[serde(with = "TimeOption", default, skip_serializing_if = "Option::is_none")]
    now: Option<Timestamp>,
    #[serde(with = "JsonOption", default, skip_serializing_if = "Option::is_none")]
    progress: Option<Payload>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    past_pivot: bool,
    #[serde(with = "Positions", default, skip_serializing_if = "Vec::is_empty")]
    redone: Vec<Position>,
}

/// What a run keeps, in its box.
pub(super) struct BoxedCarried;

impl BoxedCarried {
    // What `with` calls gets a reference to the field.
    #[allow(clippy::borrowed_box, reason = "the derive macro passes the field as it is")]
    pub(super) fn serialize<S: Serializer>(carried: &Box<Carried>, serializer: S) -> Result<S::Ok, S::Error> {
        CarriedForm::serialize(carried, serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Box<Carried>, D::Error> {
        CarriedForm::deserialize(deserializer).map(Box::new)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "CarriedUndo", deny_unknown_fields)]
struct CarriedUndoForm {
    #[serde(with = "Text")]
    of: Position,
    step: Name,
    #[serde(with = "UndoKindForm")]
    kind: UndoKind,
    #[serde(with = "JsonOption", default, skip_serializing_if = "Option::is_none")]
    output: Option<Payload>,
    #[serde(with = "JsonOption", default, skip_serializing_if = "Option::is_none")]
    args: Option<Payload>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "CarriedSignal", deny_unknown_fields)]
struct CarriedSignalForm {
    number: u64,
    signal: Name,
    #[serde(with = "Json")]
    payload: Payload,
}

#[derive(Serialize)]
struct UndoRef<'a>(#[serde(with = "CarriedUndoForm")] &'a CarriedUndo);

#[derive(Deserialize)]
struct Undo(#[serde(with = "CarriedUndoForm")] CarriedUndo);

/// A list of undos.
struct Undos;

impl Undos {
    fn serialize<S: Serializer>(undos: &[CarriedUndo], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(undos.iter().map(UndoRef))
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<CarriedUndo>, D::Error> {
        let undos = Vec::<Undo>::deserialize(deserializer)?;
        Ok(undos.into_iter().map(|undo| undo.0).collect())
    }
}

/// A list of positions.
struct Positions;

#[derive(Serialize)]
struct PositionRef<'a>(#[serde(with = "Text")] &'a Position);

#[derive(Deserialize)]
struct OnePosition(#[serde(with = "Text")] Position);

impl Positions {
    fn serialize<S: Serializer>(positions: &[Position], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(positions.iter().map(PositionRef))
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Position>, D::Error> {
        let positions = Vec::<OnePosition>::deserialize(deserializer)?;
        Ok(positions.into_iter().map(|position| position.0).collect())
    }
}

/// Groups, each with a moment.
pub(super) struct Groups;

#[derive(Serialize)]
struct GroupRef<'a>(&'a Name, #[serde(with = "Time")] &'a Timestamp);

#[derive(Deserialize)]
struct Group(Name, #[serde(with = "Time")] Timestamp);

impl Groups {
    pub(super) fn serialize<S: Serializer>(groups: &[(Name, Timestamp)], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(groups.iter().map(|(group, since)| GroupRef(group, since)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(Name, Timestamp)>, D::Error> {
        let groups = Vec::<Group>::deserialize(deserializer)?;
        Ok(groups.into_iter().map(|Group(group, since)| (group, since)).collect())
    }
}

#[derive(Serialize)]
struct SignalRef<'a>(#[serde(with = "CarriedSignalForm")] &'a CarriedSignal);

#[derive(Deserialize)]
struct Signal(#[serde(with = "CarriedSignalForm")] CarriedSignal);

/// A list of signals.
struct Signals;

impl Signals {
    fn serialize<S: Serializer>(signals: &[CarriedSignal], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(signals.iter().map(SignalRef))
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<CarriedSignal>, D::Error> {
        let signals = Vec::<Signal>::deserialize(deserializer)?;
        Ok(signals.into_iter().map(|signal| signal.0).collect())
    }
}
