//! Events as JSON, for people and for another data directory (see `FORMAT.md`).
//!
//! An event is an object with one member, named by its kind in words; in it
//! stand the event's fields by name. A value stands there as the JSON that was
//! recorded, to the byte. What an event says of blobs besides their ids, which
//! stand in its value, is not its own business: [`Aside`] has it.

mod fields;
mod form;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(crate) use self::fields::{Hash, Time};
use self::form::EventForm;
use super::Event;
use crate::codec::{BlobAt, NamedBlob, Payload};

/// What is to be known of the value in an event besides its JSON.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Aside {
    /// The ids of the blobs in it.
    pub(crate) blobs: Vec<u64>,
    /// The hash of the name of the type that it was encoded from; 0 if it is not known.
    pub(crate) schema: u64,
}

impl Aside {
    /// What is to be known of an event's value. An event has one at most.
    pub(crate) fn of(event: &Event) -> Aside {
        let mut aside = Aside::default();
        for payload in event.payloads() {
            aside.blobs.extend(payload.blobs().iter().map(|blob| blob.at().id));
            // Of a value in the record itself it is not recorded.
            aside.schema |= payload.json_blob().map_or(0, |json| json.schema);
        }
        aside
    }
}

/// An event in JSON. Its values are read from the arena when they are there.
pub(crate) struct AsJson<'a>(pub(crate) &'a Event);

impl Serialize for AsJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        EventForm::serialize(self.0, serializer)
    }
}

/// An event from JSON; its values are in memory, and without their blobs.
pub(crate) struct FromJson(pub(crate) Event);

impl<'de> Deserialize<'de> for FromJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<FromJson, D::Error> {
        EventForm::deserialize(deserializer).map(FromJson)
    }
}

impl Event {
    /// The event with what is to be known of its value: `blob` gives the blob of an id.
    ///
    /// # Errors
    /// The id that `blob` does not know.
    pub(crate) fn with_aside(mut self, aside: &Aside, blob: impl Fn(u64) -> Option<NamedBlob>) -> Result<Event, u64> {
        if let Event::ArtifactPut { bytes, .. } = &mut self
            && let Some(BlobAt { id, .. }) = bytes.json_blob()
        {
            *bytes = Payload::in_arena(blob(id).ok_or(id)?);
        }
        let blobs = aside.blobs.iter().map(|id| blob(*id).ok_or(*id)).collect::<Result<Vec<_>, _>>()?;
        for payload in self.payloads_mut() {
            *payload = payload.clone().with_blobs(blobs.clone()).with_schema(aside.schema);
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests;
