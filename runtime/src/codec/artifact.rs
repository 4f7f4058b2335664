//! Names of contents.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Digest;

/// The name of an artifact: the SHA-256 of its bytes, as 64 hexadecimal digits.
///
/// The same bytes have the same name in every run, engine and data directory.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ArtifactId(pub(crate) Digest);

impl ArtifactId {
    /// The name of these bytes, whether or not they are anybody's artifact.
    #[must_use]
    pub fn of(bytes: &[u8]) -> ArtifactId {
        ArtifactId(Digest::of_bytes(&[bytes]))
    }

    /// The digest's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0.0
    }
}

/// A text that names no artifact.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an artifact's name is 64 hexadecimal digits in lower case")]
pub struct ParseArtifactIdError;

impl FromStr for ArtifactId {
    type Err = ParseArtifactIdError;

    fn from_str(text: &str) -> Result<ArtifactId, ParseArtifactIdError> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Ok(byte - b'0'),
            b'a'..=b'f' => Ok(byte - b'a' + 10),
            _ => Err(ParseArtifactIdError),
        };
        if text.len() != 64 {
            return Err(ParseArtifactIdError);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(ArtifactId(Digest(bytes)))
    }
}

impl fmt::Display for ArtifactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ArtifactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ArtifactId({self})")
    }
}

impl Serialize for ArtifactId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ArtifactId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ArtifactId, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
