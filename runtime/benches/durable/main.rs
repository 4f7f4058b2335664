//! How fast the engine is, beside what the machine can do without it: in one process and in one minute.
//!
//! Each round measures a baseline, then what is compared with it; a ratio is of one round, and a row is judged by the
//! median of its rounds. `BENCHMARKS.md` says what each row is, and what limits it.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is the program's output")]
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "it measures the machine itself")]

mod args;
mod baseline;
mod bench;
mod child;
mod process;
mod report;
mod rows;
mod stuck;
mod work;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use args::{Args, HELP};
use bench::Bench;
use rows::{GROUPS, SPECS};

type Error = Box<dyn std::error::Error + Send + Sync>;
type Result<T> = std::result::Result<T, Error>;

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [child::CHILD, task @ ..] = &words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        return match child::run(task).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        };
    }
    let args = match Args::parse(words) {
        Ok(args) => args,
        Err(wrong) => {
            eprintln!("{wrong}; `--help` tells what is");
            return ExitCode::from(2);
        }
    };
    if args.help {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    if args.list {
        SPECS.iter().for_each(|spec| println!("{:18} {}", spec.key, spec.name));
        return ExitCode::SUCCESS;
    }
    if !SPECS.iter().any(|spec| args.wants(spec.key, spec.name)) {
        eprintln!("no row has {} in its name; `--list` tells what there is", args.only.join(" or "));
        return ExitCode::from(2);
    }
    match measure(args).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(args: Args) -> Result<ExitCode> {
    let began = Instant::now();
    let dir = args.dir.clone().unwrap_or_else(default_dir).join("factum-bench");
    let mut bench = Bench::new(args, dir)?;
    let rounds = |bench: &Bench, group: rows::Group| {
        let (full, quick) = group.rounds();
        bench.args.rounds.unwrap_or(bench.size(full, quick))
    };
    let most = GROUPS.iter().map(|group| rounds(&bench, *group)).max().unwrap_or(0);
    let mut broken: Vec<&str> = Vec::new();
    for round in 0..most {
        for group in GROUPS {
            let keys = group.keys();
            if round >= rounds(&bench, *group) || !bench.wants(keys) || keys.iter().any(|key| broken.contains(key)) {
                continue;
            }
            eprintln!("{:4} s: round {}: {}", began.elapsed().as_secs(), round + 1, keys.join(", "));
            // What was written before, and not synced, is not to be in the way of what is measured now.
            rustix::fs::sync();
            if let Err(error) = group.round(&mut bench).await {
                eprintln!("  {error}");
                // What came before it in the group was measured.
                keys.iter().for_each(|key| bench.report.fail(key, round, &error.to_string()));
                broken.extend(keys);
            }
        }
    }
    for group in GROUPS {
        let planned = rounds(&bench, *group);
        group.keys().iter().for_each(|key| bench.report.settle(key, planned));
    }
    if bench.args.quick {
        eprintln!("small sizes (--quick): what they tell is whether it works, not how fast it is");
    }
    eprintln!("{} s in all\n", began.elapsed().as_secs());
    if bench.args.markdown {
        print!("{}", bench.report.markdown());
    } else if bench.args.json {
        bench.report.failures().iter().for_each(|line| println!("{line}"));
    } else {
        print!("{}", bench.report.table());
    }
    let well = if bench.args.check { bench.report.passes() } else { bench.report.is_complete() };
    // What was measured is told by now, even if an engine does not end well.
    bench.end().await?;
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Below the workspace's `target`, wherever the bench is started.
fn default_dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/bench")
}
