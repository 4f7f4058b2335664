//! Events as JSON, for people and for another data directory (see `FORMAT.md`).
//!
//! An event is an object with one member, named by its kind in words; in it
//! stand the event's fields by name. A value stands there as the JSON that was
//! recorded, to the byte. What an event says of blobs besides their ids, which
//! stand in its values, is not its own business: [`Aside`] has it.

mod carried;
mod fields;
mod form;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(crate) use self::fields::{Hash, Time};
use self::form::EventForm;
use super::Event;
use crate::codec::{BlobAt, NamedBlob, Payload};

/// What is to be known of a value in an event besides its JSON.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Aside {
    /// The ids of the blobs in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) blobs: Vec<u64>,
    /// The hash of the name of the type that it was encoded from; 0 if it is not known.
    #[serde(with = "Hash", default, skip_serializing_if = "is_none")]
    pub(crate) schema: u64,
}

impl Aside {
    /// What is to be known of each of an event's values, up to the last of which there is something to be known.
    pub(crate) fn of(event: &Event) -> Vec<Aside> {
        let of = |payload: &Payload| Aside {
            blobs: payload.blobs().iter().map(|blob| blob.at().id).collect(),
            // Of a value in the record itself it is not recorded.
            schema: payload.json_blob().map_or(0, |json| json.schema),
        };
        let mut asides: Vec<Aside> = event.payloads().map(of).collect();
        let told = asides.iter().rposition(|aside| *aside != Aside::default()).map_or(0, |last| last + 1);
        asides.truncate(told);
        asides
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives the field so")]
pub(crate) fn is_none(hash: &u64) -> bool {
    *hash == 0
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
    /// The event with what is to be known of its values, in their order: `blob` gives the blob of an id.
    ///
    /// # Errors
    /// The id that `blob` does not know.
    pub(crate) fn with_aside(
        mut self,
        asides: &[Aside],
        blob: impl Fn(u64) -> Option<NamedBlob>,
    ) -> Result<Event, u64> {
        if let Event::ArtifactPut { bytes, .. } = &mut self
            && let Some(BlobAt { id, .. }) = bytes.json_blob()
        {
            *bytes = Payload::in_arena(blob(id).ok_or(id)?);
        }
        for (payload, aside) in self.payloads_mut().zip(asides) {
            let blobs = aside.blobs.iter().map(|id| blob(*id).ok_or(*id)).collect::<Result<Vec<_>, _>>()?;
            *payload = payload.clone().with_blobs(blobs).with_schema(aside.schema);
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests;
