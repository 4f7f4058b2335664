//! Many runs on one engine: starts, children, and the end of a process.

use std::future::IntoFuture;
use std::time::Duration;

use factum::prelude::*;
use factum::{Engine, Error, Event, Status};

use crate::machine::{Machine, events, outcome, recorded};
use crate::world::{Oops, World, acts, acts_on, does};

#[saga(app = World)]
async fn one(what: String) -> u64 {
    acts_on(what).await
}

#[saga(app = World)]
async fn two_steps() -> String {
    acts("first").await + &acts("second").await
}

#[saga(app = World)]
async fn grandchild() -> Result<(), Oops> {
    does("grandchild's".to_owned()).await?;
    sleep(days(2)).await;
    Ok(())
}

#[saga(app = World)]
async fn child(linked: bool) -> Result<(), Oops> {
    does("child's".to_owned()).await?;
    if linked {
        let below = spawn(grandchild()).linked().id("grandchild").await;
        // Its end is what is awaited, and it does not come.
        if below.await.is_err() {
            return Err(Oops::Failed("below".to_owned()));
        }
    }
    sleep(days(2)).await;
    Ok(())
}

#[saga(app = World)]
async fn inner() -> Result<(), Oops> {
    does("inner".to_owned()).await?;
    sleep(days(2)).await;
    Ok(())
}

#[saga(app = World)]
async fn parent() -> Result<(), Oops> {
    does("parent's".to_owned()).await?;
    let _linked = spawn(child(true)).linked().id("child").await;
    let _alone = spawn(child(false)).id("alone").await;
    inner().await
}

#[step]
async fn thinks(io: &mut Io<World>, n: u64) -> u64 {
    let _ = io;
    n
}

#[saga(app = World)]
async fn hundred_steps() -> u64 {
    let mut sum = 0;
    for n in 0..100 {
        sum += thinks(n).await;
    }
    sum
}

/// Polls each of several futures once, so that they are all under way.
async fn begin<T>(futures: &mut [std::pin::Pin<Box<impl Future<Output = T> + ?Sized>>]) {
    std::future::poll_fn(|cx| {
        for future in futures.iter_mut() {
            assert!(future.as_mut().poll(cx).is_pending());
        }
        std::task::Poll::Ready(())
    })
    .await;
}

pub async fn rule_24_concurrent_starts_of_one_id_execute_once(m: &Machine) {
    let engine = m.open(|b| b.saga(one)).await;
    let mut starts = Vec::new();
    for n in 0..20 {
        for _ in 0..4 {
            starts.push(engine.run(one(format!("job {n}"))).id(format!("r{n}")).into_future());
        }
    }
    begin(&mut starts).await;
    for start in starts {
        start.await.unwrap();
    }
    for n in 0..20 {
        assert_eq!(m.world.count(&format!("job {n}")), 1);
    }
    // Nor does the next process, whoever asks.
    m.crash(engine).await;
    let engine = m.open(|b| b.saga(one)).await;
    for n in 0..20 {
        engine.run(one(format!("job {n}"))).id(format!("r{n}")).await.unwrap();
    }
    assert_eq!(m.world.done().len(), 20);
    engine.shutdown().await.unwrap();
}

pub async fn starts_that_differ_are_refused_and_execute_nothing(m: &Machine) {
    let engine = m.open(|b| b.saga(one).saga(two_steps)).await;
    m.world.hold("job");
    let mut starts = vec![engine.start(one("job".to_owned())).id("r").into_future()];
    starts.extend((0..3).map(|n| engine.start(one(format!("other {n}"))).id("r").into_future()));
    // A refusal waits for the disk, too: until the first start is durable, there may never have been one.
    begin(&mut starts).await;
    let mut starts = starts.into_iter();
    let run = starts.next().unwrap().await.unwrap();
    for other in starts {
        let error = other.await.unwrap_err();
        assert!(matches!(error, Error::Conflict { differs: "input", .. }), "{error}");
    }
    m.world.let_go("job");
    assert!(matches!(run.outcome().await.unwrap(), Outcome::Completed(_)));
    assert_eq!(m.world.done(), ["job"]);
    engine.shutdown().await.unwrap();
}

pub async fn rule_08_a_handle_says_what_the_journal_says(m: &Machine) {
    let engine = m.open(|b| b.saga(two_steps).saga(one)).await;
    m.world.hold("first");
    let run = engine.start(two_steps()).id("r").await.unwrap();
    m.world.happened("first", 1).await;
    engine.pause("r", "why not").await.unwrap();
    m.world.let_go("first");
    assert!(matches!(run.outcome().await.unwrap(), Outcome::Paused(_)));
    m.crash(engine).await;
    // A handle is made anew from what is recorded, and its status cannot be written by anybody else: see `State`, which
    // is sealed, and `Run`, which is no data.
    let engine = m.open(|b| b.saga(two_steps).saga(one)).await;
    let run = engine.attach(two_steps, "r").await.unwrap();
    assert!(matches!(run.outcome().await.unwrap(), Outcome::Paused(_)));
    assert!(matches!(engine.attach(one, "r").await, Err(Error::Conflict { differs: "workflow", .. })));
    assert!(matches!(engine.retry("r").await, Err(Error::NotHeldUp { status: Status::Paused, .. })));
    engine.resume("r").await.unwrap();
    m.until(|| run.info().status == Status::Completed).await;
    assert!(matches!(run.outcome().await.unwrap(), Outcome::Completed(_)));
    assert!(matches!(engine.resume("r").await, Err(Error::NotActive { status: Status::Completed, .. })));
    engine.shutdown().await.unwrap();
}

pub async fn rule_27_nothing_polls(m: &Machine) {
    let engine = m.open(|b| b.saga(hundred_steps)).await;
    let took = m.timed(async { assert_eq!(engine.run(hundred_steps()).await.unwrap(), 4950) }).await;
    // Each waits for the disk alone: 100 idle polls of a tenth of a second would be 10 s.
    assert!(took < Duration::from_secs(5), "{took:?}");
    let before = engine.stats();
    m.pass(Duration::from_millis(50)).await;
    let after = engine.stats();
    assert_eq!((after.frames, after.records), (before.frames, before.records), "nobody writes when nothing happens");
    engine.shutdown().await.unwrap();
}

pub async fn rule_29_a_run_belongs_to_the_engine_and_not_to_its_caller(m: &Machine) {
    let engine = m.open(|b| b.saga(two_steps)).await;
    m.world.hold("first");
    {
        let mut caller = [engine.run(two_steps()).id("r").into_future()];
        begin(&mut caller).await;
        m.world.happened("first", 1).await;
    }
    // Nobody waits for it any more.
    m.world.let_go("first");
    m.world.happened("second", 1).await;
    let ended = outcome(&engine, two_steps, "r").await;
    assert!(matches!(ended, Outcome::Completed(_)), "{ended:?}");
    engine.shutdown().await.unwrap();
}

fn family(builder: factum::Builder<World>) -> factum::Builder<World> {
    builder.saga(parent).saga(child).saga(grandchild)
}

async fn family_waits(m: &Machine, engine: &Engine) {
    for of in ["parent's", "child's", "grandchild's", "inner"] {
        m.world.happened(of, 1).await;
    }
    m.world.happened("child's", 2).await;
    for id in ["r", "child", "grandchild", "alone"] {
        let done = |names: Vec<&str>| names.contains(&"timer set") || names.contains(&"child started");
        loop {
            match engine.history(id).await {
                Ok(_) if done(events(engine, id).await) => break,
                Ok(_) | Err(Error::UnknownRun { .. }) => m.rest().await,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

pub async fn cancelling_a_parent_reaches_the_tree(m: &Machine) {
    let engine = m.open(family).await;
    engine.start(parent()).id("r").await.unwrap();
    family_waits(m, &engine).await;
    m.world.hold("undo grandchild's");
    engine.cancel("r").await.unwrap();
    m.world.happened("undo grandchild's", 1).await;
    // The tree goes down in the next process, too.
    m.crash(engine).await;
    m.world.let_go("undo grandchild's");
    let engine = m.open(family).await;
    let ended = outcome(&engine, parent, "r").await;
    assert!(matches!(ended, Outcome::Cancelled(_)), "{ended:?}");
    for of in ["parent's", "inner", "child's", "grandchild's"] {
        assert!(m.world.count(&format!("undo {of}")) > 0, "{of}: {:?}", m.world.done());
    }
    // Undone is what is recorded so: once.
    assert_eq!(recorded(&engine, "r", "compensation done").await, 3, "two steps and the linked child");
    // A parent has not ended before its linked children have.
    for id in ["child", "grandchild"] {
        let names = events(&engine, id).await;
        assert_eq!(names.last(), Some(&"run cancelled"), "{id}: {names:?}");
    }
    // The child that is on its own goes on.
    let alone = engine.attach(child, "alone").await.unwrap();
    assert!(!recorded_cancel(&engine, "alone").await);
    assert!(matches!(alone.info().status, Status::Running | Status::Waiting));
    engine.shutdown().await.unwrap();
}

async fn recorded_cancel(engine: &Engine, id: &str) -> bool {
    recorded(engine, id, "cancel requested").await > 0
}

pub async fn a_shutdown_leaves_everything_recoverable_and_no_task_behind(m: &Machine) {
    let with = |b: factum::Builder<World>| family(b).saga(two_steps).shutdown_timeout(Duration::from_millis(20));
    let before = m.world.holders();
    let engine = m.open(with).await;
    engine.start(parent()).id("r").await.unwrap();
    family_waits(m, &engine).await;
    m.world.hold("second");
    let run = engine.start(two_steps()).id("s").await.unwrap();
    m.world.happened("second", 1).await;
    engine.shutdown().await.unwrap();
    assert!(matches!(run.outcome().await, Err(Error::Stopped { .. })));
    drop(run);
    // Who has the engine has the world: no task, and no thread.
    m.until(|| m.world.holders() == before).await;

    m.world.let_go("second");
    let engine = m.open(with).await;
    assert!(engine.open_report().clean);
    let ended = outcome(&engine, two_steps, "s").await;
    assert!(matches!(ended, Outcome::Completed(_)), "{ended:?}");
    assert_eq!((m.world.count("first"), m.world.count("second")), (1, 2));
    assert_eq!(recorded(&engine, "s", "recovered").await, 0, "a shutdown is no crash");
    engine.cancel("r").await.unwrap();
    let ended = outcome(&engine, parent, "r").await;
    assert!(matches!(ended, Outcome::Cancelled(_)), "{ended:?}");
    engine.shutdown().await.unwrap();
}

/// Real processes that abort, with a hundred healthy runs beside: `engine::abort`.
pub async fn poison_is_counted_per_run(m: &Machine) {
    let with = |b: factum::Builder<World>| b.saga(two_steps).saga(one).poison_after(3);
    m.world.hold("second");
    for crash in 1..=3 {
        let engine = m.open(with).await;
        engine.start(two_steps()).id("bad").await.unwrap();
        m.world.happened("second", crash).await;
        // Beside it there is always one in the air that gets on by the next time.
        let well = format!("well {crash}");
        m.world.hold(&well);
        engine.start(one(well.clone())).id(well.clone()).await.unwrap();
        m.world.happened(&well, 1).await;
        m.crash(engine).await;
        m.world.let_go(&well);
    }
    let engine = m.open(with).await;
    match outcome(&engine, two_steps, "bad").await {
        Outcome::Poisoned(run) => assert!(run.problem().contains("3 times"), "{}", run.problem()),
        other => panic!("{other:?}"),
    }
    assert_eq!(m.world.count("second"), 3, "it is not attempted once more");
    for crash in 1..=3 {
        let ended = outcome(&engine, one, &format!("well {crash}")).await;
        assert!(matches!(ended, Outcome::Completed(_)), "{ended:?}");
    }
    // An operator may have it try again.
    m.world.let_go("second");
    engine.retry("bad").await.unwrap();
    let run = engine.attach(two_steps, "bad").await.unwrap();
    m.until(|| run.info().status == Status::Completed).await;
    let poisoned = engine.history("bad").await.unwrap();
    assert_eq!(poisoned.iter().filter(|entry| matches!(entry.event, Event::Poisoned { .. })).count(), 1);
    engine.shutdown().await.unwrap();
}
