//! The processes: the checkout program that is killed, and the provider that is not.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use checkout::batch::Ended;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::judge::Report;

const SIGKILL: i32 = 9;

/// How long anything may take that is not killed. Far more than it needs: to
/// reach it means that something hangs.
const HANGS: Duration = Duration::from_secs(180);

/// How long a process may take until the provider has done something for it,
/// before it is taken for one that only waits.
const GETS_TO_WORK: Duration = Duration::from_secs(1);

/// The built program.
pub(crate) struct Program {
    path: PathBuf,
}

/// When a process is killed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Moment {
    /// So long after it was started.
    AfterStart(Duration),
    /// So long after the provider has first done something for it.
    AtWork(Duration),
}

impl Moment {
    pub(crate) fn is_at_work(self) -> bool {
        matches!(self, Moment::AtWork(_))
    }
}

/// How a process that was to be killed has ended.
pub(crate) enum Finish {
    /// By the signal.
    Killed {
        /// It had got something done.
        at_work: bool,
    },
    /// By itself, with all orders processed.
    Done,
}

impl Program {
    /// Builds it, with the profile and into the target directory of this test.
    pub(crate) fn build() -> Program {
        let test = std::env::current_exe().unwrap();
        let profile_dir = test.ancestors().nth(2).unwrap();
        let profile = match profile_dir.file_name().unwrap().to_str().unwrap() {
            "debug" => "dev",
            profile => profile,
        };
        let status = std::process::Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "checkout", "--bin", "checkout", "--profile", profile])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("CARGO_TARGET_DIR", profile_dir.parent().unwrap())
            .status()
            .unwrap();
        assert!(status.success(), "the checkout example does not build");
        Program { path: profile_dir.join("checkout") }
    }

    /// Starts on the orders, and kills the process at `moment`.
    pub(crate) async fn run_and_kill(
        &self,
        dir: &Path,
        provider: &Provider,
        concurrency: u16,
        moment: Moment,
    ) -> Finish {
        let before = provider.ledger_len();
        let mut process = self.spawn(dir, provider, &["--concurrency", &concurrency.to_string()]);
        match moment {
            Moment::AfterStart(delay) => tokio::time::sleep(delay).await,
            Moment::AtWork(delay) => {
                // Not at all when nothing comes: what remains then is to wait for timeouts.
                let _ = timeout(GETS_TO_WORK, provider.does_something_since(before)).await;
                tokio::time::sleep(delay).await;
            }
        }
        process.start_kill().unwrap();
        let output = ended(process).await;
        match output.status.signal() {
            Some(SIGKILL) => Finish::Killed { at_work: provider.has_done_since(before) },
            _ => {
                assert_done(&output);
                Finish::Done
            }
        }
    }

    /// Lets the program process what is left, and reads its report.
    pub(crate) async fn run_to_the_end(&self, dir: &Path, provider: &Provider) -> Report {
        let path = dir.join("report.jsonl");
        let output = ended(self.spawn(dir, provider, &["--report", path.to_str().unwrap()])).await;
        assert_done(&output);
        let mut report = BTreeMap::new();
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let ended: Ended = serde_json::from_str(line).unwrap();
            assert!(report.insert(ended.order, ended.ending).is_none(), "reported twice: {line}");
        }
        report
    }

    fn spawn(&self, dir: &Path, provider: &Provider, args: &[&str]) -> Child {
        Command::new(&self.path)
            .arg("--data")
            .arg(dir.join("data"))
            .args(["--provider", &provider.url])
            // Kills that come faster than an attempt ends say nothing against a run.
            .args(["--poison-after", "1000"])
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }
}

async fn ended(process: Child) -> Output {
    timeout(HANGS, process.wait_with_output()).await.expect("the checkout program hangs").unwrap()
}

fn assert_done(output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the checkout program failed: {}\n{said}", output.status);
}

/// The provider, in a process of its own for a whole round.
pub(crate) struct Provider {
    process: Child,
    ledger: PathBuf,
    url: String,
}

impl Provider {
    pub(crate) async fn start(program: &Program, ledger: &Path) -> Provider {
        let mut process = Command::new(&program.path)
            .args(["provider", "--exit-with-parent", "--ledger"])
            .arg(ledger)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut url = String::new();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        timeout(HANGS, output.read_line(&mut url)).await.expect("the provider hangs").unwrap();
        assert!(url.starts_with("http://"), "the provider says `{url}`");
        Provider { process, ledger: ledger.to_owned(), url: url.trim_end().to_owned() }
    }

    fn ledger_len(&self) -> u64 {
        std::fs::metadata(&self.ledger).unwrap().len()
    }

    /// Whether anything was done since the ledger was so long. To be busy, to
    /// decline and to answer again is to do nothing.
    fn has_done_since(&self, len: u64) -> bool {
        let ledger = std::fs::read_to_string(&self.ledger).unwrap();
        ledger[usize::try_from(len).unwrap()..].contains("\"result\":\"done\"")
    }

    async fn does_something_since(&self, len: u64) {
        while !self.has_done_since(len) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    pub(crate) async fn stop(mut self) {
        drop(self.process.stdin.take());
        timeout(HANGS, self.process.wait()).await.expect("the provider hangs").unwrap();
    }
}
