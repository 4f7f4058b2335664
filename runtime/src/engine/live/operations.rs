//! The operations that a body waits for.

use std::collections::BTreeMap;
use std::mem;

use crate::engine::status::Waiting;
use crate::id::Position;

/// What an operation does that the body waits for.
#[derive(Debug, Clone)]
pub(super) enum Doing {
    /// It is at work.
    Work,
    /// It waits, as others can see.
    Wait(Waiting),
    /// It has come to where it can be dropped, and goes no further.
    Stopped,
}

/// The operations that a body waits for, in the order of their positions. Most bodies wait for one at a time: that needs
/// no tree.
#[derive(Debug, Default)]
pub(super) struct Operations {
    /// There is none in `more` then.
    lone: Option<(Position, Doing)>,
    more: BTreeMap<Position, Doing>,
}

impl Operations {
    /// What the operation at this position did before, if there was one.
    pub(super) fn insert(&mut self, at: Position, doing: Doing) -> Option<Doing> {
        match &mut self.lone {
            Some((known, before)) if *known == at => Some(mem::replace(before, doing)),
            None if self.more.is_empty() => {
                self.lone = Some((at, doing));
                None
            }
            lone => {
                self.more.extend(lone.take());
                self.more.insert(at, doing)
            }
        }
    }

    pub(super) fn remove(&mut self, at: &Position) {
        match &self.lone {
            Some((known, _)) if known == at => self.lone = None,
            Some(_) => {}
            None => drop(self.more.remove(at)),
        }
    }

    pub(super) fn get_mut(&mut self, at: &Position) -> Option<&mut Doing> {
        match &mut self.lone {
            Some((known, doing)) => (known == at).then_some(doing),
            None => self.more.get_mut(at),
        }
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Doing> {
        self.lone.iter().map(|(_, doing)| doing).chain(self.more.values())
    }

    /// The operation at a position, and those inside it.
    pub(super) fn within(&self, scope: &Position) -> impl Iterator<Item = &Doing> {
        let lone = self.lone.iter().filter(move |(at, _)| at == scope || at.is_within(scope)).map(|(_, doing)| doing);
        // What is within stands behind it, in one piece.
        let more = (!self.more.is_empty()).then(|| self.more.range(scope.clone()..)).into_iter().flatten();
        lone.chain(more.take_while(move |(at, _)| *at == scope || at.is_within(scope)).map(|(_, doing)| doing))
    }

    /// As [`within`](Self::within).
    pub(super) fn within_mut(&mut self, scope: &Position) -> impl Iterator<Item = &mut Doing> {
        let lone =
            self.lone.iter_mut().filter(move |(at, _)| at == scope || at.is_within(scope)).map(|(_, doing)| doing);
        let more = (!self.more.is_empty()).then(|| self.more.range_mut(scope.clone()..)).into_iter().flatten();
        lone.chain(more.take_while(move |(at, _)| *at == scope || at.is_within(scope)).map(|(_, doing)| doing))
    }

    pub(super) fn len(&self) -> usize {
        self.more.len() + usize::from(self.lone.is_some())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lone.is_none() && self.more.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.lone = None;
        self.more.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn position(parts: &[u32]) -> Position {
        parts.iter().fold(Position::root(0), |at, part| at.child(*part))
    }

    fn is_stopped(doing: &Doing) -> bool {
        matches!(doing, Doing::Stopped)
    }

    proptest! {
        /// Against a tree alone.
        #[test]
        fn they_are_those_of_a_tree(
            does in prop::collection::vec((0u8..5, prop::collection::vec(0u32..3, 0..3)), 0..40),
        ) {
            let (mut operations, mut judge) = (Operations::default(), BTreeMap::new());
            for (what, parts) in does {
                let at = position(&parts);
                match what {
                    0 | 1 => {
                        let before = operations.insert(at.clone(), Doing::Work).is_some();
                        prop_assert_eq!(before, judge.insert(at, false).is_some());
                    }
                    2 => {
                        operations.remove(&at);
                        judge.remove(&at);
                    }
                    3 => {
                        operations.within_mut(&at).for_each(|doing| *doing = Doing::Stopped);
                        judge.iter_mut().filter(|(of, _)| **of == at || of.is_within(&at)).for_each(|(_, s)| *s = true);
                    }
                    _ => {
                        let found = operations.get_mut(&at).map(|doing| is_stopped(doing));
                        prop_assert_eq!(found, judge.get(&at).copied());
                    }
                }
                prop_assert_eq!(operations.values().map(is_stopped).collect::<Vec<_>>(), judge.values().copied().collect::<Vec<_>>());
                prop_assert_eq!((operations.len(), operations.is_empty()), (judge.len(), judge.is_empty()));
                for scope in [position(&[]), position(&[1]), position(&[1, 2])] {
                    let within = judge.iter().filter(|(of, _)| **of == scope || of.is_within(&scope)).count();
                    prop_assert_eq!(operations.within(&scope).count(), within);
                }
            }
        }
    }
}
