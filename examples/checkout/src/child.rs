//! The provider as a child process, which never outlives its parent.
//!
//! The child's standard input is a pipe that only the parent holds. However the
//! parent ends, SIGKILL included, the kernel closes it, and the child goes.

use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

/// A running provider. Ends when this is dropped.
#[derive(Debug)]
pub struct ProviderProcess {
    child: Child,
    url: String,
}

impl ProviderProcess {
    /// Starts this same program as a provider and waits until it serves.
    ///
    /// # Errors
    /// When it cannot be started, or ends before it serves; it has then said
    /// why on standard error.
    pub async fn start(ledger: &Path) -> std::io::Result<ProviderProcess> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["provider", "--exit-with-parent", "--ledger"])
            .arg(ledger)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = child.stdout.take().ok_or_else(|| std::io::Error::other("the provider has no output"))?;
        let mut url = String::new();
        BufReader::new(stdout).read_line(&mut url).await?;
        match url.trim_end() {
            "" => Err(std::io::Error::other("the provider ended before it served")),
            url => Ok(ProviderProcess { url: url.to_owned(), child }),
        }
    }

    /// Where it serves.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends it and waits until it has ended.
    ///
    /// # Errors
    /// When the system does not let us.
    pub async fn stop(mut self) -> std::io::Result<()> {
        drop(self.child.stdin.take());
        self.child.wait().await.map(drop)
    }
}

/// Comes back when the parent has closed our standard input, or is dead.
pub async fn parent_is_gone() {
    let mut rest = [0; 64];
    let mut input = tokio::io::stdin();
    while let Ok(1..) = input.read(&mut rest).await {}
}
