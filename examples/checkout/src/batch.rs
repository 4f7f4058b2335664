//! A whole file of orders: starts a run for each, so many at a time, and counts
//! how they end.
//!
//! Safe to do again: an order's id is its run's id, and to start a run that is
//! known, running or ended, only gives back its handle.

use std::collections::HashSet;
use std::io::Write;

use factum::{Engine, Outcome, Status};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use crate::orders::{BadLine, OrderFile, OrderLine};
use crate::progress::Progress;
use crate::workflow::checkout;

/// How an order ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", content = "detail", rename_all = "lowercase")]
pub enum Ending {
    /// Shipped under this tracking number.
    Completed(String),
    /// Failed for this reason, and everything undone.
    Compensated(String),
    /// Cannot go on by itself; an operator has to look at it.
    Held(String),
}

/// An order and its ending: one line of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The order's id.
    pub order: String,
    /// How it ended.
    #[serde(flatten)]
    pub ending: Ending,
}

/// The sum of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Orders that were shipped, in this call or before.
    pub completed: usize,
    /// Orders that failed and were undone, in this call or before.
    pub compensated: usize,
    /// Of all these, those that had ended before this call.
    pub before: usize,
    /// Orders that cannot go on by themselves, with the reason.
    pub held: Vec<String>,
    /// Lines whose order id was processed before with another content.
    pub bad: Vec<BadLine>,
}

impl Tally {
    /// Orders that are done with.
    #[must_use]
    pub fn ended(&self) -> usize {
        self.completed + self.compensated + self.held.len()
    }
}

/// Processes the orders of `file`, at most `concurrency` at a time, and writes
/// each ending to `report` as a line of JSON.
///
/// # Errors
/// When the engine stops, or the report cannot be written. What was finished is
/// finished: a later call goes on from there.
pub async fn process(
    engine: &Engine,
    file: OrderFile,
    concurrency: usize,
    progress: &mut Progress,
    report: &mut (dyn Write + Send),
) -> Result<Tally, Box<dyn std::error::Error + Send + Sync>> {
    let ended_before = ended_runs(engine).await?;
    let mut tally = Tally::default();
    let mut going = JoinSet::new();
    let mut waiting = file.orders.into_iter();
    loop {
        while going.len() < concurrency.max(1)
            && let Some(next) = waiting.next()
        {
            going.spawn(settle(engine.clone(), next));
        }
        let Some(settled) = going.join_next().await else { return Ok(tally) };
        match settled?? {
            Settled::Ended(ended) => {
                tally.before += usize::from(ended_before.contains(&ended.order));
                writeln!(report, "{}", serde_json::to_string(&ended)?)?;
                match ended.ending {
                    Ending::Completed(_) => tally.completed += 1,
                    Ending::Compensated(_) => tally.compensated += 1,
                    Ending::Held(why) => tally.held.push(format!("order `{}`: {why}", ended.order)),
                }
            }
            Settled::Conflict(bad) => tally.bad.push(bad),
        }
        progress.advance(&tally);
    }
}

enum Settled {
    Ended(Ended),
    Conflict(BadLine),
}

async fn settle(engine: Engine, OrderLine { line, order }: OrderLine) -> factum::Result<Settled> {
    let id = order.id.clone();
    let run = match engine.start(checkout(order)).id(&id).await {
        Err(factum::Error::Conflict { .. }) => {
            let problem = format!("order `{id}` was processed before, as another order");
            return Ok(Settled::Conflict(BadLine { line, problem }));
        }
        run => run?,
    };
    let ending = match run.outcome().await? {
        Outcome::Completed(run) => Ending::Completed(run.output().tracking.clone()),
        Outcome::Failed(run) => Ending::Compensated(run.failure().to_string()),
        Outcome::Cancelled(_) => Ending::Compensated("cancelled".to_owned()),
        Outcome::Paused(_) => Ending::Held("it was paused".to_owned()),
        Outcome::Stuck(run) => Ending::Held(run.problem().to_owned()),
        Outcome::Diverged(run) => Ending::Held(run.problem().to_owned()),
        Outcome::Poisoned(run) => Ending::Held(run.problem().to_owned()),
    };
    Ok(Settled::Ended(Ended { order: id, ending }))
}

async fn ended_runs(engine: &Engine) -> factum::Result<HashSet<String>> {
    let ended =
        || engine.list().status(Status::Completed).status(Status::Failed).status(Status::Cancelled).limit(1_000);
    let mut ids = HashSet::new();
    let mut page = ended().await?;
    loop {
        ids.extend(page.runs.into_iter().map(|run| String::from(run.id)));
        let Some(next) = page.next else { return Ok(ids) };
        page = ended().after(&next).await?;
    }
}
