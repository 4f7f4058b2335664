//! A data directory is looked at, not opened.

use std::path::Path;

use super::Builder;
use crate::engine::{self, Result, VerifyReport};
use crate::platform::real;

/// Reads a whole data directory and tells of everything that is wrong with it:
/// the bytes of the log, the checkpoint and the arena, every record, every run
/// and every row. It changes nothing, but that a directory without a file `LOCK`
/// gets one. No engine and no runtime is needed; the calling task is blocked.
///
/// A directory whose checkpoint is in a store of the user's own is verified with
/// [`Builder::verify`], and so is one that is encrypted: without keys its bytes alone
/// are verified, which damage cannot hide from, and not what they mean
/// ([`VerifyReport::locked`](crate::VerifyReport)).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # factum::Engine::builder(dir.path()).open().await?.shutdown().await?;
/// let report = factum::verify(dir.path()).await?;
/// for problem in &report.problems {
///     println!("{problem}");
/// }
/// assert!(report.is_clean());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`Error::Storage`](crate::Error::Storage) when an engine has the directory
/// ([`StorageError::DirectoryInUse`](crate::StorageError::DirectoryInUse)), when it is none
/// ([`StorageError::NoDataDirectory`](crate::StorageError::NoDataDirectory),
/// [`StorageError::ForeignDirectory`](crate::StorageError::ForeignDirectory)), and when it cannot be listed or locked.
pub async fn verify(dir: impl AsRef<Path>) -> Result<VerifyReport> {
    engine::verify(real::fs(), real::entropy(), dir.as_ref(), None, None).await
}

impl<App: Send + Sync + 'static> Builder<App> {
    /// Verifies the directory instead of opening it: [`factum::verify`](verify()) with this builder's checkpoint store
    /// and keys.
    ///
    /// # Errors
    /// As [`factum::verify`](verify()); and [`StorageError::Encrypted`](crate::StorageError::Encrypted) when the keys
    /// are not those of the directory.
    pub async fn verify(self) -> Result<VerifyReport> {
        let (options, platform) = self.into_place();
        let (fs, entropy) = match platform {
            Some(platform) => (platform.fs, platform.entropy),
            None => (real::fs(), real::entropy()),
        };
        engine::verify(fs, entropy, &options.dir, options.store, options.keys.as_ref()).await
    }
}
