//! What the random sagas have found, each made as small as it goes.

use crate::random::{Plan, attempt};
use crate::tree::{Does, Kind, Node};
use crate::world::{How, Work};

fn node(does: Does) -> Node {
    Node { handled: true, does }
}

fn work(label: &str, how: How) -> Work {
    Work { label: label.to_owned(), how, millis: 0 }
}

/// Sagas that undo something while they go on, by an undo that fails at first, and the moment at which they wait for its
/// next attempt.
fn undoing() -> [(Vec<Node>, u64); 2] {
    // A label of two characters: see `undo`.
    let race = node(Does::StepOrSleep(work("s1", How::Late), 10));
    let scope = node(Does::Nested(vec![
        node(Does::Step(Kind::Undone, work("s1", How::Well))),
        Node { handled: false, does: Does::Step(Kind::Plain, work("s2", How::Refused)) },
    ]));
    let more = node(Does::Step(Kind::Undone, work("s3", How::Well)));
    [(vec![race, more.clone()], 15), (vec![scope, more], 5)]
}

fn try_all(plan: impl Fn(u64) -> Plan) {
    for (nodes, moment) in undoing() {
        for machine in 0..5 {
            let plan = Plan { machine, ..plan(moment) };
            if let Err(said) = attempt(&nodes, &plan) {
                panic!("{said}\n{nodes:#?}\n{plan:?}");
            }
        }
    }
}

#[test]
fn a_cancel_while_an_undo_inside_the_run_waits_for_its_next_attempt_ends_the_run() {
    try_all(|moment| Plan { cancel: Some(moment), ..Plan::default() });
}

#[test]
fn a_pause_while_an_undo_inside_the_run_waits_for_its_next_attempt_holds_the_run() {
    try_all(|moment| Plan { pause: Some(moment), ..Plan::default() });
}

#[test]
fn a_shutdown_while_an_undo_inside_the_run_waits_for_its_next_attempt_parks_the_run() {
    try_all(|moment| Plan { park: Some(moment), ..Plan::default() });
}
