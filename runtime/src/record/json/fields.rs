//! The forms of fields in JSON, for serde's `with`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::form::CauseForm;
use crate::codec::{BlobAt, NamedBlob, Payload};
use crate::id::RunId;
use crate::record::Cause;
use crate::time::Timestamp;

/// A value's own JSON. White space that ends a line, which a user's own JSON in a value may have, becomes a space.
fn raw(payload: &Payload) -> Result<Box<RawValue>, String> {
    let bytes = payload.bytes().map_err(|error| error.to_string())?;
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    RawValue::from_string(text.replace(['\n', '\r'], " ")).map_err(|error| error.to_string())
}

fn payload(raw: &RawValue) -> Payload {
    Payload::from_bytes(raw.get().as_bytes())
}

/// A value as it was recorded.
pub(super) struct Json;

impl Json {
    pub(super) fn serialize<S: Serializer>(value: &Payload, serializer: S) -> Result<S::Ok, S::Error> {
        raw(value).map_err(S::Error::custom)?.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Payload, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(|raw| payload(&raw))
    }
}

/// A value that may be none: no member then, so that `null` is a value.
pub(super) struct JsonOption;

impl JsonOption {
    pub(super) fn serialize<S: Serializer>(value: &Option<Payload>, serializer: S) -> Result<S::Ok, S::Error> {
        value.as_ref().map(raw).transpose().map_err(S::Error::custom)?.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Payload>, D::Error> {
        Json::deserialize(deserializer).map(Some)
    }
}

/// What a scope returned.
pub(super) struct JsonResult;

#[derive(Serialize, Deserialize)]
enum ResultForm {
    #[serde(rename = "ok")]
    Ok(Box<RawValue>),
    #[serde(rename = "err")]
    Err(Box<RawValue>),
}

impl JsonResult {
    pub(super) fn serialize<S: Serializer>(value: &Result<Payload, Payload>, serializer: S) -> Result<S::Ok, S::Error> {
        let form = match value {
            Ok(value) => raw(value).map(ResultForm::Ok),
            Err(error) => raw(error).map(ResultForm::Err),
        };
        form.map_err(S::Error::custom)?.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Result<Payload, Payload>, D::Error> {
        Ok(match ResultForm::deserialize(deserializer)? {
            ResultForm::Ok(value) => Ok(payload(&value)),
            ResultForm::Err(error) => Err(payload(&error)),
        })
    }
}

/// An artifact's bytes, which are no JSON: the id of their blob. Its place is not known when it is read.
pub(super) struct BlobId;

impl BlobId {
    pub(super) fn serialize<S: Serializer>(bytes: &Payload, serializer: S) -> Result<S::Ok, S::Error> {
        let blob = bytes.json_blob().ok_or_else(|| S::Error::custom("an artifact's bytes are no blob"))?;
        serializer.serialize_u64(blob.id)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Payload, D::Error> {
        let id = u64::deserialize(deserializer)?;
        let nowhere = BlobAt { id, segment: 0, offset: 0, len: 0, crc: 0, schema: 0, encrypted: false };
        Ok(Payload::in_arena(NamedBlob::new(nowhere, None)))
    }
}

/// A value as its text.
pub(super) struct Text;

impl Text {
    pub(super) fn serialize<T: fmt::Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: fmt::Display>,
        D: Deserializer<'de>,
    {
        parsed(deserializer, |text| text.parse::<T>().map_err(|error| error.to_string()))
    }
}

/// A value as its text, that may be none.
pub(super) struct TextOption;

impl TextOption {
    pub(super) fn serialize<T: fmt::Display, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().map(T::to_string).serialize(serializer)
    }

    pub(super) fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr<Err: fmt::Display>,
        D: Deserializer<'de>,
    {
        Text::deserialize(deserializer).map(Some)
    }
}

/// What a text says.
fn parsed<'de, T, D: Deserializer<'de>>(
    deserializer: D,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T, D::Error> {
    let text = Cow::<'de, str>::deserialize(deserializer)?;
    read(&text).map_err(D::Error::custom)
}

/// A run's id.
pub(super) struct Id;

impl Id {
    pub(super) fn serialize<S: Serializer>(id: &RunId, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(id.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RunId, D::Error> {
        String::deserialize(deserializer).map(RunId::from)
    }
}

/// A run's id that may be none.
pub(super) struct IdOption;

impl IdOption {
    pub(super) fn serialize<S: Serializer>(id: &Option<RunId>, serializer: S) -> Result<S::Ok, S::Error> {
        id.as_ref().map(RunId::as_str).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<RunId>, D::Error> {
        Id::deserialize(deserializer).map(Some)
    }
}

/// 16 hexadecimal digits.
pub(crate) struct Hash;

impl Hash {
    pub(crate) fn serialize<S: Serializer>(hash: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{hash:016x}"))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        parsed(deserializer, |text| {
            let hash = u64::from_str_radix(text, 16).ok().filter(|hash| format!("{hash:016x}") == text);
            hash.ok_or_else(|| format!("`{text}` is not 16 hexadecimal digits"))
        })
    }
}

/// A UUID.
pub(super) struct UuidText;

impl UuidText {
    pub(super) fn serialize<S: Serializer>(uuid: &[u8; 16], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Uuid::from_bytes(*uuid))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 16], D::Error> {
        parsed(deserializer, |text| text.parse().map(Uuid::into_bytes).map_err(|error| error.to_string()))
    }
}

/// RFC 3339.
pub(crate) struct Time;

impl Time {
    pub(crate) fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&time.to_rfc3339())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let wrong = |text: &str| format!("`{text}` is no time like `2026-11-21T09:30:00.000000001Z`");
        parsed(deserializer, |text| Timestamp::from_rfc3339(text).ok_or_else(|| wrong(text)))
    }
}

/// A time that may be none.
pub(super) struct TimeOption;

impl TimeOption {
    pub(super) fn serialize<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        time.map(Timestamp::to_rfc3339).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
        Time::deserialize(deserializer).map(Some)
    }
}

/// A cause that may be none.
pub(super) struct CauseOption;

#[derive(Serialize)]
struct CauseRef<'a>(#[serde(with = "CauseForm")] &'a Cause);

impl CauseOption {
    pub(super) fn serialize<S: Serializer>(cause: &Option<Cause>, serializer: S) -> Result<S::Ok, S::Error> {
        cause.as_ref().map(CauseRef).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Cause>, D::Error> {
        CauseForm::deserialize(deserializer).map(Some)
    }
}
