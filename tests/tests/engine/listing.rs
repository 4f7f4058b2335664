//! Lists of runs, page by page.

use std::time::{Duration, SystemTime};

use factum::prelude::*;
use factum::testing::Sim;
use factum::{Cursor, Error, ListRequest, RunPage, Status};
use serde::{Deserialize, Serialize};

#[signal]
#[derive(Serialize, Deserialize)]
struct Go {}

#[saga]
async fn waits(n: u32) -> u32 {
    signal::<Go>().await;
    n
}

#[saga]
async fn ends(n: u32) -> u32 {
    n
}

#[saga(name = "ends", version = 2)]
async fn ends_anew(n: u32) -> u32 {
    n
}

/// An engine whose runs leave memory at once.
fn builder(sim: &Sim) -> factum::Builder {
    let builder = Engine::builder("/data").segment_bytes(256 << 10).sim(sim);
    builder.sleep_after(Duration::ZERO).checkpoint_interval(Duration::from_millis(200)).saga(waits).saga(ends)
}

fn ids(page: &RunPage) -> Vec<String> {
    page.iter().map(|run| run.id.to_string()).collect()
}

/// Every run, by pages of a size.
async fn all(list: impl Fn() -> ListRequest) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut page = list().await.unwrap();
    loop {
        pages.push(ids(&page));
        let Some(next) = page.next else { return pages };
        // As text, as it goes through a browser.
        let next: Cursor = next.to_string().parse().unwrap();
        page = list().after(&next).await.unwrap();
    }
}

#[test]
fn pages_have_every_run_once_in_the_order_of_their_starts_in_memory_or_not() {
    let sim = Sim::new(1);
    sim.run(async {
        let engine = builder(&sim).open().await.unwrap();
        for n in 0..7 {
            engine.start(waits(n)).id(format!("a{n}")).await.unwrap();
        }
        while engine.stats().runs_in_memory > 0 {
            sim.sleep(Duration::from_secs(1)).await;
        }
        // These are in memory alone, between and behind those on disk.
        let held = [engine.attach(waits, "a1").await.unwrap(), engine.attach(waits, "a5").await.unwrap()];
        for n in 7..10 {
            engine.start(waits(n)).id(format!("a{n}")).await.unwrap();
        }
        let wanted: Vec<String> = (0..10).map(|n| format!("a{n}")).collect();
        for limit in 1..12 {
            let pages = all(|| engine.list().limit(limit)).await;
            assert_eq!(pages.concat(), wanted, "pages of {limit}");
            assert!(pages.iter().rev().skip(1).all(|page| page.len() == limit), "{pages:?}");
            assert!(!pages.last().unwrap().is_empty(), "no page is empty: {pages:?}");
        }
        assert_eq!(ids(&engine.list().limit(0).await.unwrap()), ["a0"]);
        drop(held);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_page_has_a_hundred_runs_unless_told_otherwise() {
    let sim = Sim::new(2);
    sim.run(async {
        let engine = builder(&sim).open().await.unwrap();
        for n in 0..101 {
            engine.start(waits(n)).await.unwrap();
        }
        let page = engine.list().await.unwrap();
        assert_eq!((page.len(), page.next.is_some()), (100, true));
        let page = engine.list().after(&page.next.unwrap()).await.unwrap();
        assert_eq!((page.len(), page.next), (1, None));
        assert_eq!(engine.list().limit(usize::MAX).await.unwrap().len(), 101);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn filters_leave_out_what_is_not_wanted_also_when_it_lies_between() {
    let sim = Sim::new(3);
    sim.run(async {
        let engine = builder(&sim).saga(ends_anew).open().await.unwrap();
        for n in 0..4 {
            engine.start(waits(n)).id(format!("w{n}")).await.unwrap();
            engine.run(ends(n)).id(format!("e{n}")).await.unwrap();
            sim.sleep(Duration::from_secs(10)).await;
        }
        engine.run(ends_anew(9)).id("new").await.unwrap();
        engine.pause("w1", "lunch").await.unwrap();
        engine.cancel("w2").await.unwrap();
        engine.attach(waits, "w2").await.unwrap().outcome().await.unwrap();
        let list = || engine.list();
        let one = |page: RunPage| ids(&page);
        assert_eq!(one(list().workflow("ends").await.unwrap()), ["e0", "e1", "e2", "e3", "new"]);
        assert_eq!(one(list().workflow("ends").version(2).await.unwrap()), ["new"]);
        assert_eq!(one(list().status(Status::Waiting).await.unwrap()), ["w0", "w3"]);
        let two = list().status(Status::Paused).status(Status::Cancelled);
        assert_eq!(one(two.await.unwrap()), ["w1", "w2"]);
        assert_eq!(all(|| list().workflow("waits").limit(2)).await, [["w0", "w1"], ["w2", "w3"]]);
        let started = |n: u64| engine.list().workflow("ends").limit(n as usize);
        let moments: Vec<SystemTime> = started(5).await.unwrap().iter().map(|run| run.started_at).collect();
        assert_eq!(one(started(5).started_after(moments[1]).started_before(moments[4]).await.unwrap()), ["e2", "e3"]);
        assert!(list().workflow("none").await.unwrap().is_empty());
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_cursor_is_a_number_and_a_list_after_a_shutdown_is_refused() {
    let sim = Sim::new(4);
    let error = "x7".parse::<Cursor>().unwrap_err();
    assert_eq!(error.to_string(), "`x7` is no cursor of a list of runs: a cursor is a number");
    sim.run(async {
        let engine = builder(&sim).open().await.unwrap();
        let list = engine.list();
        engine.shutdown().await.unwrap();
        assert!(matches!(list.await, Err(Error::Stopped { .. })));
    });
}
