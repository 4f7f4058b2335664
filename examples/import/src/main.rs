//! `import`: imports a file of orders into a table. Run it again and it goes on.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is the program's output")]

mod follow;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use factum::Engine;
use follow::End;
use import::desk::{Desk, Kill, Moment};
use import::machine::Import;
use import::page::Job;
use import::summary::Summary;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The first 500 orders of the CDNOW sample; the README names the source.
const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/orders.jsonl");

/// The import was asked to stop before its end.
const NOT_YET: u8 = 3;

/// Imports a file of orders into a table, as one long run that survives `kill -9`.
///
/// Run it again and it goes on behind the last page that it has imported. Exit
/// status: 0 when the file is imported, 1 on an error, 3 when it was asked to stop.
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// The orders, one JSON object a line; waits an hour for a file that is not there [default: 500 kept orders]
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Where the run is kept, and the table
    #[arg(long, value_name = "DIR", default_value = "data/import")]
    data: PathBuf,
    /// How many lines make a page
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    page_lines: u32,
    /// Milliseconds from one line of progress to the next; 0 shows each page
    #[arg(long, value_name = "MS", default_value_t = 500)]
    every: u64,
    /// Stop an import that was interrupted behind the page that it is at, for good
    #[arg(long)]
    stop: bool,
    /// Kill this process with SIGKILL once N pages are imported, in the next one
    #[arg(long, value_name = "N")]
    kill_after: Option<u64>,
    /// At which moment of that page
    #[arg(long, value_name = "MOMENT", default_value = "half", requires = "kill_after")]
    kill_at: Moment,
}

#[tokio::main]
async fn main() -> ExitCode {
    work(Cli::parse()).await.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}

async fn work(args: Cli) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    // A path that means the same wherever the next process is started.
    let file = std::path::absolute(args.file.as_deref().unwrap_or(Path::new(KEPT)))?;
    let kill = args.kill_after.map(|after| Kill { after, at: args.kill_at });
    let desk = Desk::new(&args.data.join("table"), kill);
    let engine = Engine::builder(args.data.join("engine")).app(desk.clone()).fsm::<Import>().open().await?;
    let job = Job { file, page_lines: args.page_lines };
    let end = follow::follow(&engine, job, args.stop, Duration::from_millis(args.every)).await;
    let stopped = engine.shutdown().await;
    let end = end?;
    stopped?;
    if desk.again() > 0 {
        println!("pages that were in the table before their run knew: {}", desk.again());
    }
    Ok(match end {
        End::Ended(Import::Done { summary }) => {
            sum_up(&summary, started);
            ExitCode::SUCCESS
        }
        End::Ended(Import::Stopped { lines }) => {
            println!("stopped behind line {lines}, for good");
            ExitCode::from(NOT_YET)
        }
        End::Ended(Import::Refused { reason }) => return Err(reason.into()),
        End::Ended(other) => return Err(format!("the import has ended in {other:?}").into()),
        End::Interrupted => {
            println!("interrupted: run this again and it goes on");
            ExitCode::from(NOT_YET)
        }
    })
}

fn sum_up(summary: &Summary, started: Instant) {
    for (month, sums) in &summary.months {
        println!("{month}: {} orders, {} pieces, {}", sums.orders, sums.pieces, dollars(sums.cents));
    }
    let Summary { imported, rejected, .. } = summary;
    let (all, seconds) = (dollars(summary.cents()), started.elapsed().as_secs_f64());
    println!("{imported} orders imported, {rejected} lines rejected, {all}, {seconds:.1} seconds");
}

fn dollars(cents: u64) -> String {
    format!("${}.{:02}", cents / 100, cents % 100)
}
