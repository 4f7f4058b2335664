//! Timers and signals: what was waited for, until when, and what has come meanwhile.

use std::time::{Duration, SystemTime};

use factum::prelude::*;
use factum::{Engine, Event, Status, WaitingOn};

use crate::machine::{Machine, recorded};
use crate::world::{Go, World, acts};

#[saga(app = World)]
async fn sleeps(nap: Duration) -> u32 {
    sleep(nap).await;
    acts("awake").await;
    1
}

#[saga(app = World)]
async fn waits_at_most(limit: Duration) -> Option<u32> {
    let told = signal::<Go>().timeout(limit).await;
    acts("behind").await;
    told.ok().map(|Go(n)| n)
}

#[saga(app = World)]
async fn takes_two() -> (u32, u32) {
    acts("before").await;
    let Go(a) = signal::<Go>().await;
    acts("between").await;
    let Go(b) = signal::<Go>().await;
    (a, b)
}

#[saga(app = World)]
async fn turns(turn: u32, sum: u32) -> u32 {
    acts("turn").await;
    if turn < 3 {
        return again(turns(turn + 1, sum)).await;
    }
    let Go(a) = signal::<Go>().await;
    let Go(b) = signal::<Go>().await;
    sum + 10 * a + b
}

#[saga(app = World)]
async fn looks_at_the_clock() -> Vec<SystemTime> {
    let first = now().await;
    acts("between").await;
    let second = now().await;
    acts("behind").await;
    vec![first, second]
}

/// The wake times that a run has recorded.
async fn wake_times(engine: &Engine, id: &str) -> Vec<String> {
    let history = engine.history(id).await.unwrap();
    let events = history.iter().filter_map(|entry| match &entry.event {
        Event::TimerSet { wake_at, .. } => Some(wake_at.to_string()),
        _ => None,
    });
    events.collect()
}

pub async fn a_replayed_sleep_keeps_its_original_wake_time(m: &Machine) {
    let engine = m.open(|b| b.saga(sleeps)).await;
    let run = engine.start(sleeps(Duration::from_secs(3600))).id("long").await.unwrap();
    m.until(|| run.info().status == Status::Waiting).await;
    engine.start(sleeps(Duration::from_millis(30))).id("short").await.unwrap();
    let set = wake_times(&engine, "long").await;
    let waits = run.info().waiting;
    m.crash(engine).await;
    m.pass(Duration::from_millis(40)).await;

    let engine = m.open(|b| b.saga(sleeps)).await;
    let run = engine.attach(sleeps, "long").await.unwrap();
    m.until(|| run.info().status == Status::Waiting).await;
    assert_eq!(run.info().waiting[0].on, waits[0].on);
    // What was due meanwhile is due now, and not once more.
    let late = m
        .timed(async { assert_eq!(engine.run(sleeps(Duration::from_millis(30))).id("short").await.unwrap(), 1) })
        .await;
    assert!(late < Duration::from_secs(5), "{late:?}");
    let again = wake_times(&engine, "long").await;
    // The timer of a run that nobody was told of may have been lost with the power; it is set once, ever.
    assert_eq!(again.len(), 1);
    assert!(set.is_empty() || set == again, "{set:?} {again:?}");
    engine.shutdown().await.unwrap();
}

pub async fn a_recovered_wait_resumes_its_deadline(m: &Machine) {
    let engine = m.open(|b| b.saga(waits_at_most)).await;
    let limit = Duration::from_secs(3600);
    let run = engine.start(waits_at_most(limit)).id("r").await.unwrap();
    m.until(|| run.info().status == Status::Waiting).await;
    while wake_times(&engine, "r").await.is_empty() {
        m.rest().await;
    }
    let until = run.info().waiting[0].on.clone();
    assert!(matches!(until, WaitingOn::Signal { until: Some(_), .. }), "{until:?}");
    m.crash(engine).await;
    m.pass(Duration::from_millis(10)).await;
    let engine = m.open(|b| b.saga(waits_at_most)).await;
    let run = engine.attach(waits_at_most, "r").await.unwrap();
    m.until(|| run.info().status == Status::Waiting).await;
    assert_eq!(run.info().waiting[0].on, until);
    engine.signal("r", Go(2)).await.unwrap();
    assert_eq!(engine.run(waits_at_most(limit)).id("r").await.unwrap(), Some(2));
    engine.shutdown().await.unwrap();
}

pub async fn a_timeout_stays_a_timeout(m: &Machine) {
    let limit = Duration::from_millis(20);
    let engine = m.open(|b| b.saga(waits_at_most)).await;
    m.world.hold("behind");
    engine.start(waits_at_most(limit)).id("r").await.unwrap();
    m.world.happened("behind", 1).await;
    m.crash(engine).await;
    m.world.let_go("behind");
    let engine = m.open(|b| b.saga(waits_at_most)).await;
    // One that comes now comes too late, though the body awaits it once more in its replay.
    let sent = engine.signal("r", Go(2)).await;
    assert_eq!(engine.run(waits_at_most(limit)).id("r").await.unwrap(), None);
    assert_eq!(recorded(&engine, "r", "signal consumed").await, 0, "{sent:?}");
    engine.shutdown().await.unwrap();
}

pub async fn a_replayed_wait_takes_no_second_signal(m: &Machine) {
    let engine = m.open(|b| b.saga(takes_two)).await;
    m.world.hold("between");
    engine.start(takes_two()).id("r").await.unwrap();
    engine.signal("r", Go(1)).await.unwrap();
    m.world.happened("between", 1).await;
    m.crash(engine).await;
    m.world.let_go("between");
    let engine = m.open(|b| b.saga(takes_two)).await;
    engine.signal("r", Go(2)).await.unwrap();
    assert_eq!(engine.run(takes_two()).id("r").await.unwrap(), (1, 2));
    assert_eq!(recorded(&engine, "r", "signal consumed").await, 2);
    engine.shutdown().await.unwrap();
}

pub async fn a_signal_that_is_sent_while_nobody_waits_is_found(m: &Machine) {
    let engine = m.open(|b| b.saga(takes_two)).await;
    m.world.hold("before");
    engine.start(takes_two()).id("r").await.unwrap();
    engine.signal("r", Go(1)).sender_id("one").await.unwrap();
    engine.signal("r", Go(2)).await.unwrap();
    m.crash(engine).await;
    m.world.let_go("before");
    let engine = m.open(|b| b.saga(takes_two)).await;
    // The sender does not know whether it was heard, and says it again.
    let again = engine.signal("r", Go(1)).sender_id("one").await;
    assert_eq!(engine.run(takes_two()).id("r").await.unwrap(), (1, 2), "{again:?}");
    engine.shutdown().await.unwrap();
}

pub async fn a_signal_that_is_sent_during_the_step_before_is_kept(m: &Machine) {
    let engine = m.open(|b| b.saga(takes_two)).await;
    m.world.hold("before");
    m.world.hold("between");
    let run = engine.start(takes_two()).id("r").await.unwrap();
    m.world.happened("before", 1).await;
    engine.signal("r", Go(1)).await.unwrap();
    m.world.let_go("before");
    m.world.happened("between", 1).await;
    engine.signal("r", Go(2)).await.unwrap();
    m.world.let_go("between");
    match run.outcome().await.unwrap() {
        Outcome::Completed(run) => assert_eq!(*run.output(), (1, 2)),
        other => panic!("{other:?}"),
    }
    engine.shutdown().await.unwrap();
}

pub async fn again_carries_unread_signals(m: &Machine) {
    let engine = m.open(|b| b.saga(turns)).await;
    m.world.hold("turn");
    engine.start(turns(1, 0)).id("r").await.unwrap();
    m.world.happened("turn", 1).await;
    engine.signal("r", Go(1)).sender_id("one").await.unwrap();
    engine.signal("r", Go(2)).await.unwrap();
    m.world.let_go("turn");
    m.world.hold_from("turn", 2);
    m.world.happened("turn", 2).await;
    m.crash(engine).await;
    m.world.let_go("turn");
    let engine = m.open(|b| b.saga(turns)).await;
    let known = engine.signal("r", Go(9)).sender_id("one").await;
    assert_eq!(engine.run(turns(1, 0)).id("r").await.unwrap(), 12, "{known:?}");
    assert_eq!(recorded(&engine, "r", "again").await, 2);
    engine.shutdown().await.unwrap();
}

pub async fn the_clock_of_a_run_never_goes_backwards_and_is_replayed(m: &Machine) {
    let engine = m.open(|b| b.saga(looks_at_the_clock)).await;
    m.world.hold("between");
    engine.start(looks_at_the_clock()).id("r").await.unwrap();
    m.world.happened("between", 1).await;
    m.crash(engine).await;
    m.set_clock_back(Duration::from_secs(60));
    m.world.let_go("between");
    m.world.hold("behind");
    let engine = m.open(|b| b.saga(looks_at_the_clock)).await;
    m.world.happened("behind", 1).await;
    m.crash(engine).await;
    m.world.let_go("behind");
    let engine = m.open(|b| b.saga(looks_at_the_clock)).await;
    let told = engine.run(looks_at_the_clock()).id("r").await.unwrap();
    assert!(told[0] <= told[1], "{told:?}");
    assert_eq!(recorded(&engine, "r", "value drawn").await, 2);
    engine.shutdown().await.unwrap();
}
