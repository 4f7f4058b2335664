//! An import whose file is not there yet, by a clock that need not be waited for.
#![allow(clippy::unwrap_used, reason = "a test panics where it fails")]

use std::path::Path;
use std::time::SystemTime;

use factum::testing::Sim;
use factum::{Engine, Outcome, Reason, Run, Update};
use import::desk::Desk;
use import::machine::{Import, Stop, import as states};
use import::page::Job;

/// The import of a file that is not there.
async fn begun(sim: &Sim, dir: &Path) -> (Engine, Run<Import>) {
    let engine = Engine::builder("data").sim(sim).app(Desk::unsynced(dir)).fsm::<Import>().open().await.unwrap();
    let job = Job { file: "no/such/file".into(), page_lines: 10 };
    let run = engine.start(states::Opening { job }).id("import").await.unwrap();
    (engine, run)
}

async fn ended(run: &Run<Import>) -> Import {
    let Outcome::Completed(run) = run.outcome().await.unwrap() else { panic!("not completed") };
    run.into_output()
}

#[test]
fn after_an_hour_the_import_is_refused() {
    let (sim, dir) = (Sim::new(1), tempfile::tempdir().unwrap());
    sim.run(async {
        let (engine, run) = begun(&sim, dir.path()).await;
        let begun = SystemTime::from(sim.now());
        let mut watch = run.watch();
        let reason = "`no/such/file` was not there for an hour".to_owned();
        assert_eq!(ended(&run).await, Import::Refused { reason });
        assert_eq!(SystemTime::from(sim.now()).duration_since(begun).unwrap().as_secs(), 3600);
        let mut entered = Vec::new();
        while let Some(update) = watch.next().await {
            if let Update::State(state) = update {
                entered.push((state.name().to_owned(), state.reason().cloned()));
            }
        }
        let timeout = Reason::Timeout { group: None };
        assert_eq!(entered, [("Opening".to_owned(), None), ("Refused".to_owned(), Some(timeout))]);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_stop_is_heard_while_it_waits() {
    let (sim, dir) = (Sim::new(2), tempfile::tempdir().unwrap());
    sim.run(async {
        let (engine, run) = begun(&sim, dir.path()).await;
        run.signal(Stop).await.unwrap();
        assert_eq!(ended(&run).await, Import::Stopped { lines: 0 });
        engine.shutdown().await.unwrap();
    });
}
