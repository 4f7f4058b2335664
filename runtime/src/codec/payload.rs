//! A recorded value: its JSON, in memory or in the arena, and the blobs in it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::blob::{BlobAt, BlobError, NamedBlob};
use super::rename::rename;

/// A user's value as JSON text. Cheap to clone.
#[derive(Clone)]
pub struct Payload {
    json: Json,
    /// What `{"$blob":<id>}` in it stands for.
    blobs: Option<Arc<[NamedBlob]>>,
    schema: Schema,
}

/// What says from which type a value was encoded.
#[derive(Clone, Copy)]
enum Schema {
    /// The type's name.
    Of(&'static str),
    /// A hash of it; 0 if that is not known.
    Hash(u64),
}

#[derive(Clone)]
enum Json {
    Inline(Arc<[u8]>),
    Arena(Arc<NamedBlob>),
}

/// A payload whose JSON could not be read.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct PayloadError(pub(crate) BlobError);

impl Payload {
    pub(crate) fn from_bytes(json: &[u8]) -> Payload {
        Payload { json: Json::Inline(json.into()), blobs: None, schema: Schema::Hash(0) }
    }

    /// The JSON of a value of the type with this name.
    pub(super) fn encoded(json: &[u8], blobs: Vec<NamedBlob>, of: &'static str) -> Payload {
        Payload { json: Json::Inline(json.into()), blobs: None, schema: Schema::Of(of) }.with_blobs(blobs)
    }

    /// A payload whose JSON is a blob.
    pub(crate) fn in_arena(json: NamedBlob) -> Payload {
        let schema = Schema::Hash(json.at().schema);
        Payload { json: Json::Arena(Arc::new(json)), blobs: None, schema }
    }

    /// The payload with the blobs that stand in it.
    pub(crate) fn with_blobs(mut self, blobs: Vec<NamedBlob>) -> Payload {
        self.blobs = (!blobs.is_empty()).then(|| blobs.into());
        self
    }

    /// The payload as one that was encoded from a type with this hash.
    pub(crate) fn with_schema(mut self, schema: u64) -> Payload {
        self.schema = Schema::Hash(schema);
        self
    }

    /// The same value with other blobs of the same bytes: `new` gives the one for an id.
    ///
    /// # Errors
    /// The id of a blob that `new` does not know, or that does not stand in the JSON as a blob stands there; also
    /// when the JSON is not in memory.
    pub(crate) fn with_other_blobs(&self, new: impl Fn(u64) -> Option<NamedBlob>) -> Result<Payload, u64> {
        let blobs: Vec<(u64, NamedBlob)> = self
            .blobs()
            .iter()
            .map(|old| new(old.at().id).map(|blob| (old.at().id, blob)).ok_or(old.at().id))
            .collect::<Result<_, _>>()?;
        let Some((first, _)) = blobs.first() else { return Ok(self.clone()) };
        let json = self.inline().ok_or(*first)?;
        let mut seen = BTreeSet::new();
        let renamed = rename(json, |id| {
            let (_, blob) = blobs.iter().find(|(old, _)| *old == id)?;
            seen.insert(id);
            Some(blob.at().id.to_string())
        });
        if renamed.hidden {
            return Err(*first);
        }
        if let Some((unseen, _)) = blobs.iter().find(|(old, _)| !seen.contains(old)) {
            return Err(*unseen);
        }
        let json = Payload::from_bytes(&renamed.json).with_schema(self.schema());
        Ok(json.with_blobs(blobs.into_iter().map(|(_, blob)| blob).collect()))
    }

    /// The value with another JSON text, in which the same blobs may stand.
    pub(crate) fn with_json(&self, json: Vec<u8>) -> Payload {
        Payload { json: Json::Inline(json.into()), ..self.clone() }
    }

    /// The same value with its JSON in the arena.
    pub(crate) fn moved_to(&self, json: NamedBlob) -> Payload {
        Payload { json: Json::Arena(Arc::new(json)), ..self.clone() }
    }

    /// The JSON text's bytes.
    ///
    /// # Errors
    /// When they are in the arena and cannot be read or are damaged.
    pub fn bytes(&self) -> Result<&[u8], PayloadError> {
        match &self.json {
            Json::Inline(json) => Ok(json),
            Json::Arena(blob) => blob.open().map(|blob| &**blob).map_err(PayloadError),
        }
    }

    /// The JSON text; bytes that are no UTF-8 are shown as `\u{FFFD}`, JSON that cannot be read as the reason.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self.bytes() {
            Ok(json) => String::from_utf8_lossy(json).into_owned(),
            Err(error) => format!("<{error}>"),
        }
    }

    /// Whether both are one value, and not two that are alike.
    pub(crate) fn is(&self, other: &Payload) -> bool {
        match (&self.json, &other.json) {
            (Json::Inline(one), Json::Inline(two)) => Arc::ptr_eq(one, two),
            (Json::Arena(one), Json::Arena(two)) => one.at().id == two.at().id,
            _ => false,
        }
    }

    /// How many bytes its JSON has, or takes in the arena.
    pub(crate) fn len(&self) -> u64 {
        match &self.json {
            Json::Inline(json) => json.len() as u64,
            Json::Arena(blob) => blob.at().len,
        }
    }

    /// The JSON, if it stands in memory.
    pub(crate) fn inline(&self) -> Option<&Arc<[u8]>> {
        match &self.json {
            Json::Inline(json) => Some(json),
            Json::Arena(_) => None,
        }
    }

    /// Whether it stands in a record as it is: there is no blob in it, and none is made of it.
    pub(crate) fn is_small(&self) -> bool {
        self.blobs.is_none() && self.inline().is_some_and(|json| json.len() <= super::INLINE_LIMIT)
    }

    /// The blob that is its JSON, if it is one.
    pub(crate) fn json_blob(&self) -> Option<BlobAt> {
        match &self.json {
            Json::Inline(_) => None,
            Json::Arena(blob) => Some(blob.at()),
        }
    }

    /// The blobs that stand in the value.
    pub(crate) fn blobs(&self) -> &[NamedBlob] {
        self.blobs.as_deref().unwrap_or_default()
    }

    /// Every blob that it needs: its JSON, and those that stand in it.
    pub(crate) fn named(&self) -> impl Iterator<Item = BlobAt> + '_ {
        self.json_blob().into_iter().chain(self.blobs().iter().map(NamedBlob::at))
    }

    /// A hash of the name of the type that it was encoded from; 0 if that is not known.
    pub(crate) fn schema(&self) -> u64 {
        match self.schema {
            Schema::Of(name) => super::hash::name(name),
            Schema::Hash(hash) => hash,
        }
    }
}

impl PartialEq for Payload {
    /// Whether both are the same JSON text; one that cannot be read is like itself alone.
    fn eq(&self, other: &Payload) -> bool {
        match (self.json_blob(), other.json_blob()) {
            (Some(one), Some(two)) if one.id == two.id => true,
            _ => matches!((self.bytes(), other.bytes()), (Ok(one), Ok(two)) if one == two),
        }
    }
}

impl Eq for Payload {}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}
