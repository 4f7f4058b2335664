//! A run that an older program began goes on in a newer one, whose `Page` has a field more.
#![allow(clippy::unwrap_used, reason = "a test panics where it fails")]

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use factum::{Engine, Outcome, Update};
use import::desk::Desk;
use import::machine::Import;
use import::page::Job;

/// The first release: its `Page` had no `blank`.
mod old {
    use factum::prelude::*;
    use import::desk::Desk;
    use import::machine::Stop;
    use import::page::Job;
    use serde::{Deserialize, Serialize};

    // `import` is this crate here.
    #[fsm(app = Desk, module = older)]
    #[reject]
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub(crate) enum Import {
        #[initial]
        #[next(Page)]
        Opening { job: Job },
        #[next(Stopped)]
        #[accepts(Stop)]
        Page { job: Job, bytes: u64, cursor: u64, lines: u64, imported: u64, rejected: u64 },
        #[terminal]
        Stopped { lines: u64 },
    }

    #[state]
    async fn opening(older::Opening { job }: older::Opening) -> Next<older::Opening> {
        let bytes = super::KEPT.len() as u64;
        go(older::Page { job, bytes, cursor: 0, lines: 0, imported: 0, rejected: 0 })
    }

    #[state]
    async fn page(state: older::Page) -> Next<older::Page> {
        signal::<Stop>().await;
        go(older::Stopped { lines: state.lines })
    }
}

const KEPT: &str = include_str!("../orders.jsonl");

#[tokio::test]
async fn a_state_without_a_new_field_is_read_with_its_default() {
    let dir = tempfile::tempdir().unwrap();
    let builder = || Engine::builder(dir.path().join("engine")).app(Desk::unsynced(&dir.path().join("table")));
    let file = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/orders.jsonl"));
    let job = Job { file, page_lines: 50 };

    let engine = builder().fsm::<old::Import>().open().await.unwrap();
    let run = engine.start(old::older::Opening { job: job.clone() }).id("import").await.unwrap();
    let mut watch = run.watch();
    loop {
        match watch.next().await.unwrap() {
            Update::State(state) if state.name() == "Page" => break,
            _ => {}
        }
    }
    drop((run, watch));
    engine.shutdown().await.unwrap();

    let left = Arc::new(Mutex::new(Vec::new()));
    let seen = left.clone();
    let newer = builder().fsm::<Import>().on_exit(move |_, state: &Import| seen.lock().unwrap().push(state.clone()));
    let engine = newer.open().await.unwrap();
    let run = engine.attach_fsm::<Import>("import").await.unwrap();
    let Outcome::Completed(done) = run.outcome().await.unwrap() else { panic!("not completed") };
    let Import::Done { summary } = done.output() else { panic!("{:?}", done.output()) };
    assert_eq!((summary.imported, summary.rejected), (500, 0));
    let bytes = KEPT.len() as u64;
    let as_it_was = Import::Page { job, bytes, cursor: 0, lines: 0, imported: 0, rejected: 0, blank: 0 };
    assert_eq!(left.lock().unwrap()[0], as_it_was);
    engine.shutdown().await.unwrap();
}
