//! A plan as nodes and edges.

use crate::plan::{Exit, Leave, Plan, WorkflowMeta, WorkflowRef};
use crate::step::StepMeta;

/// What a node is drawn as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Where the saga begins and ends.
    Terminal,
    Step,
    /// A step with a `compensate`.
    Undoable,
    Pivot,
    /// A saga: nested, spawned or gone on with.
    Saga,
    /// A timer, a signal, a child's end, a pause.
    Wait,
    /// A recorded value, or progress.
    Value,
    Choice,
    Repeat,
    /// Where branches begin that run at once.
    Fork,
    Unknown,
}

#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) label: String,
    pub(super) shape: Shape,
    pub(super) group: Option<usize>,
}

/// Operations that run at once.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) label: &'static str,
    pub(super) parent: Option<usize>,
}

#[derive(Debug, Clone)]
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    /// It leads to another body.
    pub(super) dashed: bool,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) groups: Vec<Group>,
    pub(super) edges: Vec<Edge>,
}

/// The nodes after which something goes on.
type Ends = Vec<usize>;

impl Graph {
    pub(super) fn of(saga: &WorkflowMeta) -> Graph {
        let mut walk = Walk { saga, graph: Graph::default(), group: None, at: Vec::new(), left: Left::default() };
        let start = walk.node(versioned(saga.name, saga.version), Shape::Terminal, &Ends::new());
        let mut ends = walk.plan(saga.plan, start);
        ends.append(&mut walk.left.body);
        if !ends.is_empty() {
            walk.node("end".to_owned(), Shape::Terminal, &ends);
        }
        walk.graph
    }
}

/// What was left early, and where it goes on.
#[derive(Debug, Default)]
struct Left {
    body: Ends,
    breaks: Ends,
    turns: Ends,
}

struct Walk<'s> {
    saga: &'s WorkflowMeta,
    graph: Graph,
    group: Option<usize>,
    /// The place of the node that is being drawn.
    at: Vec<u16>,
    left: Left,
}

impl Walk<'_> {
    /// Adds a node behind others; it is the next end.
    fn node(&mut self, label: String, shape: Shape, before: &Ends) -> Ends {
        let to = self.graph.nodes.len();
        self.graph.nodes.push(Node { label, shape, group: self.group });
        self.edges(before, to);
        vec![to]
    }

    fn edges(&mut self, before: &Ends, to: usize) {
        self.graph.edges.extend(before.iter().map(|&from| Edge { from, to, dashed: false }));
    }

    fn child(&mut self, index: usize, plan: &Plan, before: Ends) -> Ends {
        self.at.push(u16::try_from(index).unwrap_or(u16::MAX));
        let ends = self.plan(plan, before);
        let ends = self.leave(ends);
        self.at.pop();
        ends
    }

    /// The ends of a part that do not go elsewhere.
    fn leave(&mut self, mut ends: Ends) -> Ends {
        let exit = self.saga.exits.iter().find(|Exit { at, .. }| *at == self.at.as_slice());
        match exit.map(|exit| exit.to) {
            None => return ends,
            Some(Leave::Body) => self.left.body.append(&mut ends),
            Some(Leave::Loop) => self.left.breaks.append(&mut ends),
            Some(Leave::Turn) => self.left.turns.append(&mut ends),
        }
        ends
    }

    fn plan(&mut self, plan: &Plan, before: Ends) -> Ends {
        match plan {
            Plan::Seq(plans) => {
                plans.iter().enumerate().fold(before, |ends, (index, plan)| self.child(index, plan, ends))
            }
            Plan::Branch(arms) => {
                let choice = self.node("?".to_owned(), Shape::Choice, &before);
                let mut ends = Ends::new();
                for (index, arm) in arms.iter().enumerate() {
                    let arm = self.child(index, arm, choice.clone());
                    ends.extend(arm);
                }
                ends.sort_unstable();
                ends.dedup();
                ends
            }
            Plan::Loop(body) => self.repeat(body, &before),
            Plan::Join(plans) => self.group("join", plans, &before),
            Plan::Race(plans) => self.group("race", plans, &before),
            Plan::All(plan) => self.group("all", std::slice::from_ref(*plan), &before),
            Plan::TryAll(plan) => self.group("try_all", std::slice::from_ref(*plan), &before),
            Plan::Again(saga) => {
                let again = self.node(format!("again {}", name(saga)), Shape::Saga, &before);
                if (saga.name, saga.version) == (self.saga.name, self.saga.version) {
                    self.graph.edges.extend(again.iter().map(|&from| Edge { from, to: 0, dashed: true }));
                }
                Ends::new()
            }
            leaf => {
                let (label, shape) = drawn(leaf);
                self.node(label, shape, &before)
            }
        }
    }

    fn repeat(&mut self, body: &Plan, before: &Ends) -> Ends {
        let breaks = std::mem::take(&mut self.left.breaks);
        let turns = std::mem::take(&mut self.left.turns);
        let mut ends = self.node("loop".to_owned(), Shape::Repeat, before);
        let mut turn = self.child(0, body, ends.clone());
        turn.append(&mut self.left.turns);
        ends.iter().for_each(|&head| self.edges(&turn, head));
        ends.append(&mut self.left.breaks);
        (self.left.breaks, self.left.turns) = (breaks, turns);
        ends
    }

    fn group(&mut self, label: &'static str, plans: &[Plan], before: &Ends) -> Ends {
        let outer = self.group.replace(self.graph.groups.len());
        self.graph.groups.push(Group { label, parent: outer });
        let fork = self.node(String::new(), Shape::Fork, before);
        let mut ends = Ends::new();
        for (index, plan) in plans.iter().enumerate() {
            let branch = self.child(index, plan, fork.clone());
            ends.extend(branch);
        }
        self.group = outer;
        ends
    }
}

/// How a single operation is drawn.
fn drawn(plan: &Plan) -> (String, Shape) {
    match plan {
        Plan::Step(step) => of_step(step),
        Plan::Saga(saga) => (name(saga), Shape::Saga),
        Plan::Spawn(saga) => (format!("spawn {}", name(saga)), Shape::Saga),
        Plan::Sleep => ("sleep".to_owned(), Shape::Wait),
        Plan::Signal(signal) => (format!("signal {signal}"), Shape::Wait),
        Plan::Child => ("child".to_owned(), Shape::Wait),
        Plan::Pause => ("pause".to_owned(), Shape::Wait),
        Plan::Now => ("now".to_owned(), Shape::Value),
        Plan::Random => ("random".to_owned(), Shape::Value),
        Plan::Uuid => ("uuid".to_owned(), Shape::Value),
        Plan::Publish => ("publish".to_owned(), Shape::Value),
        _ => ("known when it runs".to_owned(), Shape::Unknown),
    }
}

fn of_step(step: &StepMeta) -> (String, Shape) {
    if step.pivot {
        (format!("{} (pivot)", step.name), Shape::Pivot)
    } else if step.undo.is_some_and(|undo| undo.done) {
        (format!("{} (undoable)", step.name), Shape::Undoable)
    } else {
        (step.name.to_owned(), Shape::Step)
    }
}

fn name(saga: &WorkflowRef) -> String {
    versioned(saga.name, saga.version)
}

fn versioned(name: &str, version: u32) -> String {
    if version == 1 { name.to_owned() } else { format!("{name} v{version}") }
}
