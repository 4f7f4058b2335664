//! The same lives with kills in them: they come to the same states, and nobody does anything twice.
#![allow(clippy::unwrap_used, reason = "a test panics where it fails")]

mod common;

use std::slice;
use std::time::Duration;

use common::{Answer, Life, Request, Server, answer, cancelled, sent_back, settled};
use order_lifecycle::ledger::Operation;
use serde_json::Value;

/// What a life leaves behind: the states that its orders rested in, and the ledger.
#[derive(Debug, PartialEq)]
struct Trace {
    seen: Vec<Value>,
    ledger: Vec<(Operation, String, u64)>,
}

/// A life; `between` is called at each moment of each request.
async fn lived(
    server: &mut Server,
    life: &Life,
    mut between: impl AsyncFnMut(&mut Server, usize, &Request, Moment),
) -> Trace {
    let mut seen = Vec::new();
    for (at, request) in life.requests.iter().enumerate() {
        between(server, at, request, Moment::Due).await;
        let answer = server.ask(|server| request.to(server, at)).await;
        due(at, request, &answer);
        between(server, at, request, Moment::Answered).await;
        let shown = settled(server, request).await;
        if request.is_page() {
            assert_eq!(server.turn(&answer.body), slice::from_ref(&shown), "{at}");
        }
        seen.push(shown);
        between(server, at, request, Moment::Rested).await;
    }
    assert_eq!(server.next, None, "the last page that was read has another one behind it");
    Trace { seen, ledger: server.ledger() }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Moment {
    /// It comes next.
    Due,
    /// Its answer is there.
    Answered,
    /// The order has come to rest behind it.
    Rested,
}

fn due(at: usize, request: &Request, answer: &Answer) {
    assert!(request.is_due(answer), "{at}: {} instead of {}: {}", answer.status, request.status, answer.body);
}

/// Every life, and what it leaves behind if nothing interrupts it.
async fn lives() -> Vec<(Life, Trace)> {
    let mut lives = Vec::new();
    for life in [sent_back(), cancelled()] {
        let undisturbed = lived(&mut Server::start().await, &life, async |_, _, _, _| ()).await;
        lives.push((life, undisturbed));
    }
    lives
}

#[tokio::test]
async fn killed_after_any_request_it_goes_on() {
    for (life, undisturbed) in lives().await {
        for cut in 0..life.requests.len() {
            let mut server = Server::start().await;
            let trace = lived(&mut server, &life, async |server, at, _, moment| {
                if (at, moment) == (cut, Moment::Answered) {
                    server.kill_and_restart().await;
                }
            });
            assert_eq!(trace.await, undisturbed, "{}: killed after request {cut}", life.name);
        }
    }
}

#[tokio::test]
async fn killed_after_every_request_it_goes_on() {
    for (life, undisturbed) in lives().await {
        for moments in [&[Moment::Rested][..], &[Moment::Answered, Moment::Rested]] {
            let mut server = Server::start().await;
            let trace = lived(&mut server, &life, async |server, _, _, moment| {
                if moments.contains(&moment) {
                    server.kill_and_restart().await;
                }
            });
            assert_eq!(trace.await, undisturbed, "{}: killed when it has {moments:?}", life.name);
        }
    }
}

#[tokio::test]
async fn killed_between_everything_that_is_done_and_its_record_it_is_not_done_again() {
    for (life, undisturbed) in lives().await {
        let mut server = Server::start_with(&["--kill-after", "1"]).await;
        let trace = lived(&mut server, &life, async |_, _, _, _| ()).await;
        assert_eq!(trace, undisturbed, "{}", life.name);
        // It has died behind each entry of the ledger, and was started once more.
        assert_eq!(server.starts as usize, undisturbed.ledger.len() + 1, "{}", life.name);
    }
}

#[tokio::test]
async fn killed_at_any_moment_of_a_request_it_goes_on() {
    for (life, undisturbed) in lives().await {
        for seed in 0..6 {
            let mut dice = fastrand::Rng::with_seed(seed);
            let mut server = Server::start().await;
            let trace = lived(&mut server, &life, async |server, at, request, moment| {
                if moment == Moment::Due && dice.bool() {
                    let asked = tokio::spawn(answer(request.to(server, at)));
                    tokio::time::sleep(Duration::from_micros(dice.u64(0..6000))).await;
                    server.kill_and_restart().await;
                    // What was asked before the kill is asked again: the client does not know.
                    if let Some(answer) = asked.await.unwrap() {
                        due(at, request, &answer);
                    }
                }
            });
            assert_eq!(trace.await, undisturbed, "{}: seed {seed}", life.name);
        }
    }
}
