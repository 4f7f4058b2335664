//! What names a fact within its step, and what was asked for it.

use std::fmt;
use std::str::FromStr;

use crate::codec::{ArtifactId, Digest, ParseArtifactIdError};

/// Names a fact within its step: a name, and which of that name it is.
///
/// The name says where the value came from: `fact:rate`, `call:http`, `now`,
/// `random`, `uuid`. A fact that was bound while another one was made has that
/// one's key in front, `fact:rate#0/call:http`. As text, `fact:rate#0`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct FactKey {
    /// The name.
    pub name: Box<str>,
    /// Which of that name, from 0.
    pub ordinal: u32,
}

impl fmt::Display for FactKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.name, self.ordinal)
    }
}

/// A text that is no key of a fact.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a fact's key is its name, a `#` and a number")]
pub struct ParseFactKeyError;

impl FromStr for FactKey {
    type Err = ParseFactKeyError;

    fn from_str(text: &str) -> Result<FactKey, ParseFactKeyError> {
        let (name, ordinal) = text.rsplit_once('#').ok_or(ParseFactKeyError)?;
        let number = ordinal.parse().map_err(|_| ParseFactKeyError)?;
        let key = FactKey { name: name.into(), ordinal: number };
        // One text for each key.
        if key.to_string() == text { Ok(key) } else { Err(ParseFactKeyError) }
    }
}

/// SHA-256 of the canonical form (RFC 8785) of what was asked for a fact: 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestDigest(pub(crate) Digest);

impl RequestDigest {
    /// The digest's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0.0
    }
}

impl fmt::Display for RequestDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_string())
    }
}

impl fmt::Debug for RequestDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestDigest({self})")
    }
}

impl FromStr for RequestDigest {
    type Err = ParseArtifactIdError;

    fn from_str(text: &str) -> Result<RequestDigest, ParseArtifactIdError> {
        text.parse::<ArtifactId>().map(|id| RequestDigest(id.0))
    }
}
