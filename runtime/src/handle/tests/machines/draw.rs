//! Machines that are data.

use std::any::TypeId;
use std::time::Duration;

use crate::plan::{Drawing, Graph, GroupMeta, Plan, StateMeta, TimeoutMeta, WorkflowMeta};
use crate::platform::sim::Dice;
use crate::step::Site;

/// The signals that there are.
pub(super) const SIGNALS: [&str; 3] = ["A", "B", "C"];

/// After so many states a handler goes to the end.
pub(super) const FUEL: usize = 12;

/// One operation of a handler.
#[derive(Debug, Clone)]
pub(super) enum Op {
    Wait(usize),
    WaitFor(usize, u64),
    /// Whichever of the first two signals comes first.
    Either,
    Step(Step),
    /// A step beside a sleep.
    Beside(Step, u64),
    Sleep(u64),
    Draw,
}

/// One step of a handler.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) undo: Undo,
    pub(super) fails: bool,
    /// The first attempt does nothing.
    pub(super) flaky: bool,
    pub(super) seconds: u64,
    /// Its failure is the handler's.
    pub(super) must: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Undo {
    None,
    /// An attempt in the air ends before it is undone.
    Finish,
    /// An attempt in the air is dropped.
    Abort,
}

/// A machine.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) meta: &'static WorkflowMeta,
    pub(super) graph: &'static Graph,
    /// Of each state that has a handler.
    pub(super) scripts: Vec<Vec<Op>>,
}

/// What no two machines of one engine have in common: each engine has one.
fn identity() -> TypeId {
    TypeId::of::<Machine>()
}

fn leak<T>(items: Vec<T>) -> &'static [T] {
    items.leak()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The groups around a state, from the innermost on.
pub(super) fn around(groups: &[GroupMeta], innermost: Option<u16>) -> Vec<u16> {
    std::iter::successors(innermost, |group| groups[usize::from(*group)].parent).collect()
}

impl Machine {
    pub(super) fn draw(dice: &mut Dice) -> Machine {
        let handlers = 2 + dice.below(6);
        let groups: Vec<GroupMeta> = (0..dice.below(4))
            .map(|n| GroupMeta {
                name: ["G", "H", "I"][n],
                parent: (n > 0 && dice.coin()).then(|| dice.below(n) as u16),
            })
            .collect();
        let any = |dice: &mut Dice| dice.below(handlers + 2) as u16;
        let of_groups: Vec<Option<(u64, u16)>> =
            groups.iter().map(|_| (dice.below(3) > 0).then(|| ([5, 30, 90][dice.below(3)], any(dice)))).collect();
        let mut states = Vec::new();
        let mut scripts = Vec::new();
        for index in 0..handlers {
            let group = (!groups.is_empty() && dice.below(3) > 0).then(|| dice.below(groups.len()) as u16);
            let mut timeouts = Vec::new();
            if dice.coin() {
                let after = seconds([2, 7, 20, 60][dice.below(4)]);
                timeouts.push(TimeoutMeta { after, to: any(dice), group: None });
            }
            for group in around(&groups, group) {
                if let Some((after, to)) = of_groups[usize::from(group)] {
                    timeouts.push(TimeoutMeta { after: seconds(after), to, group: Some(group) });
                }
            }
            let mut next: Vec<u16> = (0..1 + dice.below(3)).map(|_| dice.below(handlers) as u16).collect();
            if dice.below(4) == 0 {
                next.push(handlers as u16 + 1);
            }
            next.push(handlers as u16);
            let policies: Vec<u8> = SIGNALS.iter().map(|_| b"aaadir"[dice.below(6)]).collect();
            scripts.push(script(dice, &policies));
            states.push(StateMeta {
                name: ["P", "Q", "R", "S", "T", "U", "V", "W"][index],
                initial: index == 0,
                commit: dice.below(7) == 0,
                next: leak(next),
                timeouts: leak(timeouts),
                group,
                signals: leak(policies),
                ..state(false)
            });
        }
        states.push(StateMeta { name: "End", ..state(true) });
        states.push(StateMeta { name: "Gone", commit: dice.coin(), ..state(true) });
        let drawing = Drawing { mermaid: "", dot: "", table: "" };
        let graph: &'static Graph =
            Box::leak(Box::new(Graph { states: leak(states), groups: leak(groups), signals: &SIGNALS, drawing }));
        let meta = Box::leak(Box::new(WorkflowMeta {
            name: "machine",
            version: 1,
            site: Site::new(file!(), line!()),
            identity,
            plan: Box::leak(Box::new(Plan::Machine(graph))),
            fingerprint: 1,
            concurrency: None,
            strict: false,
            exits: &[],
        }));
        Machine { meta, graph, scripts }
    }
}

/// A state without anything.
fn state(terminal: bool) -> StateMeta {
    StateMeta {
        name: "",
        site: Site::new(file!(), line!()),
        initial: false,
        terminal,
        commit: false,
        next: &[],
        timeouts: &[],
        group: None,
        signals: b"rrr",
        plan: &Plan::Dynamic,
        exits: &[],
    }
}

fn script(dice: &mut Dice, policies: &[u8]) -> Vec<Op> {
    let accepted: Vec<usize> = (0..SIGNALS.len()).filter(|signal| policies[*signal] == b'a').collect();
    let signal = |dice: &mut Dice| accepted[dice.below(accepted.len())];
    (0..dice.below(4))
        .map(|_| match dice.below(9) {
            0 | 1 if !accepted.is_empty() => Op::Wait(signal(dice)),
            2 if !accepted.is_empty() => Op::WaitFor(signal(dice), [1, 10][dice.below(2)]),
            3 if policies[..2] == *b"aa" => Op::Either,
            4 => Op::Beside(step(dice), dice.below(4) as u64),
            5 => Op::Sleep([0, 1, 10, 60][dice.below(4)]),
            6 => Op::Draw,
            _ => Op::Step(step(dice)),
        })
        .collect()
}

fn step(dice: &mut Dice) -> Step {
    Step {
        undo: [Undo::None, Undo::Finish, Undo::Finish, Undo::Abort][dice.below(4)],
        fails: dice.below(6) == 0,
        flaky: dice.below(4) == 0,
        seconds: [0, 0, 1, 4][dice.below(4)],
        must: dice.below(3) == 0,
    }
}
