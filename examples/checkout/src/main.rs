//! `checkout`: processes a file of orders. Run it again and it goes on.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is the program's output")]

use std::fs::{File, create_dir_all};
use std::io::{BufWriter, Write, sink};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use checkout::batch::{Tally, process};
use checkout::child::{ProviderProcess, parent_is_gone};
use checkout::client::Client;
use checkout::meter::Meter;
use checkout::orders::{BadLine, OrderFile};
use checkout::progress::Progress;
use checkout::provider::serve;
use checkout::workflow::{Shop, checkout};
use clap::{Args, Parser, Subcommand};
use factum::Engine;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Some lines of the order file could not be processed; all the others were.
const BAD_LINES: u8 = 3;

/// Processes a file of orders, each as one saga that survives `kill -9`.
///
/// Run it again and it goes on where it was; finished orders are not repeated.
/// Exit status: 0 when every order was processed (declined and undone counts as
/// processed), 1 on an error, 3 when lines of the file were no orders.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    process: Process,
}

#[derive(Args)]
struct Process {
    /// The orders, one JSON object a line [default: 500 kept orders]
    #[arg(long, value_name = "FILE")]
    orders: Option<PathBuf>,
    /// Where the runs are kept, and the provider's ledger
    #[arg(long, value_name = "DIR", default_value = "data/checkout")]
    data: PathBuf,
    /// Kill this process with SIGKILL once N steps have finished
    #[arg(long, value_name = "N")]
    kill_after: Option<u64>,
    /// How many orders are in flight at a time
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    concurrency: u16,
    /// A provider that runs already, instead of one of our own
    #[arg(long, value_name = "URL")]
    provider: Option<String>,
    /// Give an order up that was in the air at N crashes in a row
    #[arg(long, value_name = "N", default_value_t = 10)]
    poison_after: u32,
    /// Write how each order ended to FILE, one JSON object a line
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Be the payment provider and the warehouse; prints the address it serves at
    Provider {
        /// Where to keep what was done
        #[arg(long, value_name = "FILE")]
        ledger: PathBuf,
        /// The port to serve at; 0 takes a free one
        #[arg(long, default_value_t = 0)]
        port: u16,
        /// End when standard input is closed
        #[arg(long)]
        exit_with_parent: bool,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Some(Command::Provider { ledger, port, exit_with_parent }) => provide(&ledger, port, exit_with_parent).await,
        None => process_file(cli.process).await,
    };
    done.unwrap_or_else(|error| {
        eprint!("error: {error}");
        let mut cause = error.source();
        while let Some(error) = cause {
            eprint!(": {error}");
            cause = error.source();
        }
        eprintln!();
        ExitCode::FAILURE
    })
}

async fn provide(ledger: &Path, port: u16, exit_with_parent: bool) -> Result<ExitCode, Failure> {
    let serving = serve(ledger, port, |url| writeln!(std::io::stdout(), "{url}"));
    if exit_with_parent {
        tokio::select! {
            served = serving => served?,
            () = parent_is_gone() => std::process::exit(0),
        }
    } else {
        serving.await?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn process_file(args: Process) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    let mut file = OrderFile::load(args.orders.as_deref())?;
    let mut bad = std::mem::take(&mut file.bad);
    bad.iter().for_each(tell);
    create_dir_all(&args.data).map_err(|error| format!("cannot make `{}`: {error}", args.data.display()))?;
    let own = match &args.provider {
        Some(_) => None,
        None => Some(ProviderProcess::start(&args.data.join("provider.jsonl")).await?),
    };
    let url = own.as_ref().map(ProviderProcess::url).or(args.provider.as_deref()).unwrap_or_default();
    let meter = Arc::new(Meter::new(args.kill_after));
    let shop = Shop { provider: Client::new(url, meter.clone())? };
    let builder = Engine::builder(args.data.join("engine")).app(shop).saga(checkout);
    let engine = builder.poison_after(args.poison_after).open().await?;
    let mut report = report_to(args.report.as_deref())?;
    let mut progress = Progress::start(file.orders.len());
    let tally = process(&engine, file, args.concurrency.into(), &mut progress, &mut report).await;
    progress.finish();
    let tally = tally?;
    report.flush()?;
    engine.shutdown().await?;
    if let Some(own) = own {
        own.stop().await?;
    }
    tally.bad.iter().for_each(tell);
    bad.extend_from_slice(&tally.bad);
    sum_up(&tally, meter.retries(), started);
    Ok(exit_code(&tally, &bad))
}

fn tell(bad: &BadLine) {
    eprintln!("line {}: not processed: {}", bad.line, bad.problem);
}

fn report_to(path: Option<&Path>) -> Result<Box<dyn Write + Send>, Failure> {
    let Some(path) = path else { return Ok(Box::new(sink())) };
    let file = File::create(path).map_err(|error| format!("cannot write the report `{}`: {error}", path.display()))?;
    Ok(Box::new(BufWriter::new(file)))
}

fn sum_up(tally: &Tally, retries: u64, started: Instant) {
    let seconds = started.elapsed().as_secs_f64();
    let Tally { completed, compensated, before, .. } = tally;
    let ended = tally.ended();
    println!(
        "{ended} orders: {completed} completed, {compensated} compensated, {retries} retries, {seconds:.1} seconds"
    );
    if *before > 0 {
        println!("{before} of them had ended before");
    }
}

fn exit_code(tally: &Tally, bad: &[BadLine]) -> ExitCode {
    for held in &tally.held {
        eprintln!("cannot go on by itself: {held}");
    }
    if !bad.is_empty() {
        eprintln!("lines not processed: {}", bad.len());
    }
    match (tally.held.is_empty(), bad.is_empty()) {
        (false, _) => ExitCode::FAILURE,
        (true, false) => ExitCode::from(BAD_LINES),
        (true, true) => ExitCode::SUCCESS,
    }
}
