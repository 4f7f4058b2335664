//! What must hold of the recorded history of any run, whatever it did: a pure function over its events.
//!
//! It says the contract once more, and knows nothing of how the engine adds its records up.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use factum::{Carried, Event, Part, Position, UndoKind};

/// Whether `at` stands somewhere inside `scope`.
pub fn is_within(at: &Position, scope: &Position) -> bool {
    let (at_parts, scope_parts): (Vec<Part>, Vec<Part>) = (at.parts().collect(), scope.parts().collect());
    at.visit() == scope.visit() && at_parts.len() > scope_parts.len() && at_parts.starts_with(&scope_parts)
}

fn is_root(at: &Position) -> bool {
    at.parts().next().is_none()
}

/// The position of a branch of a group.
fn branch(group: &Position, index: u32) -> Position {
    format!("{group}/{index}").parse().unwrap()
}

#[derive(Debug, Default)]
struct Step {
    attempts: u32,
    in_air: bool,
    ended: bool,
    unknown: bool,
    undo_done: bool,
    undo_unknown: bool,
    since: usize,
}

/// Something that a rollback undoes.
#[derive(Debug)]
struct Undo {
    of: Position,
    kind: UndoKind,
    is_done: bool,
    in_air: bool,
}

/// A scope that only goes backwards: the root, a saga, or the losers of a group.
#[derive(Debug)]
struct Back {
    scope: Position,
    won: Option<u32>,
}

impl Back {
    fn covers(&self, at: &Position) -> bool {
        is_root(&self.scope)
            || is_within(at, &self.scope) && !self.won.is_some_and(|won| is_within(at, &branch(&self.scope, won)))
    }
}

/// A history, read from its beginning.
#[derive(Debug, Default)]
struct Reader {
    steps: BTreeMap<String, (Position, Step)>,
    undos: Vec<Undo>,
    back: Vec<Back>,
    /// Every position at which something was recorded that is recorded once, with the record's name.
    once: BTreeSet<(String, &'static str)>,
    /// Where facts are bound, and which.
    facts: BTreeSet<(String, String)>,
    won: HashMap<String, (Position, u32)>,
    received: Vec<String>,
    /// Where each signal went.
    taken: BTreeMap<u64, Position>,
    ended: bool,
    broken: Vec<String>,
}

/// Every rule that a history breaks. None is good.
pub fn broken(events: &[Event]) -> Vec<String> {
    let mut reader = Reader::default();
    for (number, event) in events.iter().enumerate() {
        let before = reader.broken.len();
        reader.read(number, event);
        for rule in &mut reader.broken[before..] {
            *rule = format!("record {number}, {event}: {rule}");
        }
    }
    reader.broken
}

impl Reader {
    fn say(&mut self, rule: impl Into<String>) {
        self.broken.push(rule.into());
    }

    fn once(&mut self, at: &Position, what: &'static str) {
        if !self.once.insert((at.to_string(), what)) {
            self.say("recorded twice");
        }
    }

    /// Something new begins at a position.
    fn begins(&mut self, at: &Position) {
        if self.back.iter().any(|back| back.covers(at)) {
            self.say("begun behind the decision to undo it");
        }
        let lost = self.won.values().any(|(group, won)| is_within(at, group) && !is_within(at, &branch(group, *won)));
        if lost {
            self.say("begun in a branch that has lost");
        }
    }

    fn push(&mut self, of: &Position, kind: UndoKind) {
        self.undos.push(Undo { of: of.clone(), kind, is_done: false, in_air: false });
    }

    fn settled(&mut self, covers: impl Fn(&Position) -> bool) {
        let open: Vec<String> = self
            .undos
            .iter()
            .filter(|undo| !undo.is_done && covers(&undo.of))
            .map(|undo| undo.of.to_string())
            .collect();
        if !open.is_empty() {
            self.say(format!("not undone: {}", open.join(", ")));
        }
    }

    fn read(&mut self, number: usize, event: &Event) {
        if self.ended && !matches!(event, Event::RunDeleted { .. }) {
            self.say("the run had ended");
        }
        match event {
            Event::StepAttempted { at, attempt, undo_done, undo_unknown, .. } => {
                self.begins(at);
                let (_, step) = self.steps.entry(at.to_string()).or_insert_with(|| {
                    let step =
                        Step { undo_done: *undo_done, undo_unknown: *undo_unknown, since: number, ..Step::default() };
                    (at.clone(), step)
                });
                let bad = step.in_air || step.ended || *attempt != step.attempts + 1;
                (step.in_air, step.attempts) = (true, *attempt);
                if bad {
                    self.say("not the next attempt");
                }
            }
            Event::AttemptFailed { at, unknown, .. } => match self.steps.get_mut(&at.to_string()) {
                Some((_, step)) if step.in_air => {
                    step.in_air = false;
                    step.unknown |= unknown;
                }
                _ => self.say("no attempt was in the air"),
            },
            Event::StepDone { at, .. } => match self.steps.get_mut(&at.to_string()) {
                Some((_, step)) if step.in_air => {
                    (step.in_air, step.ended) = (false, true);
                    if step.undo_done {
                        self.push(at, UndoKind::Compensate);
                    }
                }
                _ => self.say("no attempt was in the air"),
            },
            Event::StepFailed { at, unknown, .. } => match self.steps.get_mut(&at.to_string()) {
                Some((_, step)) if step.in_air => {
                    (step.in_air, step.ended) = (false, true);
                    step.unknown |= unknown;
                    if step.unknown && step.undo_unknown {
                        self.push(at, UndoKind::Unknown);
                    }
                }
                _ => self.say("no attempt was in the air"),
            },
            Event::Recovered { .. } => {
                for (_, step) in self.steps.values_mut() {
                    step.unknown |= std::mem::take(&mut step.in_air);
                }
                self.undos.iter_mut().for_each(|undo| undo.in_air = false);
            }
            Event::RollbackDecided { scope, .. } => self.roll_back(scope),
            Event::CompensationStarted { of, kind, .. } => self.undo_begins(of, *kind),
            Event::CompensationDone { of, .. } => match self.undos.iter_mut().rev().find(|undo| undo.of == *of) {
                Some(undo) if !undo.is_done && (undo.in_air || undo.kind == UndoKind::Child) => {
                    (undo.is_done, undo.in_air) = (true, false);
                }
                _ => self.say("nothing was being undone there"),
            },
            Event::CompensationFailed { of, last, .. } => {
                if let Some(undo) = self.undos.iter_mut().rev().find(|undo| undo.of == *of) {
                    undo.in_air = false;
                }
                if *last {
                    self.say("an undo failed for good");
                }
            }
            Event::ScopeEntered { at, .. } => {
                self.begins(at);
                self.once(at, "entered");
            }
            Event::ScopeLeft { at, result, .. } => {
                self.once(at, "left");
                if result.is_err() {
                    self.settled(|of| is_within(of, at));
                    self.back.retain(|back| back.scope != *at && !is_within(&back.scope, at));
                }
            }
            // In a branch that has lost, too: it is an end, and not a beginning.
            Event::BranchWon { at, branch, .. } => {
                self.once(at, "won");
                self.won.insert(at.to_string(), (at.clone(), *branch));
            }
            Event::LosersEnded { at, .. } => self.losers_ended(at),
            Event::TimerSet { at, .. } => {
                self.begins(at);
                self.once(at, "set");
            }
            Event::TimerFired { at, .. } => self.once(at, "fired"),
            Event::FactBound { at, fact, .. } => self.binds(at, &fact.to_string()),
            Event::ValueDrawn { at, .. } => {
                self.begins(at);
                self.once(at, "drawn");
            }
            Event::Published { at, .. } => {
                self.begins(at);
                self.once(at, "published");
            }
            Event::ChildStarted { at, linked, .. } => {
                self.begins(at);
                self.once(at, "child");
                if *linked {
                    self.push(at, UndoKind::Child);
                }
            }
            Event::ChildEnded { at, .. } => self.once(at, "child ended"),
            Event::SignalReceived { signal, .. } => self.received.push(signal.to_string()),
            Event::SignalConsumed { at, number, .. } => self.takes(at, *number),
            Event::Again { carried, .. } => self.again(carried, false),
            Event::StateEntered { carried, .. } => self.again(carried, true),
            // What is not undone stays.
            Event::Abandoned { .. } => {
                self.undos.clear();
                self.steps.clear();
                self.back.clear();
            }
            Event::RunCompleted { .. } => {
                self.ended = true;
                if !self.back.is_empty() {
                    self.say("completed while something was rolled back");
                }
            }
            Event::RunFailed { .. } | Event::RunCancelled { .. } => {
                self.ended = true;
                self.settled(|_| true);
            }
            _ => {}
        }
    }

    /// A fact is bound once, and while its step, or its undo, has not ended.
    fn binds(&mut self, at: &Position, fact: &str) {
        if !self.facts.insert((at.to_string(), fact.to_owned())) {
            self.say("bound twice");
        }
        let is_open = match at.parts().last() {
            Some(Part::Undo(_)) => self.undos.iter().any(|undo| !undo.is_done && is_within(at, &undo.of)),
            _ => self.steps.get(&at.to_string()).is_some_and(|(_, step)| step.attempts > 0 && !step.ended),
        };
        if !is_open {
            self.say("bound where nothing is under way");
        }
    }

    /// What has not ended and may have happened is to be undone as well.
    fn roll_back(&mut self, scope: &Position) {
        let won = self.won.get(&scope.to_string()).map(|(_, won)| *won);
        let back = Back { scope: scope.clone(), won };
        if self.back.iter().any(|known| known.scope == *scope) {
            self.say("decided twice");
        }
        let mut open = Vec::new();
        for (at, step) in self.steps.values_mut() {
            if back.covers(at) && !step.ended && (step.unknown || step.in_air) {
                (step.ended, step.in_air) = (true, false);
                if step.undo_unknown {
                    open.push((step.since, at.clone()));
                }
            }
        }
        open.sort_by_key(|(since, _)| *since);
        for (_, at) in open {
            self.push(&at, UndoKind::Unknown);
        }
        self.back.push(back);
    }

    /// Undone is, of what a scope that goes backwards has done, the last that is not undone.
    fn undo_begins(&mut self, of: &Position, kind: UndoKind) {
        let root = self.back.iter().any(|back| is_root(&back.scope));
        let in_turn = self.back.iter().filter(|back| !root || is_root(&back.scope)).any(|back| {
            let last = self.undos.iter().rev().find(|undo| !undo.is_done && back.covers(&undo.of));
            last.is_some_and(|undo| undo.of == *of && undo.kind == kind)
        });
        if !in_turn {
            self.say("undone out of turn");
        }
        match self.undos.iter_mut().rev().find(|undo| undo.of == *of) {
            Some(undo) if !undo.is_done && !undo.in_air => undo.in_air = true,
            _ => self.say("there is nothing to be undone"),
        }
    }

    fn losers_ended(&mut self, at: &Position) {
        self.once(at, "losers ended");
        let Some((_, won)) = self.won.get(&at.to_string()).cloned() else { return self.say("nobody has won") };
        let losers = Back { scope: at.clone(), won: Some(won) };
        self.settled(|of| losers.covers(of));
        self.back.retain(|back| back.scope != *at && !losers.covers(&back.scope));
        // The signals that they took are back.
        self.taken.retain(|_, taken| !losers.covers(taken));
    }

    /// The next turn undoes what the ones before it have left.
    fn again(&mut self, carried: &Carried, may_commit: bool) {
        let theirs: Vec<&Position> = carried.undo.iter().map(|undo| &undo.of).collect();
        // The records of a turn that is over go, all at once.
        if !self.steps.is_empty() {
            let mine: Vec<&Position> = self.undos.iter().filter(|undo| !undo.is_done).map(|undo| &undo.of).collect();
            // In a state behind a commit nothing of it is.
            let committed = may_commit && theirs.is_empty() && carried.past_pivot;
            if mine != theirs && !committed {
                let broken = format!("carries {theirs:?} to be undone instead of {mine:?}");
                self.say(broken);
            }
        }
        self.undos.clear();
        for undo in &carried.undo {
            self.push(&undo.of, undo.kind);
        }
        let received = usize::try_from(carried.received).unwrap();
        self.received = vec![String::new(); received];
        self.taken = (0..carried.received).map(|number| (number, "root".parse().unwrap())).collect();
        for signal in &carried.inbox {
            self.received[usize::try_from(signal.number).unwrap()] = signal.signal.to_string();
            self.taken.remove(&signal.number);
        }
        self.steps.clear();
        self.won.clear();
        self.back.clear();
    }

    fn takes(&mut self, at: &Position, number: u64) {
        self.begins(at);
        let Some(name) = usize::try_from(number).ok().and_then(|number| self.received.get(number)).cloned() else {
            return self.say("no such signal was received");
        };
        let first = (0..).zip(&self.received).find(|(n, other)| **other == name && !self.taken.contains_key(n));
        if first.map(|(n, _)| n) != Some(number) {
            self.say("another signal was the next");
        }
        self.taken.insert(number, at.clone());
    }
}
