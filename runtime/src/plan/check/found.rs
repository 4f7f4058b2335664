//! What a plan has that it must not have, and how that is said.

use std::fmt;

use super::Text;
use super::place::Place;

/// The most problems of one plan that are told at once.
const MOST: usize = 8;

/// What is wrong.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rule {
    /// `step` can be undone and comes after the pivot `other`.
    AfterPivot,
    /// The pivot `step` is a branch of the group `other`, which may give it up.
    GivenUp,
    /// The pivot `step` runs at the same time as `other`, which can be undone.
    Beside,
    /// Nothing says what doing `step` once more would do.
    Unclassed,
    /// Nobody knows what is awaited.
    Untold,
    /// The state `other` does not accept the signal `step`, for which its handler waits.
    NotAccepted,
    /// A timeout of the state `other` may stop its handler, in which the pivot `step` stands.
    TimedOut,
    /// The handler of the state `other` goes on with another saga's turn.
    Again,
}

/// One thing that is wrong with a plan.
#[derive(Debug, Clone, Copy)]
pub(super) struct Problem {
    pub(super) rule: Rule,
    pub(super) place: Place,
    /// The step, or the nested saga's, that the rule is about.
    pub(super) step: &'static str,
    /// Who else has a part in it.
    pub(super) other: &'static str,
}

impl Problem {
    pub(super) const fn text(&self) -> Text {
        let text = Text::EMPTY;
        match self.rule {
            Rule::AfterPivot => text
                .with("a step after a `pivot` cannot be compensatable: once ")
                .name(self.other)
                .with(" is done nothing is undone, and ")
                .name(self.step)
                .with(" has a `compensate`; await ")
                .name(self.step)
                .with(" before ")
                .name(self.other)
                .with(", or leave out one of the two keys"),
            Rule::GivenUp => text
                .with("a `pivot` cannot stand in a `")
                .with(self.other)
                .with("`, which gives up its other branches and undoes them: ")
                .name(self.step)
                .with(" cannot be undone; await it after the `")
                .with(self.other)
                .with("`, or leave out its `pivot`"),
            Rule::Beside => text
                .with("a `pivot` cannot run beside a step that is compensatable: ")
                .name(self.other)
                .with(" has a `compensate` and may have to be undone when ")
                .name(self.step)
                .with(" is done; await ")
                .name(self.other)
                .with(" before ")
                .name(self.step)
                .with(", or leave out one of the two keys"),
            Rule::Unclassed => text
                .with("`#[saga(strict)]` wants to know what each step does to the world, and ")
                .name(self.step)
                .with(" does not say it; write `pure`, `idempotent`, `compensate = ..` or `pivot` in its `#[step]`"),
            Rule::Untold => text.with(
                "`#[saga(strict)]` wants to know each step, and which one is awaited here is known only when it runs; \
                 write the call itself where it is awaited, `charge(order).await`",
            ),
            Rule::NotAccepted => text
                .with("state ")
                .name(self.other)
                .with(" does not accept the signal ")
                .name(self.step)
                .with("; add its type to the `#[accepts(..)]` of ")
                .name(self.other),
            Rule::TimedOut => text
                .with("a `pivot` cannot stand in the handler of a state with a timeout, which stops the handler and undoes what it did: ")
                .name(self.step)
                .with(" cannot be undone; move it into a state of its own, or leave out its `pivot` or the timeout of ")
                .name(self.other),
            Rule::Again => text.with("`again` begins another turn of a saga; a state's handler goes on with `go(..)`, to its own state, too"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_str())
    }
}

/// What is wrong with a plan.
#[derive(Debug)]
pub struct Problems {
    found: [Option<Problem>; MOST],
    count: usize,
}

impl Problems {
    pub(super) const NONE: Problems = Problems { found: [None; MOST], count: 0 };

    /// Takes a problem, unless something is wrong at that place already.
    pub(super) const fn add(&mut self, problem: Problem) {
        let mut i = 0;
        while i < self.count {
            if let Some(known) = &self.found[i]
                && known.place.is(&problem.place)
            {
                return;
            }
            i += 1;
        }
        if self.count < MOST {
            self.found[self.count] = Some(problem);
            self.count += 1;
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.found.iter().flatten()
    }
}

/// Refuses to compile where something is wrong with the node at `at` or inside
/// it, except inside its first `marked` children, which are asked about for themselves.
#[track_caller]
pub const fn refuse(problems: &Problems, at: &[u16], marked: u16) {
    let mut i = 0;
    while i < problems.count {
        if let Some(problem) = &problems.found[i]
            && problem.place.is_within(at)
            && !problem.place.is_in_child_of(at, marked)
        {
            panic!("{}", problem.text().as_str());
        }
        i += 1;
    }
}
