//! The same life with kills in it: it comes to the same states, and nobody does anything twice.
#![allow(clippy::unwrap_used, reason = "a test panics where it fails")]

mod common;

use std::time::Duration;

use common::{Answer, Request, Server, answer, life, settled};
use order_lifecycle::ledger::Operation;
use serde_json::Value;

/// What a life leaves behind: the states that it rested in, and the ledger.
#[derive(Debug, PartialEq)]
struct Trace {
    seen: Vec<Value>,
    ledger: Vec<(Operation, String, u64)>,
}

/// A life; `between` is called when the answer to each request is there, and when the order has come to rest behind it.
async fn lived(server: &mut Server, mut between: impl AsyncFnMut(&mut Server, usize, Moment)) -> Trace {
    let mut seen = Vec::new();
    for (at, request) in life().iter().enumerate() {
        let answer = server.tell(&request.path(), &at.to_string(), &request.body).await;
        due(at, request, &answer);
        between(server, at, Moment::Answered).await;
        seen.push(settled(server, request).await);
        between(server, at, Moment::Rested).await;
    }
    Trace { seen, ledger: server.ledger() }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Moment {
    Answered,
    Rested,
}

fn due(at: usize, request: &Request, answer: &Answer) {
    assert!(request.is_due(answer), "{at}: {} instead of {}: {}", answer.status, request.status, answer.body);
}

/// The life that nothing interrupts.
async fn undisturbed() -> Trace {
    lived(&mut Server::start().await, async |_, _, _| ()).await
}

#[tokio::test]
async fn killed_after_any_request_it_goes_on() {
    let undisturbed = undisturbed().await;
    for cut in 0..life().len() {
        let mut server = Server::start().await;
        let trace = lived(&mut server, async |server, at, moment| {
            if (at, moment) == (cut, Moment::Answered) {
                server.kill_and_restart().await;
            }
        });
        assert_eq!(trace.await, undisturbed, "killed after request {cut}");
    }
}

#[tokio::test]
async fn killed_after_every_request_it_goes_on() {
    let undisturbed = undisturbed().await;
    for moments in [&[Moment::Rested][..], &[Moment::Answered, Moment::Rested]] {
        let mut server = Server::start().await;
        let trace = lived(&mut server, async |server, _, moment| {
            if moments.contains(&moment) {
                server.kill_and_restart().await;
            }
        });
        assert_eq!(trace.await, undisturbed, "killed when it has {moments:?}");
    }
}

#[tokio::test]
async fn killed_between_everything_that_is_done_and_its_record_it_is_not_done_again() {
    let undisturbed = undisturbed().await;
    let mut server = Server::start_with(&["--kill-after", "1"]).await;
    let trace = lived(&mut server, async |_, _, _| ()).await;
    assert_eq!(trace, undisturbed);
    // It has died behind each entry of the ledger, and was started once more.
    assert_eq!(server.starts as usize, undisturbed.ledger.len() + 1);
}

#[tokio::test]
async fn killed_at_any_moment_of_a_request_it_goes_on() {
    let undisturbed = undisturbed().await;
    for seed in 0..6 {
        let mut dice = fastrand::Rng::with_seed(seed);
        let mut server = Server::start().await;
        let mut seen = Vec::new();
        for (at, request) in life().iter().enumerate() {
            let (path, key) = (request.path(), at.to_string());
            if dice.bool() {
                let asked = tokio::spawn(answer(server.post(&path, &key, &request.body)));
                tokio::time::sleep(Duration::from_micros(dice.u64(0..6000))).await;
                server.kill_and_restart().await;
                if let Some(answer) = asked.await.unwrap() {
                    due(at, request, &answer);
                }
            }
            // What was asked before the kill is asked again: the client does not know.
            let answer = server.tell(&path, &key, &request.body).await;
            due(at, request, &answer);
            seen.push(settled(&mut server, request).await);
        }
        assert_eq!(Trace { seen, ledger: server.ledger() }, undisturbed, "seed {seed}");
    }
}
