//! Random sagas as data: drawn from a seed, and made smaller.

use factum::testing::Dice;
use serde::{Deserialize, Serialize};

use crate::world::{How, Work};

/// Which step does some work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    Plain,
    Undone,
    Aborted,
    ByOutput,
    Ignored,
    Looked,
}

impl Kind {
    const ALL: [Kind; 6] = [Kind::Plain, Kind::Undone, Kind::Aborted, Kind::ByOutput, Kind::Ignored, Kind::Looked];

    /// The step's name on disk.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Plain => "plain",
            Kind::Undone => "undone",
            Kind::Aborted => "aborted",
            Kind::ByOutput => "by_output",
            Kind::Ignored => "ignored",
            Kind::Looked => "looked",
        }
    }
}

/// One thing that a saga does; one await of its scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// An error of it does not end the saga.
    pub handled: bool,
    pub does: Does,
}

/// What a saga can do. Every branch is a saga of its own, unless it says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Does {
    Step(Kind, Work),
    Nested(Vec<Node>),
    /// Two or three at once.
    Join(Vec<Vec<Node>>),
    All(Vec<Vec<Node>>, usize),
    TryAll(Vec<Vec<Node>>, usize),
    /// Two or three at once.
    Race(Vec<Vec<Node>>),
    /// Steps that are branches themselves, all of the kind `Undone`.
    AllSteps(Vec<Work>),
    TrySteps(Vec<Work>),
    /// A step of the kind `Aborted` against a timer.
    StepOrSleep(Work, u64),
    /// A signal against a timer.
    SignalOrSleep(u64),
    Sleep(u64),
    /// For a signal, perhaps with a limit.
    Wait(Option<u64>),
}

/// Draws a saga.
pub fn draw(dice: &mut Dice) -> Vec<Node> {
    let mut drawing = Drawing { dice, labels: 0, left: 14 };
    drawing.scope(3)
}

struct Drawing<'d> {
    dice: &'d mut Dice,
    labels: usize,
    /// How many nodes there may be yet.
    left: usize,
}

impl Drawing<'_> {
    fn scope(&mut self, depth: usize) -> Vec<Node> {
        let count = 1 + self.dice.below(3);
        (0..count).filter_map(|_| self.node(depth)).collect()
    }

    fn branches(&mut self, depth: usize) -> Vec<Vec<Node>> {
        let count = 2 + self.dice.below(2);
        (0..count).map(|_| self.scope(depth)).collect()
    }

    fn node(&mut self, depth: usize) -> Option<Node> {
        self.left = self.left.checked_sub(1)?;
        let handled = self.dice.below(3) == 0;
        let kinds = if depth == 0 { 12 } else { 17 };
        let does = match self.dice.below(kinds) {
            0..=5 => Does::Step(Kind::ALL[self.dice.below(Kind::ALL.len())], self.work()),
            6 => Does::Sleep(self.millis()),
            7 => Does::Wait(None),
            8 => Does::Wait(Some(self.millis())),
            9 => Does::StepOrSleep(self.work(), self.millis()),
            10 => Does::SignalOrSleep(self.millis()),
            11 if self.dice.coin() => Does::AllSteps(self.works()),
            11 => Does::TrySteps(self.works()),
            12 => Does::Nested(self.scope(depth - 1)),
            13 => Does::Join(self.branches(depth - 1)),
            14 => Does::All(self.branches(depth - 1), 1 + self.dice.below(3)),
            15 => Does::TryAll(self.branches(depth - 1), 1 + self.dice.below(3)),
            _ => Does::Race(self.branches(depth - 1)),
        };
        Some(Node { handled, does })
    }

    fn works(&mut self) -> Vec<Work> {
        let count = 1 + self.dice.below(3);
        (0..count).map(|_| self.work()).collect()
    }

    fn work(&mut self) -> Work {
        self.labels += 1;
        let how = match self.dice.below(12) {
            0 => How::Refused,
            1 => How::Hopeless,
            2 => How::Unclear,
            3 => How::Late,
            4 | 5 => How::Flaky,
            _ => How::Well,
        };
        Work { label: format!("s{}", self.labels), how, millis: self.millis() / 10 }
    }

    fn millis(&mut self) -> u64 {
        [0, 0, 10, 50, 100, 1_000, 20_000][self.dice.below(7)]
    }
}

/// How often the saga may wait for a signal.
pub fn waits(nodes: &[Node]) -> usize {
    nodes
        .iter()
        .map(|node| match &node.does {
            Does::Wait(_) | Does::SignalOrSleep(_) => 1,
            does => branches(does).iter().map(|nodes| waits(nodes)).sum(),
        })
        .sum()
}

fn branches(does: &Does) -> &[Vec<Node>] {
    match does {
        Does::Nested(nodes) => std::slice::from_ref(nodes),
        Does::Join(branches) | Does::All(branches, _) | Does::TryAll(branches, _) | Does::Race(branches) => branches,
        _ => &[],
    }
}

/// Every saga that is smaller by one thing.
pub fn smaller(nodes: &[Node]) -> Vec<Vec<Node>> {
    let mut all = Vec::new();
    for at in 0..nodes.len() {
        let mut put = |node: &[Node]| {
            let mut other = nodes.to_vec();
            other.splice(at..=at, node.iter().cloned());
            all.push(other);
        };
        put(&[]);
        let Node { handled, does } = &nodes[at];
        for (of, branch) in branches(does).iter().enumerate() {
            put(branch);
            for less in smaller(branch) {
                let mut does = does.clone();
                match &mut does {
                    Does::Nested(nodes) => *nodes = less,
                    Does::Join(all) | Does::All(all, _) | Does::TryAll(all, _) | Does::Race(all) => all[of] = less,
                    _ => {}
                }
                put(&[Node { handled: *handled, does }]);
            }
        }
        if let Does::Step(kind, work) = does
            && work.millis > 0
        {
            let work = Work { millis: 0, ..work.clone() };
            put(&[Node { handled: *handled, does: Does::Step(*kind, work) }]);
        }
    }
    all
}
