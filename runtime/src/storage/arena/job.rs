//! What a lane is asked to do, and how it answers.

use std::fmt;

use tokio::sync::oneshot;

use crate::codec::{Blob, BlobAt, Digest};
use crate::storage::StorageError;

/// Bytes that become a blob.
pub(crate) type Source = Box<dyn AsRef<[u8]> + Send + Sync>;

/// A blob that is durable.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) blob: Blob,
    pub(super) digest: Option<Digest>,
}

pub(super) type Answer = Result<Stored, StorageError>;
pub(super) type Reply = oneshot::Sender<Answer>;

/// What the bytes are to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// A new blob.
    New { schema: u64 },
    /// The one blob with this content.
    Content,
    /// A copy of this blob, elsewhere.
    Copy { of: BlobAt },
}

/// See the module.
pub(super) struct Job {
    pub(super) bytes: Source,
    pub(super) what: What,
    pub(super) reply: Reply,
}

/// Tells whoever asked. One that has gone lets the blob go, too.
pub(super) fn tell(replies: impl IntoIterator<Item = Reply>, answer: &Answer) {
    for reply in replies {
        let _: Result<(), Answer> = reply.send(answer.clone());
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("what", &self.what).finish_non_exhaustive()
    }
}
