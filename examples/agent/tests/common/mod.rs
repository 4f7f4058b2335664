//! A server that the test holds, an agent as a child process that is killed, and what is on disk between two of its
//! lives.
#![allow(clippy::unwrap_used, dead_code, reason = "a test panics where it fails, and uses of this what it needs")]

pub(crate) mod judge;

use std::collections::BTreeSet;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use agent::orders::load;
use agent::server::{Server, read_lines, serve};
use factum::{Engine, Event, Secret};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, yield_now};

/// What opens the API in these tests, and is to stand nowhere on disk.
pub(crate) const TOKEN: &str = "planted-7f3a91c2d4";

/// A line of the server's log whose answer waits.
struct Held {
    line: u64,
    go: oneshot::Sender<()>,
}

impl Held {
    fn answer(self) {
        // Nobody waits for it any more if its process was killed.
        let _ = self.go.send(());
    }
}

/// When an agent is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kill {
    /// Not at this line.
    No,
    /// Before the line is answered: nothing of it can be on disk.
    Held,
    /// When the line has been answered, and the test has yielded so often: it may be on disk or not.
    Answered(u32),
}

/// The lives of one agent, one after the other on one data directory, and the server, which lives on.
pub(crate) struct Lives {
    dir: TempDir,
    orders: PathBuf,
    address: SocketAddr,
    held: mpsc::UnboundedReceiver<Held>,
    server: JoinHandle<std::io::Result<()>>,
    /// The processes of the agent, by their ids, each with the lines of the log that were facts on disk when it was
    /// started.
    pub(crate) known: Vec<(u32, BTreeSet<u64>)>,
}

impl Lives {
    /// A server for these kept orders, and no agent yet.
    pub(crate) async fn new(orders: &[&str], keeps_keys: bool) -> Lives {
        let dir = tempfile::tempdir().unwrap();
        let kept = load(None).unwrap();
        let wanted = kept.iter().filter(|order| orders.contains(&order.id.as_str()));
        let text: String = wanted.map(|order| serde_json::to_string(order).unwrap() + "\n").collect();
        let file = dir.path().join("orders.jsonl");
        std::fs::write(&file, text).unwrap();
        let (tell, held) = mpsc::unbounded_channel();
        let token = Secret::new(TOKEN.to_owned());
        let server = Server::open(&dir.path().join("log.jsonl"), kept, token, keeps_keys).unwrap();
        let server = server.before_answer(move |line| {
            let (go, gone) = oneshot::channel();
            let _ = tell.send(Held { line, go });
            Box::pin(async { drop(gone.await) })
        });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(serve(listener, server));
        Lives { dir, orders: file, address, held, server, known: Vec::new() }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub(crate) fn engine(&self) -> PathBuf {
        self.data().join("engine")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.dir.path().join("log.jsonl")
    }

    /// What the last agent has said.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("out")).unwrap()
    }

    /// Has an agent work until it is done, killed and started again as `kill` says: it is told the line, and how many
    /// lines this process has had.
    pub(crate) async fn live(&mut self, mut kill: impl FnMut(u64, u32) -> Kill) {
        for _ in 0..200 {
            let known = bound_lines(&self.engine()).await;
            let mut child = self.start();
            let id = child.id().unwrap();
            assert!(self.known.iter().all(|(before, _)| *before != id), "two processes of one id");
            self.known.push((id, known));
            let mut lines = 0;
            let killed = loop {
                let held = tokio::select! {
                    held = self.held.recv() => held.unwrap(),
                    status = child.wait() => {
                        let status = status.unwrap();
                        assert!(status.success(), "{status}: {}", self.complained());
                        break false;
                    }
                };
                lines += 1;
                match kill(held.line, lines) {
                    Kill::No => held.answer(),
                    Kill::Held => {
                        child.kill().await.unwrap();
                        break true;
                    }
                    Kill::Answered(yields) => {
                        held.answer();
                        for _ in 0..yields {
                            yield_now().await;
                        }
                        child.kill().await.unwrap();
                        break true;
                    }
                }
            };
            if !killed {
                return;
            }
        }
        panic!("it does not come to an end: {}", self.complained());
    }

    fn start(&self) -> Child {
        let file = |name| File::create(self.dir.path().join(name)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_agent"));
        command.arg("--data").arg(self.data()).arg("--orders").arg(&self.orders);
        command.arg("--server").arg(self.address.to_string()).env("AGENT_TOKEN", TOKEN);
        command.stdin(Stdio::null()).stdout(file("out")).stderr(file("err")).kill_on_drop(true).spawn().unwrap()
    }

    fn complained(&self) -> String {
        let err = std::fs::read_to_string(self.dir.path().join("err")).unwrap();
        format!("{err}\n{:#?}", read_lines(&self.log()).unwrap())
    }

    /// The server is gone, and nobody listens where it was.
    pub(crate) async fn server_down(&mut self) {
        self.server.abort();
        assert!((&mut self.server).await.unwrap_err().is_cancelled());
        assert!(tokio::net::TcpStream::connect(self.address).await.is_err(), "somebody listens");
    }

    /// Runs the program; its status, and what it says.
    pub(crate) async fn agent(&self, arguments: &[&str]) -> (bool, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_agent"));
        let output = command.args(arguments).stdin(Stdio::null()).output().await.unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    }
}

/// What is recorded of the calls of a run.
pub(crate) struct Bound {
    pub(crate) run: String,
    /// The step's position and the fact's key.
    pub(crate) fact: String,
    /// The line of the server's log that it was answered with.
    pub(crate) line: u64,
}

/// The calls whose answers are facts on disk. The directory is left as it is: a copy of it is opened, by an engine that
/// cannot go on with any run.
pub(crate) async fn bound(engine: &Path) -> Vec<Bound> {
    if !engine.exists() {
        return Vec::new();
    }
    let copy = tempfile::tempdir().unwrap();
    copy_all(engine, copy.path());
    let engine = Engine::builder(copy.path()).segment_bytes(1 << 20).keep_unknown_workflows().open().await.unwrap();
    let mut found = Vec::new();
    for run in engine.list().await.unwrap().runs {
        let history = engine.history(&run.id).await.unwrap();
        for entry in history.iter() {
            let Event::FactBound { at, fact, value, .. } = &entry.event else { continue };
            let value: Value = serde_json::from_slice(value.bytes().unwrap()).unwrap();
            let Some(line) = value["headers"]["x-request-id"].as_str() else { continue };
            found.push(Bound { run: run.id.to_string(), fact: format!("{at} {fact}"), line: line.parse().unwrap() });
        }
    }
    engine.shutdown().await.unwrap();
    found
}

async fn bound_lines(engine: &Path) -> BTreeSet<u64> {
    bound(engine).await.into_iter().map(|bound| bound.line).collect()
}

fn copy_all(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&to).unwrap();
            copy_all(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Every file below a directory that has these bytes in it.
pub(crate) fn with_bytes(dir: &Path, bytes: &[u8]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(with_bytes(&path, bytes));
        } else if std::fs::read(&path).unwrap().windows(bytes.len()).any(|some| some == bytes) {
            found.push(path);
        }
    }
    found
}
