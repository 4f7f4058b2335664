//! `order-lifecycle`: serves orders over HTTP. Kill it and start it again, and every order goes on.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is the program's output")]

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use factum::Engine;
use order_lifecycle::http::serve;
use order_lifecycle::ledger::{Ledger, path_in};
use order_lifecycle::machine::Order;
use order_lifecycle::steps::Shop;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The size of the log's segments: a small one is there sooner, and no order has much to say.
const SEGMENT: u64 = 1 << 20;

/// Serves orders over HTTP, each a state machine that survives `kill -9`.
///
/// Prints the address that it serves at. Ctrl-C and SIGTERM have it end in peace.
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where the orders are kept, and the ledger of the provider and the carrier
    #[arg(long, value_name = "DIR", default_value = "data/order-lifecycle")]
    data: PathBuf,
    /// Kill this process with SIGKILL once the ledger has N more entries, before anybody is told
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
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
    let stop = stop()?;
    let data = args.data.display();
    std::fs::create_dir_all(&args.data).map_err(|error| format!("cannot make `{data}`: {error}"))?;
    let path = path_in(&args.data);
    let ledger =
        Ledger::open(&path, args.kill_after).map_err(|error| format!("ledger `{}`: {error}", path.display()))?;
    // Before the engine is opened: a port that is taken is said before any order goes on.
    let listener = TcpListener::bind(args.listen).await.map_err(|error| format!("{}: {error}", args.listen))?;
    let builder = Engine::builder(args.data.join("engine")).app(Shop { ledger }).fsm::<Order>();
    let engine = builder.segment_bytes(SEGMENT).open().await?;
    println!("http://{}", listener.local_addr()?);
    serve(engine, listener, stop).await
}

/// Ctrl-C or SIGTERM, listened to from now on.
fn stop() -> std::io::Result<impl Future<Output = ()>> {
    let (mut interrupted, mut ended) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = ended.recv() => {}
        }
    })
}
