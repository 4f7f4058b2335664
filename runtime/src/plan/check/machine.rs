//! The rules of a state machine's plans: of each handler, and of what comes before a state.

use super::flow::{Exit, InState, of_state};
use super::found::Problems;
use super::holds::{Known, holds, same};
use super::text::Text;
use crate::plan::{Graph, Plan, StateMeta, may_receive};

/// The most states of a machine.
const STATES: usize = 1024;
/// The most problems of one graph that are told at once.
const MOST: usize = 8;

/// What a state says of its handler.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StateRules {
    /// The state's name.
    pub(crate) name: &'static str,
    /// The signals that it accepts.
    pub(crate) accepts: &'static [&'static str],
    /// It has a timeout.
    pub(crate) timed: bool,
}

/// What is wrong with the plan of a state's handler. What is inside the sagas that it names is not known while it is compiled.
pub(crate) const fn state_problems(plan: &Plan, exits: &[Exit], rules: StateRules) -> Problems {
    let StateRules { name, accepts, timed } = rules;
    of_state(plan, exits, &[], InState { name, accepts, timed })
}

/// One thing that is wrong with a graph.
#[derive(Debug, Clone, Copy)]
struct GraphProblem {
    state: u16,
    text: Text,
}

/// What is wrong with a graph.
#[derive(Debug)]
pub struct GraphProblems {
    found: [Option<GraphProblem>; MOST],
    count: usize,
}

impl GraphProblems {
    const fn add(&mut self, state: usize, text: Text) {
        if self.count < MOST {
            self.found[self.count] = Some(GraphProblem { state: state as u16, text });
            self.count += 1;
        }
    }

    /// The states with their problems.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &str)> {
        self.found.iter().flatten().map(|problem| (usize::from(problem.state), problem.text.as_str()))
    }
}

/// What is wrong with a graph, of which each handler was looked at for itself.
#[must_use]
pub const fn graph_problems(graph: &Graph) -> GraphProblems {
    across_states(graph, &[])
}

/// Refuses to compile where something is wrong with a state.
#[track_caller]
pub const fn refuse_state(problems: &GraphProblems, state: u16) {
    let mut i = 0;
    while i < problems.count {
        if let Some(problem) = &problems.found[i]
            && problem.state == state
        {
            panic!("{}", problem.text.as_str());
        }
        i += 1;
    }
}

pub(super) const fn across_states(graph: &Graph, known: &[Known]) -> GraphProblems {
    let mut problems = GraphProblems { found: [None; MOST], count: 0 };
    assert!(graph.states.len() <= STATES, "a machine has at most 1024 states");
    one_path_each(graph, &mut problems);
    all_are_heard(graph, &mut problems);
    let before = pivots_before(graph, known);
    let mut i = 0;
    while i < graph.states.len() {
        let state = &graph.states[i];
        if let (Some((pivot, of)), Some(undoable)) = (before[i], holds(state.plan, known).undoable) {
            let text = Text::EMPTY
                .with("a step after a `pivot` cannot be compensatable: state ")
                .name(state.name)
                .with(" comes after ")
                .name(graph.states[of as usize].name)
                .with(", where ")
                .name(pivot)
                .with(" is done, and ")
                .name(undoable)
                .with(" has a `compensate`; await ")
                .name(undoable)
                .with(" before ")
                .name(pivot)
                .with(", or leave out one of the two keys");
            problems.add(i, text);
        }
        i += 1;
    }
    problems
}

/// The first pivot that may be done when a state is entered, and the state whose handler does it.
const fn pivots_before(graph: &Graph, known: &[Known]) -> [Option<(&'static str, u16)>; STATES] {
    let mut before = [None; STATES];
    // The states of which it is known what they leave behind, and not yet told to those that follow.
    let mut queue = [0_u16; STATES];
    let (mut from, mut to) = (0, 0);
    let mut left: [Option<(&'static str, u16)>; STATES] = [None; STATES];
    let mut i = 0;
    while i < graph.states.len() {
        if let Some(pivot) = holds(graph.states[i].plan, known).pivot {
            left[i] = Some((pivot, i as u16));
            queue[to] = i as u16;
            to += 1;
        }
        i += 1;
    }
    while from < to {
        let state = &graph.states[queue[from] as usize];
        let leaves = left[queue[from] as usize];
        from += 1;
        let mut i = 0;
        while i < state.next.len() + state.timeouts.len() {
            let next = match i < state.next.len() {
                true => state.next[i] as usize,
                false => state.timeouts[i - state.next.len()].to as usize,
            };
            if before[next].is_none() {
                before[next] = leaves;
            }
            if left[next].is_none() {
                left[next] = leaves;
                queue[to] = next as u16;
                to += 1;
            }
            i += 1;
        }
    }
    before
}

/// The macro tells signals apart by how they are written.
const fn one_path_each(graph: &Graph, problems: &mut GraphProblems) {
    let mut i = 0;
    while i < graph.signals.len() {
        let mut j = 0;
        while j < i {
            if same(graph.signals[i], graph.signals[j]) {
                let text = Text::EMPTY
                    .with("the signal ")
                    .name(graph.signals[i])
                    .with(" is named in two ways by this machine; write its type the same way in each `#[accepts(..)]`, `#[reject(..)]`, `#[defer(..)]` and `#[ignore(..)]`");
                problems.add(accepting(graph, i), text);
            }
            j += 1;
        }
        i += 1;
    }
}

/// A signal that a state accepts by its own word is one that its handler may wait for; one that a group accepts, one that the handler of
/// some state in it may. Else nobody would ever hear it, although its sender was told that the run has it.
const fn all_are_heard(graph: &Graph, problems: &mut GraphProblems) {
    let mut signal = 0;
    while signal < graph.signals.len() {
        let name = graph.signals[signal];
        let (mut heard, mut of_group) = (false, None);
        let mut i = 0;
        while i < graph.states.len() {
            let state = &graph.states[i];
            let may_hear = may_receive(state.plan, name);
            if accepts(state, signal) {
                heard = heard || may_hear;
                if state.signals[signal] == b'A' && !may_hear {
                    let text = Text::EMPTY
                        .with("state ")
                        .name(state.name)
                        .with(" accepts the signal ")
                        .name(name)
                        .with(", but its handler never waits for it; await `signal::<..>()` of its type there, or write `#[defer(..)]` to keep it for a later state, or leave it out");
                    problems.add(i, text);
                    // It is told.
                    heard = true;
                } else if of_group.is_none() {
                    of_group = Some(i);
                }
            }
            i += 1;
        }
        if let (false, Some(state)) = (heard, of_group) {
            let text = Text::EMPTY
                .with("the group of state ")
                .name(graph.states[state].name)
                .with(" accepts the signal ")
                .name(name)
                .with(", but no handler of a state in it ever waits for it; await `signal::<..>()` of its type in one of them, or leave it out");
            problems.add(state, text);
        }
        signal += 1;
    }
}

const fn accepts(state: &StateMeta, signal: usize) -> bool {
    signal < state.signals.len() && matches!(state.signals[signal], b'A' | b'a')
}

/// The first state that accepts a signal.
const fn accepting(graph: &Graph, signal: usize) -> usize {
    let mut i = 0;
    while i < graph.states.len() {
        if accepts(&graph.states[i], signal) {
            return i;
        }
        i += 1;
    }
    0
}
