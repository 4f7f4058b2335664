//! What is to be done with a file, and what of it is recorded.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::codec::ArtifactId;

/// Something to do with a file below the root of a [`Files`](super::Files).
///
/// Recorded and digested are what is to be done and the path, and of what is written the SHA-256 and the size.
#[derive(Clone)]
pub struct FileRequest {
    pub(super) path: String,
    pub(super) what: What,
}

#[derive(Clone)]
pub(super) enum What {
    Read,
    Write { bytes: Vec<u8>, sha256: ArtifactId },
    Remove,
}

impl FileRequest {
    /// Reads a file.
    pub fn read(path: impl Into<String>) -> Self {
        FileRequest { path: path.into(), what: What::Read }
    }

    /// Writes a file whole, in place of the one that is there. Directories on the way to it are made.
    pub fn write(path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        let sha256 = ArtifactId::of(&bytes);
        FileRequest { path: path.into(), what: What::Write { bytes, sha256 } }
    }

    /// Removes a file. One that is not there is removed already.
    pub fn remove(path: impl Into<String>) -> Self {
        FileRequest { path: path.into(), what: What::Remove }
    }
}

/// What is recorded.
#[derive(Serialize)]
struct Shown<'r> {
    #[serde(rename = "do")]
    what: &'static str,
    path: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<ArtifactId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<usize>,
}

impl FileRequest {
    fn shown(&self) -> Shown<'_> {
        let path = &*self.path;
        match &self.what {
            What::Read => Shown { what: "read", path, sha256: None, bytes: None },
            What::Remove => Shown { what: "remove", path, sha256: None, bytes: None },
            What::Write { bytes, sha256 } => {
                Shown { what: "write", path, sha256: Some(*sha256), bytes: Some(bytes.len()) }
            }
        }
    }
}

impl Serialize for FileRequest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.shown().serialize(serializer)
    }
}

impl fmt::Debug for FileRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileRequest({} {})", self.shown().what, self.path)
    }
}
