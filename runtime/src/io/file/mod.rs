//! Files below a directory. Needs the feature `file`.
//!
//! ```
//! use factum::file::{FileRequest, Files};
//! use factum::prelude::*;
//! use factum::{ArtifactId, CallFailure};
//!
//! #[step(compensate = withdraw(&name))]
//! async fn publish(io: &mut Io, name: String, text: String) -> Result<Option<ArtifactId>, CallFailure> {
//!     let files = Files::new("/srv/reports");
//!     Ok(io.call(&files, FileRequest::write(name, text)).await?.digest())
//! }
//!
//! #[step]
//! async fn withdraw(io: &mut Io, name: &str) -> Result<(), CallFailure> {
//!     io.call(&Files::new("/srv/reports"), FileRequest::remove(name)).await?;
//!     Ok(())
//! }
//! ```
//!
//! * **Written** is a file beside it first, which then takes its place; both are synced. Nobody sees half of it,
//!   whoever crashes when. If the same bytes are there already, nothing is done but to make them durable. A crash in
//!   the middle leaves a file `.factum-…`, which the next attempt of the call removes. It is a new file: it has the
//!   permissions of one, and what has the old one open, or as a hard link, keeps that.
//! * **Read** is with its SHA-256, and recorded: the next attempt gets the same bytes, though the file has changed.
//!   Above 64 KiB they stand in the arena.
//! * **Below the root** is what a path leads to that has no `..` and does not begin with `/`. Symbolic links below the
//!   root are not followed, inwards neither, and each directory is opened in the one before, so that nobody who changes
//!   the tree at the same time leads a call out of it. Hard links and mounts are not looked at: what they show below
//!   the root is there.
//!
//! A call that is dropped (a timeout, a cancel) may still be at it for a moment; once that is seen, it puts nothing in
//! its place and removes nothing.
// What must always hold: no blocking operation runs on the runtime's own threads.

mod error;
mod read;
mod request;
mod response;
mod root;
mod write;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub use error::FileError;
pub use request::FileRequest;
use request::What;
pub use response::FileResponse;
use root::Place;
use write::Beside;

use super::content::Content;
use super::{Call, Transport};
use crate::codec::ArtifactId;

/// The most bytes that a file may have to be read, unless told otherwise.
const MAX_BYTES: usize = 64 << 20;

/// Reads, writes and removes files below a root: a [`Transport`].
#[derive(Debug, Clone)]
pub struct Files {
    root: PathBuf,
    max_bytes: usize,
}

impl Files {
    /// The files below a directory, which must be there when a call is made. A relative path is one from where the
    /// process was started.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Files { root: root.into(), max_bytes: MAX_BYTES }
    }

    /// The most bytes that a file may have to be read: 64 MiB unless told otherwise.
    #[must_use]
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    async fn read(&self, path: &str, call: &Call) -> Result<FileResponse, FileError> {
        let (root, limit) = (self.root.clone(), self.max_bytes);
        let bytes = blocking(path, move |path| read::read_whole(&Place::find(&root, path, false)?, limit)).await?;
        let (sha256, len) = (Some(ArtifactId::of(&bytes)), bytes.len() as u64);
        let content = Content::put(bytes, call).await;
        let content = content.map_err(|source| FileError::Storage { path: path.to_owned(), source })?;
        Ok(FileResponse { sha256, len, content: Some(content) })
    }

    async fn write(
        &self,
        path: &str,
        bytes: &[u8],
        sha256: ArtifactId,
        call: &Call,
    ) -> Result<FileResponse, FileError> {
        let (root, beside, len) = (self.root.clone(), Beside::new(call), bytes.len() as u64);
        let bytes = bytes.to_vec();
        let dropped = Dropped(Arc::default());
        let seen = dropped.0.clone();
        blocking(path, move |path| write::write_whole(&Place::find(&root, path, true)?, &bytes, &beside, &seen))
            .await?;
        Ok(FileResponse { sha256: Some(sha256), len, content: None })
    }

    async fn remove(&self, path: &str) -> Result<FileResponse, FileError> {
        let root = self.root.clone();
        let dropped = Dropped(Arc::default());
        let seen = dropped.0.clone();
        blocking(path, move |path| match Place::find(&root, path, false) {
            Ok(place) => write::remove(&place, &seen),
            // Where its directory is not, it is not.
            Err(FileError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        })
        .await?;
        Ok(FileResponse { sha256: None, len: 0, content: None })
    }
}

/// Tells a thread that nobody waits for it any more.
struct Dropped(Arc<AtomicBool>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Does what blocks on a thread that may.
async fn blocking<T: Send + 'static>(
    path: &str,
    work: impl FnOnce(&str) -> Result<T, FileError> + Send + 'static,
) -> Result<T, FileError> {
    let owned = path.to_owned();
    let done = tokio::task::spawn_blocking(move || work(&owned)).await;
    done.unwrap_or_else(|lost| {
        let source = std::io::Error::other(lost.to_string());
        Err(FileError::Io { doing: "come to an end with", path: path.to_owned(), source, unknown: true })
    })
}

impl Transport for Files {
    const NAMESPACE: &'static str = "file";
    type Request = FileRequest;
    type Response = FileResponse;
    type Error = FileError;

    async fn call(&self, request: &FileRequest, call: &Call) -> Result<FileResponse, FileError> {
        match &request.what {
            What::Read => self.read(&request.path, call).await,
            What::Write { bytes, sha256 } => self.write(&request.path, bytes, *sha256, call).await,
            What::Remove => self.remove(&request.path).await,
        }
    }

    fn is_unknown(error: &FileError) -> bool {
        error.is_unknown()
    }

    fn withheld(&self, _: &FileRequest) -> Vec<u8> {
        self.root.as_os_str().as_encoded_bytes().to_vec()
    }
}
