//! What became of a file, as it is recorded.

use serde::{Deserialize, Serialize};

use crate::codec::{ArtifactId, Blob};
use crate::io::content::Content;

/// A file as it was read or written, or that it is removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileResponse {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sha256: Option<ArtifactId>,
    pub(super) len: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<Content>,
}

impl FileResponse {
    /// The SHA-256 of the bytes that were read or written; none of a file that was removed.
    #[must_use]
    pub fn digest(&self) -> Option<ArtifactId> {
        self.sha256
    }

    /// How many bytes were read or written.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether no bytes were read or written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes that were read; empty for what was written or removed.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.content.as_ref().map_or(&[], Content::bytes)
    }

    /// The blob of what was read, if it is so large that it stands in the arena.
    #[must_use]
    pub fn blob(&self) -> Option<&Blob> {
        self.content.as_ref().and_then(Content::blob)
    }
}
