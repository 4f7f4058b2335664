//! The order in which a plan's nodes can run.

use super::Known;
use super::found::{Problem, Problems, Rule};
use super::holds::{Holds, holds, is_one_of, of_saga, of_step};
use super::place::Place;
use crate::plan::Plan;
use crate::step::{Effect, StepMeta};

/// An arm of a branch that never comes to its end.
#[derive(Debug, Clone, Copy)]
pub struct Exit {
    /// The arm: the indexes of the children on the way from the root.
    pub at: &'static [u16],
    /// Where it goes instead.
    pub to: Leave,
}

/// Where a body goes on when it leaves an arm.
#[derive(Debug, Clone, Copy)]
pub enum Leave {
    /// Nowhere: `return`.
    Body,
    /// Behind the loop: `break`.
    Loop,
    /// In the loop's next turn: `continue`.
    Turn,
}

/// What is wrong with a plan. `known` is what is inside the sagas it names:
/// nothing, while it is compiled.
#[must_use]
pub const fn problems(plan: &Plan, exits: &[Exit], strict: bool) -> Problems {
    with_known(plan, exits, strict, &[])
}

/// What is wrong with the plan of a state's handler.
pub(super) const fn of_state(plan: &Plan, exits: &[Exit], known: &[Known], state: InState<'_>) -> Problems {
    walk(plan, exits, false, known, Some(state))
}

pub(super) const fn with_known(plan: &Plan, exits: &[Exit], strict: bool, known: &[Known]) -> Problems {
    walk(plan, exits, strict, known, None)
}

/// The state whose handler a body is.
#[derive(Clone, Copy)]
pub(super) struct InState<'p> {
    pub(super) name: &'static str,
    /// The signals that it accepts.
    pub(super) accepts: &'p [&'static str],
    /// A timeout may stop the handler.
    pub(super) timed: bool,
}

const fn walk(plan: &Plan, exits: &[Exit], strict: bool, known: &[Known], state: Option<InState<'_>>) -> Problems {
    let mut walk = Walk {
        exits,
        known,
        strict,
        state,
        found: Problems::NONE,
        given_up_by: None,
        breaks: Flow::NEVER,
        turns: Flow::NEVER,
    };
    walk.node(plan, Flow { reached: true, pivot: None }, Place::ROOT);
    walk.found
}

/// What may have happened before a point of the body.
#[derive(Clone, Copy)]
struct Flow {
    reached: bool,
    /// The first pivot that may be done.
    pivot: Option<&'static str>,
}

impl Flow {
    const NEVER: Flow = Flow { reached: false, pivot: None };

    /// Either one or the other.
    const fn or(self, other: Flow) -> Flow {
        Flow {
            reached: self.reached || other.reached,
            pivot: if self.pivot.is_some() { self.pivot } else { other.pivot },
        }
    }

    const fn then(self, holds: Holds) -> Flow {
        Flow { reached: self.reached, pivot: if self.pivot.is_some() { self.pivot } else { holds.pivot } }
    }
}

struct Walk<'p> {
    exits: &'p [Exit],
    known: &'p [Known],
    strict: bool,
    state: Option<InState<'p>>,
    found: Problems,
    /// The innermost group around that does not let all of its branches end.
    given_up_by: Option<&'static str>,
    /// What has happened where the innermost loop is left, or turned.
    breaks: Flow,
    turns: Flow,
}

impl Walk<'_> {
    /// Walks a node, and gives what has happened behind it.
    const fn node(&mut self, plan: &Plan, before: Flow, place: Place) -> Flow {
        match plan {
            Plan::Seq(plans) => {
                let mut flow = before;
                let mut i = 0;
                while i < plans.len() {
                    flow = self.node(&plans[i], flow, place.child(i));
                    i += 1;
                }
                flow
            }
            Plan::Branch(arms) => self.branch(arms, before, place),
            Plan::Loop(body) => self.repeat(body, before, place.child(0)),
            Plan::Join(plans) => {
                self.beside(plans, place);
                self.group(plans, before, place)
            }
            Plan::All(plan) => {
                self.beside_itself(plan, place);
                self.node(plan, before, place.child(0)).or(before)
            }
            Plan::Race(plans) => {
                let outer = self.given_up_by.replace("race");
                let after = self.group(plans, before, place);
                self.given_up_by = outer;
                after
            }
            Plan::TryAll(plan) => {
                let outer = self.given_up_by.replace("try_all");
                let after = self.node(plan, before, place.child(0));
                self.given_up_by = outer;
                after.or(before)
            }
            Plan::Step(step) => self.leaf(of_step(step), before, place, Some(step)),
            Plan::Saga(saga) => self.leaf(of_saga(saga, self.known), before, place, None),
            Plan::Again(saga) => {
                if let Some(state) = self.state {
                    self.found.add(Problem { rule: Rule::Again, place, step: saga.name, other: state.name });
                }
                self.leaf(of_saga(saga, self.known), before, place, None);
                Flow::NEVER
            }
            Plan::Signal(name) => {
                if let Some(state) = self.state
                    && !is_one_of(name, state.accepts)
                {
                    self.found.add(Problem { rule: Rule::NotAccepted, place, step: name, other: state.name });
                }
                before
            }
            Plan::Dynamic => {
                if self.strict {
                    self.found.add(Problem { rule: Rule::Untold, place, step: "", other: "" });
                }
                before
            }
            _ => before,
        }
    }

    const fn leaf(&mut self, holds: Holds, before: Flow, place: Place, step: Option<&StepMeta>) -> Flow {
        if let (Some(pivot), Some(undoable)) = (before.pivot, holds.undoable) {
            self.found.add(Problem { rule: Rule::AfterPivot, place, step: undoable, other: pivot });
        }
        if let (Some(group), Some(pivot)) = (self.given_up_by, holds.pivot) {
            self.found.add(Problem { rule: Rule::GivenUp, place, step: pivot, other: group });
        }
        if let (Some(InState { name, timed: true, .. }), Some(pivot)) = (self.state, holds.pivot) {
            self.found.add(Problem { rule: Rule::TimedOut, place, step: pivot, other: name });
        }
        if let Some(step) = step
            && self.strict
            && matches!(step.effect, Effect::Unspecified)
            && holds.pivot.is_none()
            && holds.undoable.is_none()
        {
            self.found.add(Problem { rule: Rule::Unclassed, place, step: step.name, other: "" });
        }
        before.then(holds)
    }

    const fn branch(&mut self, arms: &[Plan], before: Flow, place: Place) -> Flow {
        let mut after = Flow::NEVER;
        let mut i = 0;
        while i < arms.len() {
            let place = place.child(i);
            let flow = self.node(&arms[i], before, place);
            match self.leaves(place) {
                None => after = after.or(flow),
                Some(Leave::Body) => {}
                Some(Leave::Loop) => self.breaks = self.breaks.or(flow),
                Some(Leave::Turn) => self.turns = self.turns.or(flow),
            }
            i += 1;
        }
        after
    }

    const fn leaves(&self, place: Place) -> Option<Leave> {
        let mut i = 0;
        while i < self.exits.len() {
            if place.is_at(self.exits[i].at) {
                return Some(self.exits[i].to);
            }
            i += 1;
        }
        None
    }

    const fn repeat(&mut self, body: &Plan, before: Flow, place: Place) -> Flow {
        let (breaks, turns) = (self.breaks, self.turns);
        (self.breaks, self.turns) = (Flow::NEVER, Flow::NEVER);
        let end = self.node(body, before, place);
        match self.leaves(place) {
            None | Some(Leave::Turn) => self.turns = self.turns.or(end),
            Some(Leave::Body) => {}
            Some(Leave::Loop) => self.breaks = self.breaks.or(end),
        }
        let turn = self.turns;
        if before.pivot.is_none() && turn.pivot.is_some() {
            // The next turn begins with what this one leaves behind.
            self.node(body, turn, place);
        }
        let after = before.or(turn).or(self.breaks);
        (self.breaks, self.turns) = (breaks, turns);
        after
    }

    /// Branches that begin at one point.
    const fn group(&mut self, plans: &[Plan], before: Flow, place: Place) -> Flow {
        let mut after = before;
        let mut i = 0;
        while i < plans.len() {
            after = after.or(self.node(&plans[i], before, place.child(i)));
            i += 1;
        }
        after
    }

    /// A pivot in one branch, and a compensatable step in another.
    const fn beside(&mut self, plans: &[Plan], place: Place) {
        let mut i = 0;
        while i < plans.len() {
            let mut j = 0;
            while j < plans.len() {
                let (a, b) = (holds(&plans[i], self.known), holds(&plans[j], self.known));
                if let (true, Some(pivot), Some(undoable)) = (i != j, a.pivot, b.undoable) {
                    self.found.add(Problem { rule: Rule::Beside, place: place.child(i), step: pivot, other: undoable });
                }
                j += 1;
            }
            i += 1;
        }
    }

    /// A pivot and a compensatable step that run many times at once.
    const fn beside_itself(&mut self, plan: &Plan, place: Place) {
        let holds = holds(plan, self.known);
        if let (Some(pivot), Some(undoable)) = (holds.pivot, holds.undoable) {
            self.found.add(Problem { rule: Rule::Beside, place: place.child(0), step: pivot, other: undoable });
        }
    }
}
