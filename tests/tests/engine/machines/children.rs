//! Machines as children, as parents and by a schedule, and undos that fail out of time.

use std::time::Duration;

use factum::prelude::*;
use factum::testing::Sim;
use factum::{Builder, Status};
use serde::{Deserialize, Serialize};

use super::edges::{Shift, all, shift};
use super::{Bill, DAY, Send, for_days};
use crate::world::{Oops, World};

/// Makes a job of work, with children, and asks how it went.
#[fsm(app = World, error = Oops)]
#[reject]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Job {
    #[initial]
    #[next(Working)]
    Asked { child: String },
    #[next(Over)]
    #[accepts(Send, Bill)]
    #[timeout("1 day" => Late { child: state.child })]
    Working { child: String },
    #[next(Over)]
    #[accepts(Send)]
    Late { child: String },
    #[terminal]
    Over { child: String },
}

#[step(compensate = unload(&what))]
pub async fn load(io: &mut Io<World>, what: String) {
    io.app().act(format!("load {what}"));
}

#[step]
async fn unload(io: &mut Io<World>, what: &str) -> Result<(), Oops> {
    if io.app().fails("unload") {
        return Err(Oops::Failed(format!("{what} is stuck")));
    }
    io.app().act(format!("unload {what}"));
    Ok(())
}

#[state]
async fn asked(state: job::Asked) -> Result<Next<job::Asked>, Oops> {
    spawn(shift::Early).id(state.child.clone()).linked().await;
    load("first".into()).await;
    Ok(go(job::Working { child: state.child }))
}

#[state]
async fn working(state: job::Working) -> Result<Next<job::Working>, Oops> {
    load("second".into()).await;
    match race((signal::<Send>(), signal::<Bill>())).await {
        First(Send) => Ok(go(job::Over { child: state.child })),
        Second(Bill(_)) => Err(Oops::Failed("too dear".into())),
    }
}

#[state]
async fn too_late(state: job::Late) -> Result<Next<job::Late>, Oops> {
    signal::<Send>().await;
    Ok(go(job::Over { child: state.child }))
}

#[saga(app = World)]
async fn parent() -> Result<Job, Oops> {
    let child = spawn(job::Asked { child: "grandchild".into() }).id("child").linked().await;
    child.await.map_err(|error| Oops::Failed(error.to_string()))
}

fn jobs(sim: &Sim, world: &World) -> Builder<World> {
    all(sim, world).fsm::<Job>().saga(parent)
}

async fn job_waits(engine: &Engine, sim: &Sim, id: &str) -> factum::Run<Job, factum::Running> {
    loop {
        if let Ok(run) = engine.attach_fsm::<Job>(id).await
            && !matches!(run.state().unwrap(), Job::Asked { .. })
            && run.info().status == Status::Waiting
        {
            return run;
        }
        sim.sleep(Duration::from_millis(1)).await;
    }
}

#[test]
fn an_undo_that_fails_when_time_is_over_can_be_done_again_or_settled() {
    for seed in 0..4 {
        for settled in [false, true] {
            for_days(seed, |sim, world| async move {
                let engine = jobs(&sim, &world).open().await.unwrap();
                drop(engine.start(job::Asked { child: "c".into() }).id("j").await.unwrap());
                let run = job_waits(&engine, &sim, "j").await;
                world.fail_next("unload");
                sim.sleep(DAY + Duration::from_secs(60)).await;
                let Outcome::Stuck(stuck) = run.outcome().await.unwrap() else { panic!("not stuck") };
                let at = stuck.report().failed_undos[0].at.clone();
                drop((run, stuck));
                engine.shutdown().await.unwrap();
                let engine = jobs(&sim, &world).open().await.unwrap();
                let mut lines = Vec::new();
                engine.export("j", &mut lines).await.unwrap();
                if settled {
                    engine.resolve("j", &at, "by hand").await.unwrap();
                } else {
                    engine.retry("j").await.unwrap();
                }
                let run = engine.attach_fsm::<Job>("j").await.unwrap();
                while run.state().unwrap() != (Job::Late { child: "c".into() }) {
                    sim.sleep(Duration::from_millis(1)).await;
                }
                run.cancel().await.unwrap();
                assert_eq!(run.outcome().await.unwrap().status(), Status::Cancelled);
                let undone = if settled { vec!["unload first"] } else { vec!["unload second", "unload first"] };
                assert_eq!(world.done()[2..], undone);
                assert_eq!(
                    engine.attach_fsm::<Shift>("c").await.unwrap().outcome().await.unwrap().status(),
                    Status::Cancelled
                );
                engine.shutdown().await.unwrap();
                assert_eq!(jobs(&sim, &world).verify().await.unwrap().problems, vec![]);
            });
        }
    }
}

#[test]
fn a_machine_is_a_child_and_has_children() {
    for (end, seed) in [("send", 1), ("bill", 2), ("cancel", 3), ("late", 4)] {
        for_days(seed, |sim, world| async move {
            let engine = jobs(&sim, &world).open().await.unwrap();
            let run = engine.start(parent()).id("p").await.unwrap();
            let job = job_waits(&engine, &sim, "child").await;
            // Whoever can leave memory has left it when something comes.
            drop((run, job));
            sim.sleep(Duration::from_secs(30)).await;
            engine.shutdown().await.unwrap();
            let engine = jobs(&sim, &world).open().await.unwrap();
            match end {
                "send" => engine.signal("child", Send).await.unwrap(),
                "bill" => engine.signal("child", Bill(1)).await.unwrap(),
                "cancel" => engine.cancel("p").await.unwrap(),
                _ => {
                    sim.sleep(DAY + Duration::from_secs(60)).await;
                    engine.signal("child", Send).await.unwrap();
                }
            }
            let run = engine.attach(parent, "p").await.unwrap();
            let over = Job::Over { child: "grandchild".into() };
            match (end, run.outcome().await.unwrap()) {
                ("send" | "late", Outcome::Completed(run)) => assert_eq!(run.output(), &over),
                ("bill", Outcome::Failed(run)) => {
                    assert!(run.failure().to_string().contains("too dear"), "{}", run.failure())
                }
                ("cancel", Outcome::Cancelled(_)) => {}
                (_, other) => panic!("{end}: {other:?}"),
            }
            let undone = world.done().iter().filter(|done| done.starts_with("unload")).count();
            assert_eq!(
                undone,
                match end {
                    "send" => 0,
                    "late" => 1,
                    _ => 2,
                }
            );
            let grandchild = engine.attach_fsm::<Shift>("grandchild").await.unwrap();
            match end {
                "send" | "late" => assert!(matches!(grandchild.info().status, Status::Waiting | Status::Running)),
                _ => assert_eq!(grandchild.outcome().await.unwrap().status(), Status::Cancelled),
            }
            engine.shutdown().await.unwrap();
            assert_eq!(jobs(&sim, &world).verify().await.unwrap().problems, vec![]);
        });
    }
}

#[test]
fn a_schedule_starts_machines() {
    for_days(1, |sim, world| async move {
        let engine = jobs(&sim, &world).open().await.unwrap();
        engine.schedule(shift::Early, "0 3 * * *").id("nightly").await.unwrap();
        sim.sleep(3 * DAY).await;
        let runs = engine.list().workflow("Shift").await.unwrap();
        assert_eq!(runs.iter().count(), 3);
        let id = runs.iter().next().unwrap().id.clone();
        assert_eq!(engine.state::<Shift>(&id).await.unwrap(), Shift::Early);
        sim.sleep(10 * DAY).await;
        assert_eq!(engine.state::<Shift>(&id).await.unwrap(), Shift::Closed);
        engine.shutdown().await.unwrap();
    });
}
