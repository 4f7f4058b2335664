//! What a handle offers depends on the run's status.

use factum::Update;
use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[signal]
#[derive(Serialize, Deserialize)]
struct Approval {}

#[signal]
#[derive(Serialize, Deserialize)]
struct Refusal {}

#[saga]
async fn refuses() {
    signal::<Refusal>().await;
}

#[saga]
async fn asks() {
    match race((signal::<Approval>(), sleep(days(1)))).await {
        First(_) => {}
        // What a saga inside it waits for is not known here.
        Second(()) => refuses().await,
    }
}

async fn help(engine: &Engine) -> factum::Result<()> {
    let run = engine.start(asks()).await?;
    run.signal(Approval {}).sender_id("1").await?;
    run.signal(Refusal {}).await?;
    engine.signal_with_start(asks(), Approval {}).id("a").await?;
    if let Some(Update::Status(status)) = run.watch().next().await {
        println!("{status} {:?}", run.progress::<u32>()?);
    }
    run.pause("lunch").await?;
    match run.outcome().await? {
        Outcome::Paused(run) => drop(run.resume().await?),
        Outcome::Stuck(run) => match run.report().failed_undos.first().map(|undo| undo.at.clone()) {
            Some(at) => drop(run.resolve(&at, "by hand").await?),
            None => drop(run.abandon("lost").await?.into_failure()),
        },
        Outcome::Diverged(run) => drop(run.retry().await?),
        Outcome::Poisoned(run) => println!("{}", run.problem()),
        ended => println!("{}", ended.status()),
    }
    Ok(())
}

fn main() {
    let _ = help;
}
