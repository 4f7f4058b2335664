//! The run as a person sees it: started or found, and told of until it ends.

use std::time::{Duration, Instant};

use factum::{Engine, Error, Outcome, Run, StateUpdate, Status, Update};
use import::machine::{Import, Stop, import as states};
use import::page::Job;
use tokio::signal::unix::{SignalKind, signal};

use crate::Failure;

/// The run's id: one import for each data directory.
const RUN: &str = "import";

/// How it came out.
pub(crate) enum End {
    /// The run has ended in this state.
    Ended(Import),
    /// This process was asked to end; the run goes on with the next one.
    Interrupted,
}

/// Starts the import, or finds it as it was left, and tells of its states until it ends.
pub(crate) async fn follow(engine: &Engine, job: Job, stop: bool, every: Duration) -> Result<End, Failure> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let found = match engine.attach_fsm::<Import>(RUN).await {
        Ok(_) => true,
        Err(Error::UnknownRun { .. }) => false,
        Err(error) => return Err(error.into()),
    };
    let run = match engine.start(states::Opening { job }).id(RUN).await {
        Err(Error::Conflict { .. }) => {
            return Err("this directory has an import of another file or pages: give another one with `--data`".into());
        }
        run => run?,
    };
    // Before the run is resumed, so that it hears of it behind the page that held it up.
    if stop {
        match run.signal(Stop).await {
            // Too late: it ends anyway, or has ended.
            Ok(()) | Err(Error::Rejected { .. } | Error::NotActive { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    match run.info().status {
        Status::Completed => println!("found an import that has ended"),
        Status::Paused => {
            println!("found an import that was stopped by a problem: it tries again");
            engine.resume(RUN).await?;
        }
        Status::Poisoned => {
            println!("found an import that has taken its process down too often: it tries again");
            engine.retry(RUN).await?;
        }
        Status::Running | Status::Waiting | Status::Compensating if found => {
            println!("found an import that is under way: it goes on");
        }
        _ => {}
    }
    let outcome = tokio::select! {
        biased;
        _ = interrupt.recv() => return Ok(End::Interrupted),
        _ = terminate.recv() => return Ok(End::Interrupted),
        outcome = tell(&run, every) => outcome?,
    };
    match outcome {
        Outcome::Completed(run) => Ok(End::Ended(run.into_output())),
        Outcome::Paused(run) => {
            let problem = run.info().problem.unwrap_or_default();
            Err(format!("{problem}; run this again when that is mended, and it goes on").into())
        }
        other => Err(format!("the import is {}: {}", other.status(), run.info().problem.unwrap_or_default()).into()),
    }
}

/// Tells of the run's states until it has ended or does not go on by itself, and how it came out. The
/// watch tells of the end behind the last state; `outcome()`, asked beside it, may be there before.
async fn tell(run: &Run<Import>, every: Duration) -> factum::Result<Outcome<Import>> {
    let (mut watch, mut teller) = (run.watch(), Teller { every, last: None });
    while let Some(update) = watch.next().await {
        match update {
            Update::State(state) => teller.tell(&state)?,
            Update::Status(Status::Running | Status::Waiting | Status::Compensating) => {}
            Update::Status(_) => break,
            _ => {}
        }
    }
    run.outcome().await
}

/// Tells of each state, and of one that is followed by itself now and then.
struct Teller {
    every: Duration,
    /// The state that was told last, and when.
    last: Option<(String, Instant)>,
}

impl Teller {
    fn tell(&mut self, state: &StateUpdate) -> factum::Result<()> {
        let due = |(name, told): &(String, Instant)| name != state.name() || told.elapsed() >= self.every;
        if self.last.as_ref().is_none_or(due) {
            println!("{}: {}", state.name(), line(&state.decode()?));
            self.last = Some((state.name().to_owned(), Instant::now()));
        }
        Ok(())
    }
}

/// What is to be said of a state.
fn line(state: &Import) -> String {
    match state {
        Import::Opening { job } => format!("looking for `{}`", job.file.display()),
        Import::Page { bytes, cursor, lines, imported, rejected, .. } => {
            let percent = cursor * 100 / (*bytes).max(1);
            format!("{lines} lines, {imported} imported, {rejected} rejected, {percent} %")
        }
        Import::Finishing { .. } => "summing up".to_owned(),
        Import::Done { .. } => "everything is imported".to_owned(),
        Import::Stopped { .. } => "as it was told".to_owned(),
        Import::Refused { .. } => "nothing more is imported".to_owned(),
    }
}
