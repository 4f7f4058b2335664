//! Positions do not depend on the order in which branches are polled, nor on which calls are built and never awaited.

use std::collections::BTreeMap;
use std::time::Duration;

use factum::Event;
use factum::prelude::*;
use factum::testing::{Dice, Sim};

use crate::disk;
use crate::interpret::interpret;
use crate::tree::draw;
use crate::world::{How, Oops, Work, World, plain, undone};

fn w(label: &str) -> Work {
    Work { label: label.to_owned(), how: How::Well, millis: 5 }
}

#[saga(app = World)]
async fn part(name: String) -> Result<(), Oops> {
    undone(w(&format!("{name} 1"))).await?;
    undone(w(&format!("{name} 2"))).await?;
    Ok(())
}

/// Awaits what it builds in another order than it builds it, and drops some of it; which and how much does not count.
#[saga(app = World)]
async fn tangled(dropped: u32) -> Result<(), Oops> {
    for n in 0..dropped {
        drop((undone(w(&format!("never {n}"))), part("never".to_owned()), sleep(days(1)), now()));
    }
    let (first, second, third) = (undone(w("c")), part("b".to_owned()), plain(w("a")));
    third.await?;
    let branches =
        (second, all(["d", "e", "f", "g"].map(|label| undone(w(label)))).concurrency(3), part("h".to_owned()));
    let (second, four, more) = join(branches).await;
    second?;
    more?;
    four.into_iter().collect::<Result<Vec<_>, _>>()?;
    first.await?;
    Ok(())
}

/// Where each label stands.
fn positions(history: &[Event]) -> BTreeMap<String, String> {
    let mut positions = BTreeMap::new();
    for event in history {
        if let Event::StepDone { at, output, .. } = event {
            let label = serde_json::from_slice(output.bytes().unwrap()).unwrap();
            assert!(positions.insert(label, at.to_string()).is_none());
        }
    }
    positions
}

/// The history of one run on a machine of this seed.
fn history<W>(seed: u64, start: impl AsyncFnOnce(&Engine) -> W) -> Vec<Event> {
    let sim = Sim::new(seed);
    sim.set_patience(Duration::from_secs(3_600));
    let world = World::new(&sim);
    sim.run(async {
        let builder = disk::builder().app(world.clone()).saga(tangled).saga(interpret).step(undone);
        let engine = builder.sim(&sim).open().await.unwrap();
        start(&engine).await;
        let history = disk::events(&disk::history(&engine.history("r").await.unwrap()));
        engine.shutdown().await.unwrap();
        history
    })
}

#[test]
fn branches_that_are_polled_in_any_order_and_calls_that_are_dropped_have_the_same_positions() {
    let mut orders = std::collections::BTreeSet::new();
    let wanted: BTreeMap<String, String> = [
        ("a", "0"),
        ("b 1", "1/0.0.0"),
        ("b 2", "1/0.0.1"),
        ("d", "1/1.0/0.0"),
        ("e", "1/1.0/1.0"),
        ("f", "1/1.0/2.0"),
        ("g", "1/1.0/3.0"),
        ("h 1", "1/2.0.0"),
        ("h 2", "1/2.0.1"),
        ("c", "2"),
    ]
    .into_iter()
    .map(|(label, at)| (label.to_owned(), at.to_owned()))
    .collect();
    for seed in 0..50 {
        let run = async |engine: &Engine| engine.run(tangled(seed as u32 % 3)).id("r").await.unwrap();
        let history = history(seed, run);
        assert_eq!(positions(&history), wanted, "seed {seed}");
        let ends = history.iter().filter_map(|event| match event {
            Event::StepDone { at, .. } => Some(at.to_string()),
            _ => None,
        });
        orders.insert(ends.collect::<Vec<_>>());
    }
    assert!(orders.len() > 10, "the branches were polled in {} orders only", orders.len());
}

/// Of any tree, too: a label that two machines come to stands at one position.
#[test]
fn random_sagas_have_the_same_positions_whatever_the_order() {
    for tree in 0..10 {
        let nodes = draw(&mut Dice(tree));
        let mut known: BTreeMap<String, String> = BTreeMap::new();
        for seed in 0..50 {
            let history = history(seed, async |engine: &Engine| {
                let run = engine.start(interpret(nodes.clone())).id("r").await.unwrap();
                for n in 0..crate::tree::waits(&nodes) {
                    // It may have ended before.
                    let _refused = engine.signal("r", crate::world::Go { n: n as u32 }).await;
                }
                run.outcome().await.unwrap();
            });
            for (label, at) in positions(&history) {
                assert_eq!(
                    *known.entry(label.clone()).or_insert_with(|| at.clone()),
                    at,
                    "`{label}` of tree {tree}, seed {seed}"
                );
            }
        }
    }
}
