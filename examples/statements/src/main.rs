//! `statements`: writes a statement for each customer. Run it again and it goes on.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is the program's output")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use factum::{Engine, Error, Outcome, Status};
use statements::office::Office;
use statements::page::{Cursor, Job};
use statements::workflow::{Progress, Totals, statements};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The run's id: one job for each data directory.
const RUN: &str = "statements";

/// The first 500 orders of the CDNOW sample; the README names the source.
const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/orders.jsonl");

/// Between two lines of progress.
const EVERY: Duration = Duration::from_millis(500);

/// Writes a statement for each customer of a file of orders, as one long run that survives `kill -9`.
///
/// Run it again and it goes on behind the last page that it has written.
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// The orders, one JSON object a line, sorted by customer [default: 500 kept orders]
    #[arg(long, value_name = "FILE")]
    orders: Option<PathBuf>,
    /// Where the run is kept, and the statements
    #[arg(long, value_name = "DIR", default_value = "data/statements")]
    data: PathBuf,
    /// How many orders make a page
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    page: u32,
    /// Kill this process with SIGKILL once N pages are finished, in the middle of the next
    #[arg(long, value_name = "N")]
    kill_after: Option<u64>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match work(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn work(args: Cli) -> Result<(), Failure> {
    let started = Instant::now();
    let job = job(&args)?;
    let office = Office::new(args.kill_after);
    let engine = Engine::builder(args.data.join("engine")).app(office.clone()).saga(statements).open().await?;
    let totals = follow(&engine, job).await;
    let stopped = engine.shutdown().await;
    let Totals { pages, orders, statements, amount_cents } = totals?;
    stopped?;
    let (dollars, cents, seconds) = (amount_cents / 100, amount_cents % 100, started.elapsed().as_secs_f64());
    println!("{orders} orders in {pages} pages: {statements} statements, ${dollars}.{cents:02}, {seconds:.1} seconds");
    match pages - office.pages() {
        0 => {}
        before => println!("{before} of the pages had been written before"),
    }
    Ok(())
}

/// What the arguments ask for, with paths that mean the same wherever the next process is started.
fn job(args: &Cli) -> Result<Job, Failure> {
    let orders = args.orders.as_deref().unwrap_or(Path::new(KEPT));
    let orders =
        orders.canonicalize().map_err(|error| format!("cannot read the order file `{}`: {error}", orders.display()))?;
    std::fs::create_dir_all(&args.data).map_err(|error| format!("cannot make `{}`: {error}", args.data.display()))?;
    Ok(Job { orders, out: args.data.canonicalize()?.join("statements.jsonl"), page: args.page })
}

/// Starts the job, or finds it as it was left, and tells of its progress until it ends.
async fn follow(engine: &Engine, job: Job) -> Result<Totals, Failure> {
    let run = match engine.start(statements(job, Cursor::default(), Totals::default())).id(RUN).await {
        Err(Error::Conflict { .. }) => {
            return Err("this directory has a job with other orders or pages: give another one with `--data`".into());
        }
        run => run?,
    };
    if run.info().status == Status::Paused {
        engine.resume(RUN).await?;
    }
    let mut told = None;
    let outcome = loop {
        match tokio::time::timeout(EVERY, run.outcome()).await {
            Ok(outcome) => break outcome?,
            Err(_) => tell(run.progress()?, &mut told),
        }
    };
    match outcome {
        Outcome::Completed(run) => Ok(run.into_output()),
        Outcome::Paused(run) => {
            let problem = run.info().problem.unwrap_or_default();
            Err(format!("{problem}; run this again when that is mended, and it goes on").into())
        }
        other => Err(format!("the job is {}", other.status()).into()),
    }
}

fn tell(now: Option<Progress>, told: &mut Option<Progress>) {
    if now != *told
        && let Some(Progress { pages, orders, statements }) = &now
    {
        println!("page {pages}: {orders} orders, {statements} statements");
        *told = now;
    }
}
