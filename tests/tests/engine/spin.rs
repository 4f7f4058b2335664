//! Bodies that do not come to an await.

use std::sync::{Condvar, Mutex};

use factum::prelude::*;
use factum::testing::Sim;

use crate::world::{World, builder};

/// Doors that stay shut until the test opens them.
struct Door {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Door {
    const fn shut() -> Door {
        Door { open: Mutex::new(false), opened: Condvar::new() }
    }

    fn pass(&self) {
        drop(self.opened.wait_while(self.open.lock().unwrap(), |open| !*open).unwrap());
    }

    fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

static BEGINNING: Door = Door::shut();
static MIDDLE: Door = Door::shut();
static STEP: Door = Door::shut();

#[step]
async fn act(io: &mut Io<World>, what: String) {
    io.app().act(what);
}

#[step]
async fn spins(_io: &mut Io<World>) {
    STEP.pass();
}

#[saga(app = World)]
async fn at_the_beginning() {
    BEGINNING.pass();
}

#[saga(app = World)]
async fn in_the_middle() {
    act("before".into()).await; // the place that is told
    MIDDLE.pass();
    act("after".into()).await;
}

#[saga(app = World)]
async fn in_a_step() {
    spins().await;
}

#[saga(app = World)]
async fn well_behaved() {
    act("well".into()).await;
    sleep(days(1)).await;
}

/// What is said of a run, as soon as something is.
async fn problem(engine: &Engine, id: &str) -> String {
    loop {
        let runs = engine.list().await.unwrap();
        if let Some(problem) = runs.into_iter().find(|run| run.id.as_str() == id).unwrap().problem {
            return problem;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 5)]
async fn a_spinning_body_is_reported_with_its_place_while_the_others_go_on() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let builder = builder(dir.path(), &world).saga(at_the_beginning).saga(in_the_middle).saga(in_a_step);
    let engine = builder.saga(well_behaved).open().await.unwrap();
    engine.start(at_the_beginning()).id("beginning").await.unwrap();
    engine.start(in_the_middle()).id("middle").await.unwrap();
    engine.start(in_a_step()).id("step").await.unwrap();
    let said = problem(&engine, "beginning").await;
    assert!(said.starts_with("its body has not come to its first await for 1."), "{said}");
    let said = problem(&engine, "middle").await;
    let line =
        include_str!("spin.rs").lines().position(|line| line.ends_with("// the place that is told")).unwrap() + 1;
    assert!(said.starts_with("its body has not come to an await for 1."), "{said}");
    assert!(said.ends_with(&format!("spin.rs:{line}")), "{said}");
    let said = problem(&engine, "step").await;
    assert!(said.starts_with("step `spins`, ") && said.contains("spin.rs:"), "{said}");
    engine.start(well_behaved()).id("well").await.unwrap();
    world.happened("well", 1).await;
    for (id, door) in [("beginning", &BEGINNING), ("middle", &MIDDLE), ("step", &STEP)] {
        door.open();
        while engine.list().await.unwrap().iter().any(|run| run.id.as_str() == id && run.problem.is_some()) {
            tokio::task::yield_now().await;
        }
    }
    world.happened("after", 1).await;
    engine.shutdown().await.unwrap();
}

#[test]
fn nothing_is_said_of_runs_that_come_to_their_awaits() {
    let (sim, world) = (Sim::new(1), World::new());
    sim.run(async {
        let engine = Engine::builder("/data").app(world.clone()).sim(&sim).saga(well_behaved).open().await.unwrap();
        let run = engine.start(well_behaved()).await.unwrap();
        for _ in 0..100 {
            sim.sleep(std::time::Duration::from_secs(30)).await;
            assert_eq!(run.info().problem, None);
        }
        engine.shutdown().await.unwrap();
    });
}
