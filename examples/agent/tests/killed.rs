//! The agent is killed again and again; the server's log is the judge.
#![allow(clippy::unwrap_used, reason = "a test panics where it fails")]

mod common;

use agent::server::read_lines;
use common::judge::judge;
use common::{Kill, Lives};

/// One that is answered with a voucher, and one whose letter cannot be sent.
const ORDERS: &[&str] = &["cd-00002", "cd-00003"];

async fn lived(keeps_keys: bool, kill: impl FnMut(u64, u32) -> Kill) -> Lives {
    let mut lives = Lives::new(ORDERS, keeps_keys).await;
    lives.live(kill).await;
    judge(&lives, keeps_keys).await;
    lives
}

/// How many lines the log has if nobody is killed.
async fn undisturbed(keeps_keys: bool) -> u64 {
    let lives = lived(keeps_keys, |_, _| Kill::No).await;
    let lines = read_lines(&lives.log()).unwrap();
    // Five calls of each thinking, a voucher and a letter each, a withdrawal, and what was asked for again.
    assert_eq!(lines.len(), 18, "{lines:#?}");
    lines.len() as u64
}

#[tokio::test]
async fn killed_before_any_answer_it_asks_only_for_what_is_not_known() {
    for line in 1..=undisturbed(false).await {
        // The server does whatever it is asked for: every call counts.
        let lives = lived(false, |at, _| if at == line { Kill::Held } else { Kill::No }).await;
        assert_eq!(lives.known.len(), 2, "line {line}");
    }
}

#[tokio::test]
async fn killed_behind_any_answer_nothing_is_done_twice() {
    let mut dice = fastrand::Rng::with_seed(6);
    for line in 1..=undisturbed(true).await {
        let kill = Kill::Answered(dice.u32(0..400));
        lived(true, |at, _| if at == line { kill } else { Kill::No }).await;
    }
}

#[tokio::test]
async fn killed_at_every_answer_it_comes_to_its_end_all_the_same() {
    for keeps_keys in [true, false] {
        let mut dice = fastrand::Rng::with_seed(7);
        let lives = lived(keeps_keys, |_, lines| match lines {
            // Each process lives for two answers of its own, or three.
            0..3 => Kill::No,
            3 if dice.bool() => Kill::Held,
            3 => Kill::Answered(dice.u32(0..400)),
            _ => Kill::Held,
        });
        let lives = lives.await;
        assert!(lives.known.len() > 6, "{} processes", lives.known.len());
    }
}
