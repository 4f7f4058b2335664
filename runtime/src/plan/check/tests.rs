//! The rules over the graph of a machine, on graphs written by hand.

use super::machine::{across_states, graph_problems, refuse_state};
use super::{StateRules, state_problems};
use crate::plan::{Drawing, Graph, Plan, StateMeta, TimeoutMeta, WorkflowSig};
use crate::step::Site;
use factum::SagaFn;
use factum::prelude::*;

#[step(pivot)]
async fn pays() {}
#[step(compensate = gives_back())]
async fn takes() {}
#[step]
async fn gives_back() {}

#[saga]
async fn only_pays() {
    pays().await;
}
#[saga]
async fn only_takes() {
    takes().await;
}
#[saga]
async fn both() {
    takes().await;
    pays().await;
}
#[saga]
async fn waits() {
    let _ = race((signal::<Pay>(), signal::<Cancel>())).await;
}
#[saga]
async fn turns() {
    again(turns()).await;
}

#[signal]
#[derive(serde::Serialize, serde::Deserialize)]
struct Pay;
#[signal]
#[derive(serde::Serialize, serde::Deserialize)]
struct Cancel;

fn plan<Shape, F: SagaFn<Shape>>(_: F) -> &'static Plan {
    F::Saga::meta().plan
}

const EMPTY: StateMeta = StateMeta {
    name: "",
    site: Site::new("", 0),
    initial: false,
    terminal: false,
    commit: false,
    next: &[],
    timeouts: &[],
    group: None,
    signals: b"",
    plan: &Plan::Seq(&[]),
    exits: &[],
};

fn graph(states: Vec<StateMeta>, signals: &'static [&'static str]) -> Graph {
    let drawing = Drawing { mermaid: "", dot: "", table: "" };
    Graph { states: Box::leak(states.into_boxed_slice()), groups: &[], signals, drawing }
}

fn told(graph: &Graph) -> Vec<(usize, String)> {
    graph_problems(graph).iter().map(|(state, text)| (state, text.to_owned())).collect()
}

fn alone(told: Vec<(usize, String)>) -> (usize, String) {
    assert_eq!(told.len(), 1, "{told:?}");
    told.into_iter().next().unwrap()
}

#[test]
fn what_can_be_undone_comes_before_a_pivot_on_every_path() {
    let (pivot, undoable) = (plan(only_pays), plan(only_takes));
    let fine = graph(
        vec![
            StateMeta { name: "A", next: &[1, 0], plan: undoable, ..EMPTY },
            StateMeta { name: "B", next: &[2], plan: pivot, ..EMPTY },
            StateMeta { name: "C", terminal: true, ..EMPTY },
        ],
        &[],
    );
    assert_eq!(told(&fine), []);
    let circle = graph(
        vec![
            StateMeta { name: "A", next: &[1], plan: undoable, ..EMPTY },
            StateMeta { name: "B", next: &[2, 3], plan: pivot, ..EMPTY },
            StateMeta { name: "C", terminal: true, ..EMPTY },
            StateMeta { name: "D", next: &[2], timeouts: &[LATE], ..EMPTY },
        ],
        &[],
    );
    let (state, text) = alone(told(&circle));
    assert_eq!(state, 0);
    assert_eq!(
        text,
        "a step after a `pivot` cannot be compensatable: state `A` comes after `B`, where `pays` is done, and `takes` has a \
         `compensate`; await `takes` before `pays`, or leave out one of the two keys"
    );
    let again = graph(vec![StateMeta { name: "A", next: &[0], plan: plan(both), ..EMPTY }], &[]);
    assert_eq!(told(&again).len(), 1, "its own next visit comes after its pivot");
    let refused = std::panic::catch_unwind(|| refuse_state(&graph_problems(&again), 0));
    assert!(refused.is_err());
    refuse_state(&graph_problems(&again), 1);
    assert_eq!(across_states(&again, &[]).iter().count(), 1);
}

const LATE: TimeoutMeta = TimeoutMeta { after: std::time::Duration::from_secs(1), to: 0, group: None };

#[test]
fn a_handler_keeps_to_what_its_state_says() {
    let told = |plan: &'static Plan, accepts: &'static [&'static str], timed: bool| -> Vec<String> {
        let rules = StateRules { name: "Open", accepts, timed };
        state_problems(plan, &[], rules).iter().map(ToString::to_string).collect()
    };
    assert_eq!(told(plan(waits), &["Cancel", "Pay"], true), [""; 0]);
    assert_eq!(
        told(plan(waits), &["Cancel"], false),
        ["state `Open` does not accept the signal `Pay`; add its type to the `#[accepts(..)]` of `Open`"]
    );
    assert_eq!(told(plan(only_pays), &[], false), [""; 0]);
    assert_eq!(
        told(plan(only_pays), &[], true),
        [
            "a `pivot` cannot stand in the handler of a state with a timeout, which stops the handler and undoes what it did: \
          `pays` cannot be undone; move it into a state of its own, or leave out its `pivot` or the timeout of `Open`"
        ]
    );
    assert_eq!(
        told(plan(turns), &[], false),
        ["`again` begins another turn of a saga; a state's handler goes on with `go(..)`, to its own state, too"]
    );
}

#[test]
fn one_signal_under_two_paths_is_told_where_it_is_accepted() {
    let states = || {
        vec![
            StateMeta { name: "A", next: &[1], signals: b"rr", ..EMPTY },
            StateMeta { name: "B", next: &[2], signals: b"rA", plan: plan(waits), ..EMPTY },
            StateMeta { name: "C", terminal: true, signals: b"rr", ..EMPTY },
        ]
    };
    assert_eq!(told(&graph(states(), &["Pay", "Cancel"])), []);
    let (state, text) = alone(told(&graph(states(), &["Pay", "Pay"])));
    assert_eq!(state, 1);
    assert!(text.starts_with("the signal `Pay` is named in two ways by this machine"), "{text}");
}

#[test]
fn a_signal_that_is_accepted_is_heard_by_somebody() {
    let with = |a: StateMeta, b: StateMeta| {
        told(&graph(vec![a, b, StateMeta { name: "C", terminal: true, signals: b"r", ..EMPTY }], &["Pay"]))
    };
    let deaf = StateMeta { name: "A", next: &[1], signals: b"A", ..EMPTY };
    let hears = StateMeta { name: "B", next: &[2], signals: b"A", plan: plan(waits), ..EMPTY };
    let (state, text) = alone(with(deaf, StateMeta { name: "B", next: &[2], signals: b"r", ..EMPTY }));
    assert_eq!(state, 0);
    assert!(text.starts_with("state `A` accepts the signal `Pay`, but its handler never waits for it"), "{text}");
    let in_group = |plan| StateMeta { name: "A", next: &[1], signals: b"a", plan, ..EMPTY };
    assert_eq!(with(in_group(&Plan::Seq(&[])), StateMeta { signals: b"a", ..hears }), []);
    let nobody = StateMeta { name: "B", next: &[2], signals: b"a", ..EMPTY };
    let (state, text) = alone(with(in_group(&Plan::Seq(&[])), nobody));
    assert_eq!(state, 0);
    assert!(text.starts_with("the group of state `A` accepts the signal `Pay`, but no handler"), "{text}");
    // What is known only when it runs may wait for anything.
    assert_eq!(with(in_group(&Plan::Dynamic), StateMeta { name: "B", next: &[2], signals: b"a", ..EMPTY }), []);
}
