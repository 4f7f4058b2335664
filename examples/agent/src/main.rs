//! `agent`: answers orders. Run it again and it goes on; replay what it did with nobody to be asked.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is the program's output")]

use std::fs::{File, create_dir_all};
use std::io::{BufWriter, Write, stdout};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

use agent::answer::{AgentError, answer};
use agent::api::Sent;
use agent::desk::Desk;
use agent::orders::load;
use agent::server::{Server, serve};
use clap::{Args, Parser, Subcommand};
use factum::{Builder, Cause, Engine, Outcome, ReplayEnd, Run, Secret, WorkflowSig};
use tokio::net::TcpListener;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What opens the API where nobody says otherwise.
const TOKEN: &str = "for-trying-out";

/// The size of the log's segments: no order has much to say.
const SEGMENT: u64 = 1 << 20;

/// Answers orders, each as one saga that survives `kill -9`.
///
/// Run it again and it goes on where it was: what the model and the tools have said is not asked for again.
/// Exit status: 0 when every order came to its end (undone is an end), 1 otherwise.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    work: Work,
}

#[derive(Args)]
struct Work {
    /// The orders, one JSON object a line [default: six kept orders]
    #[arg(long, value_name = "FILE")]
    orders: Option<PathBuf>,
    /// Where the runs are kept, and the log of the server
    #[arg(long, value_name = "DIR", default_value = "data/agent")]
    data: PathBuf,
    /// A server that runs already, instead of one of our own
    #[arg(long, value_name = "ADDRESS")]
    server: Option<SocketAddr>,
    /// Kill this process with SIGKILL once our own server has N more lines in its log, before anybody is answered
    #[arg(long, value_name = "N", conflicts_with = "server", value_parser = clap::value_parser!(u64).range(1..))]
    kill_after: Option<u64>,
}

#[derive(Subcommand)]
enum Command {
    /// Be the server; prints the address it serves at
    Serve {
        /// Where to keep the log
        #[arg(long, value_name = "FILE")]
        log: PathBuf,
        /// The port to serve at; 0 takes a free one
        #[arg(long, default_value_t = 0)]
        port: u16,
        /// Do what is asked again under the same key once more
        #[arg(long)]
        forget_keys: bool,
    },
    /// Write a run as JSON Lines; it does not go on meanwhile
    Export {
        /// The order
        id: String,
        /// Where the runs are kept
        #[arg(long, value_name = "DIR", default_value = "data/agent")]
        data: PathBuf,
        /// Where to write it [default: standard output]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Replay an exported run: the body and its steps run again on what is recorded, and nobody is asked
    Replay {
        /// What `export` has written
        file: PathBuf,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        None => work(cli.work).await,
        Some(Command::Serve { log, port, forget_keys }) => be_server(&log, port, !forget_keys).await,
        Some(Command::Export { id, data, out }) => export(&id, &data, out.as_deref()).await,
        Some(Command::Replay { file }) => replay(&file).await,
    };
    match done {
        Ok(status) => status,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The token that opens the API.
fn token() -> Secret<String> {
    Secret::new(std::env::var("AGENT_TOKEN").unwrap_or_else(|_| TOKEN.to_owned()))
}

fn builder(data: &Path, desk: Desk) -> Builder<Desk> {
    Engine::builder(data.join("engine")).app(desk).saga(answer).segment_bytes(SEGMENT)
}

async fn work(args: Work) -> Result<ExitCode, Failure> {
    let orders = load(args.orders.as_deref())?;
    create_dir_all(&args.data).map_err(|error| format!("cannot make `{}`: {error}", args.data.display()))?;
    let address = match args.server {
        Some(address) => address,
        None => own_server(&args.data.join("server.jsonl"), args.kill_after).await?,
    };
    let engine = builder(&args.data, Desk::at(address, token())?).open().await?;
    let mut runs = Vec::new();
    for order in orders {
        let id = order.id.clone();
        runs.push(engine.start(answer(order)).id(id).await?);
    }
    let mut status = ExitCode::SUCCESS;
    for run in runs {
        if !tell(run).await? {
            status = ExitCode::FAILURE;
        }
    }
    engine.shutdown().await?;
    Ok(status)
}

/// Waits for a run's end and says what it is. Whether it is one.
async fn tell<W: WorkflowSig<Output = Sent, Error = AgentError>>(run: Run<W>) -> Result<bool, Failure> {
    let id = run.id().clone();
    let held = match run.outcome().await? {
        Outcome::Completed(run) => {
            println!("{id}: {}", summary(run.output()));
            return Ok(true);
        }
        Outcome::Failed(run) => {
            println!("{id}: undone: {}", run.failure());
            return Ok(true);
        }
        Outcome::Cancelled(_) => "it was cancelled".to_owned(),
        Outcome::Paused(_) => "it was paused".to_owned(),
        Outcome::Stuck(run) => run.problem().to_owned(),
        Outcome::Diverged(run) => run.problem().to_owned(),
        Outcome::Poisoned(run) => run.problem().to_owned(),
    };
    eprintln!("{id}: cannot go on by itself: {held}");
    Ok(false)
}

fn summary(sent: &Sent) -> String {
    let voucher = sent.letter.voucher.as_ref().map_or(String::new(), |code| format!(", with voucher {code}"));
    format!("letter {}{voucher}: {}", sent.number, sent.letter.text)
}

/// A server in this process, at a free port.
async fn own_server(log: &Path, kill_after: Option<u64>) -> Result<SocketAddr, Failure> {
    let mut server = Server::open(log, load(None)?, token(), true)?;
    if let Some(lines) = kill_after {
        let left = AtomicU64::new(lines);
        server = server.before_answer(move |_| {
            if left.fetch_sub(1, Ordering::SeqCst) == 1 {
                let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
            }
            Box::pin(std::future::ready(()))
        });
    }
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(serve(listener, server));
    Ok(address)
}

async fn be_server(log: &Path, port: u16, keeps_keys: bool) -> Result<ExitCode, Failure> {
    let server = Server::open(log, load(None)?, token(), keeps_keys)?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    writeln!(stdout(), "{}", listener.local_addr()?)?;
    serve(listener, server).await?;
    Ok(ExitCode::SUCCESS)
}

async fn export(id: &str, data: &Path, out: Option<&Path>) -> Result<ExitCode, Failure> {
    if !data.join("engine").is_dir() {
        return Err(format!("no runs are kept in `{}`", data.display()).into());
    }
    // Without its workflow a run stays where it is.
    let engine = Engine::builder(data.join("engine")).segment_bytes(SEGMENT).keep_unknown_workflows().open().await?;
    let exported = match out {
        None => engine.export(id, stdout().lock()).await,
        Some(path) => {
            let file = File::create(path).map_err(|error| format!("cannot write `{}`: {error}", path.display()))?;
            engine.export(id, BufWriter::new(file)).await
        }
    };
    engine.shutdown().await?;
    exported?;
    Ok(ExitCode::SUCCESS)
}

/// No server, no data directory and no other task: a breakpoint in a step stops here.
async fn replay(file: &Path) -> Result<ExitCode, Failure> {
    let replayed = Engine::builder("").app(Desk::nowhere()?).saga(answer).replay_file(file).all_steps().await?;
    let end = match &replayed.end {
        ReplayEnd::Completed { output, .. } => summary(&serde_json::from_slice(output.bytes()?)?),
        ReplayEnd::Failed { cause: Cause::Error { error, .. }, .. } => {
            format!("undone: {}", serde_json::from_slice::<AgentError>(error.bytes()?)?)
        }
        ReplayEnd::Waiting { on, .. } => {
            let on: Vec<String> = on.iter().map(ToString::to_string).collect();
            format!("was under way, and waited for {}", on.join(" and "))
        }
        other => format!("{other:?}"),
    };
    println!("{}: {end}", replayed.id);
    println!("{} steps ran again, on {} facts", replayed.steps, replayed.facts);
    Ok(ExitCode::SUCCESS)
}
