//! Several things at once: who decides is a fact, and in which order they were looked at is none.

use std::collections::BTreeSet;

use factum::prelude::*;
use factum::{Event, Status};

use crate::machine::{Machine, outcome, recorded};
use crate::world::{Go, Oops, World, acts, acts_on, bodies_begun, body_begins, does};

/// How many branches one await can have, at least.
const WIDE: u64 = 1_024;

#[saga(app = World)]
async fn fans_out() -> u64 {
    let lens = all((0..WIDE).map(|n| acts_on(format!("part {n}")))).await;
    acts("behind").await;
    lens.into_iter().sum()
}

#[saga(app = World)]
async fn loser(name: String) -> Result<u32, Oops> {
    body_begins(&name);
    does("lost".to_owned()).await?;
    let Go(n) = signal::<Go>().await;
    Ok(n)
}

#[saga(app = World)]
async fn winner() -> Result<u32, Oops> {
    does("won".to_owned()).await?;
    sleep(millis(20)).await;
    Ok(0)
}

#[saga(app = World)]
async fn races(name: String) -> Result<(String, u32), Oops> {
    let won = race((loser(name), winner())).await;
    let who = match won {
        First(n) => format!("first {}", n?),
        Second(n) => format!("second {}", n?),
    };
    acts("behind").await;
    let Go(n) = signal::<Go>().await;
    Ok((who, n))
}

#[step(cancel = "abort", compensate = puts_back(&what))]
async fn hangs(io: &mut Io<World>, what: String) -> Result<(), Oops> {
    io.app().perform(&what).await
}

#[step]
async fn puts_back(io: &mut Io<World>, what: &str) {
    io.app().act(format!("put {what} back"));
}

#[saga(app = World)]
async fn outruns() -> Result<u32, Oops> {
    match race((hangs("hanging".to_owned()), signal::<Go>())).await {
        First(done) => done.map(|()| 0),
        Second(Go(n)) => {
            acts("behind").await;
            Ok(n)
        }
    }
}

#[saga(app = World)]
async fn part(name: String) -> u64 {
    let (a, b) = join((acts_on(format!("{name} a")), acts_on(format!("{name} b")))).await;
    a + b
}

/// Every kind of branch inside another one.
#[saga(app = World)]
async fn nested() -> u64 {
    let (parts, c, won) = join((
        all((0..3).map(|n| part(format!("part {n}")))),
        acts_on("c".to_owned()),
        race((part("raced".to_owned()), sleep(days(1)))),
    ))
    .await;
    acts("behind").await;
    let won = match won {
        First(n) => n,
        Second(()) => 0,
    };
    parts.into_iter().sum::<u64>() + c + won + acts_on("d".to_owned()).await
}

pub async fn a_fan_in_of_1024_branches_replays(m: &Machine) {
    let engine = m.open(|b| b.segment_bytes(1 << 20).saga(fans_out)).await;
    m.world.hold("behind");
    engine.start(fans_out()).id("r").await.unwrap();
    m.world.happened("behind", 1).await;
    m.crash(engine).await;
    m.world.let_go("behind");
    let engine = m.open(|b| b.segment_bytes(1 << 20).saga(fans_out)).await;
    let sum = (0..WIDE).map(|n| format!("part {n}").len() as u64).sum::<u64>();
    assert_eq!(engine.run(fans_out()).id("r").await.unwrap(), sum);
    assert_eq!(m.world.done_of("part ").len() as u64, WIDE, "each was done once");
    engine.shutdown().await.unwrap();
}

/// Half of the branches are done when the process ends: only the others are done then.
pub async fn a_fan_in_that_is_cut_short_does_only_what_is_left(m: &Machine) {
    let engine = m.open(|b| b.segment_bytes(1 << 20).saga(nested)).await;
    m.world.hold("part 1 b");
    m.world.hold("c");
    engine.start(nested()).id("r").await.unwrap();
    for held in ["part 1 b", "c", "part 2 b", "raced b"] {
        m.world.happened(held, 1).await;
    }
    while recorded(&engine, "r", "step done").await < 7 {
        m.rest().await;
    }
    m.crash(engine).await;
    m.world.let_go("part 1 b");
    m.world.let_go("c");
    let engine = m.open(|b| b.segment_bytes(1 << 20).saga(nested)).await;
    engine.run(nested()).id("r").await.unwrap();
    for what in ["part 0 a", "part 0 b", "part 1 a", "part 2 a", "part 2 b", "raced a", "raced b", "behind"] {
        assert_eq!(m.world.count(what), 1, "{what}: {:?}", m.world.done());
    }
    assert_eq!((m.world.count("part 1 b"), m.world.count("c")), (2, 2));
    engine.shutdown().await.unwrap();
}

pub async fn a_race_replays_the_same_winner_and_polls_nobody_else(m: &Machine) {
    let name = format!("{m:p}");
    let before = bodies_begun(&name);
    let engine = m.open(|b| b.saga(races)).await;
    m.world.hold("behind");
    engine.start(races(name.clone())).id("r").await.unwrap();
    m.world.happened("behind", 1).await;
    assert_eq!((m.world.count("undo lost"), m.world.count("undo won")), (1, 0), "the loser's step is undone");
    m.crash(engine).await;
    m.world.let_go("behind");
    let engine = m.open(|b| b.saga(races)).await;
    // In the replay the loser would win at once: its signal is there.
    engine.signal("r", Go(7)).await.unwrap();
    assert_eq!(engine.run(races(name.clone())).id("r").await.unwrap(), ("second 0".to_owned(), 7));
    assert_eq!(bodies_begun(&name) - before, 1, "the loser is not even begun in a replay");
    assert_eq!((m.world.count("undo lost"), m.world.count("undo won")), (1, 0));
    assert_eq!(recorded(&engine, "r", "branch won").await, 1);
    engine.shutdown().await.unwrap();
}

pub async fn the_loser_of_a_race_is_cancelled_and_takes_no_later_signal(m: &Machine) {
    let name = format!("{m:p}");
    let engine = m.open(|b| b.saga(races).saga(outruns)).await;
    m.world.hold("behind");
    let run = engine.start(races(name)).id("r").await.unwrap();
    m.world.happened("behind", 1).await;
    // It waited for this; now it is nobody's but the one's behind the race.
    engine.signal("r", Go(3)).await.unwrap();
    m.world.let_go("behind");
    match run.outcome().await.unwrap() {
        Outcome::Completed(run) => assert_eq!(run.output(), &("second 0".to_owned(), 3)),
        other => panic!("{other:?}"),
    }
    assert_eq!(recorded(&engine, "r", "signal consumed").await, 1);

    // A step that may be cut short is, and what it may have done is undone before anything goes on.
    m.world.hold("hanging");
    let run = engine.start(outruns()).id("s").await.unwrap();
    m.world.happened("hanging", 1).await;
    engine.signal("s", Go(4)).await.unwrap();
    m.until(|| run.info().status == Status::Completed).await;
    assert_eq!(m.world.done()[m.world.done().len() - 2..], ["put hanging back", "behind"]);
    engine.shutdown().await.unwrap();
}

/// On a simulated machine the order in which branches are looked at is drawn.
pub async fn a_randomized_poll_order_does_not_move_positions(m: &Machine) {
    let engine = m.open(|b| b.saga(nested)).await;
    m.world.hold("behind");
    engine.start(nested()).id("r").await.unwrap();
    m.world.happened("behind", 1).await;
    m.crash(engine).await;
    m.world.let_go("behind");
    let engine = m.open(|b| b.saga(nested)).await;
    let ended = outcome(&engine, nested, "r").await;
    assert!(matches!(ended, Outcome::Completed(_)), "{ended:?}");
    let history = engine.history("r").await.unwrap();
    let places: BTreeSet<String> = history
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::StepDone { at, .. } | Event::ScopeEntered { at, .. } | Event::BranchWon { at, .. } => {
                Some(at.to_string())
            }
            _ => None,
        })
        .collect();
    let places: Vec<&str> = places.iter().map(String::as_str).collect();
    assert_eq!(places, PLACES);
    engine.shutdown().await.unwrap();
}

/// Laid down for good in FORMAT.md: the ordinals of awaits, and the indices of branches.
const PLACES: [&str; 16] = [
    "0/0.0/0.0",
    "0/0.0/0.0.0/0.0",
    "0/0.0/0.0.0/1.0",
    "0/0.0/1.0",
    "0/0.0/1.0.0/0.0",
    "0/0.0/1.0.0/1.0",
    "0/0.0/2.0",
    "0/0.0/2.0.0/0.0",
    "0/0.0/2.0.0/1.0",
    "0/1.0",
    "0/2.0",
    "0/2.0/0.0",
    "0/2.0/0.0.0/0.0",
    "0/2.0/0.0.0/1.0",
    "1",
    "2",
];
