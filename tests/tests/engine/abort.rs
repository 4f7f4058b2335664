//! Steps that take the whole process down.

use std::process::Command;

use factum::prelude::*;

/// Says to a process of this test binary that it is to work on this directory, and what kind of step aborts it.
const DIR: &str = "FACTUM_TEST_ABORT_DIR";
const KIND: &str = "FACTUM_TEST_ABORT_KIND";

#[step]
async fn aborts() {
    std::process::abort();
}

#[step(pure)]
async fn aborts_purely() {
    std::process::abort();
}

#[step(pure)]
async fn thinks(n: u32) -> u32 {
    n
}

#[step]
async fn acts(n: u32) -> u32 {
    n
}

#[saga]
async fn bad(pure: bool) {
    // What goes before the abort may or may not have come to the disk.
    for n in 0..3 {
        thinks(n).await;
    }
    if pure {
        aborts_purely().await;
    } else {
        aborts().await;
    }
}

#[saga]
async fn good(n: u32) -> u32 {
    let mut sum = 0;
    for i in 0..20 {
        sum += acts(n + i).await + thinks(i).await;
    }
    sum
}

/// The body of the processes that abort; nothing when it is run as a test.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_process() {
    let (Ok(dir), Ok(kind)) = (std::env::var(DIR), std::env::var(KIND)) else { return };
    let engine = Engine::builder(dir).segment_bytes(256 << 10).saga(bad).saga(good).open().await.unwrap();
    let mut runs = Vec::new();
    for n in 0..100 {
        runs.push(engine.start(good(n)).id(format!("good-{n}")).await.unwrap());
    }
    let bad = engine.start(bad(kind == "pure")).id("bad").await.unwrap();
    for run in runs {
        let outcome = run.outcome().await.unwrap();
        assert!(matches!(outcome, Outcome::Completed(_)), "{outcome:?}");
    }
    let outcome = bad.outcome().await.unwrap();
    assert!(matches!(outcome, Outcome::Poisoned(_)), "{outcome:?}");
    engine.shutdown().await.unwrap();
}

fn aborts_until_poisoned(kind: &str) -> usize {
    let dir = tempfile::tempdir().unwrap();
    for crashes in 0..30 {
        let process = Command::new(std::env::current_exe().unwrap())
            .args(["abort::the_process", "--exact", "--nocapture"])
            .env(DIR, dir.path())
            .env(KIND, kind)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&process.stdout) + String::from_utf8_lossy(&process.stderr);
        if process.status.success() {
            assert!(text.contains("1 passed"), "{text}");
            return crashes;
        }
        assert!(process.status.code().is_none(), "it ended by itself, and not well: {text}");
    }
    panic!("it still aborts");
}

#[test]
fn a_step_that_aborts_the_process_is_poisoned_after_the_bound_and_a_hundred_others_complete() {
    assert_eq!(aborts_until_poisoned("effectful"), 10);
}

#[test]
fn a_pure_step_that_aborts_the_process_is_poisoned_too() {
    // Before the first crash nothing of the run need be on the disk, and before
    // the second nothing of the attempt that aborts. The third is the first that
    // must be counted.
    let crashes = aborts_until_poisoned("pure");
    assert!((10..=12).contains(&crashes), "{crashes}");
}
