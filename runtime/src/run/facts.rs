//! What the attempts of one step have bound, and which of it a call gets: pure functions over values.
//!
//! What must always hold: a fact that is bound is never bound again, and what
//! asks for it as it was asked before gets it; what asks for something else in
//! its place is told so.

use std::collections::{BTreeMap, BTreeSet};

use crate::codec::Payload;
use crate::record::{FactKey, RequestDigest};

/// A value that is bound.
#[derive(Debug, Clone)]
pub(crate) struct Fact {
    pub(crate) request: RequestDigest,
    /// What was asked, as it is shown.
    pub(crate) asked: Box<str>,
    pub(crate) value: Payload,
    /// How many facts of the step were bound before it.
    before: u32,
}

/// The facts of one step, by name and ordinal.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts(Option<Box<Bound>>);

#[derive(Debug, Clone, Default)]
struct Bound {
    by_name: BTreeMap<Box<str>, BTreeMap<u32, Fact>>,
    count: u32,
}

/// Places that are taken. Most attempts take them in order: those are one number.
#[derive(Debug, Default)]
pub(crate) struct Used {
    /// All before this one are taken.
    below: u32,
    /// And these.
    above: BTreeSet<u32>,
}

impl Used {
    pub(crate) fn insert(&mut self, ordinal: u32) {
        if ordinal >= self.below {
            self.above.insert(ordinal);
        }
        while self.above.remove(&self.below) {
            self.below += 1;
        }
    }

    fn contains(&self, ordinal: u32) -> bool {
        ordinal < self.below || self.above.contains(&ordinal)
    }
}

/// What a call comes to that asks for a fact.
#[derive(Debug)]
pub(crate) enum Choice<'f> {
    /// It is bound: this is what the call gets.
    Bound(u32, &'f Fact),
    /// Nothing is bound: the call is made, and its value is bound here.
    Free(u32),
    /// Something else was asked here before.
    Changed(u32, &'f Fact),
}

impl Facts {
    /// Binds a value; whether it could, since nothing was bound there.
    pub(crate) fn bind(&mut self, key: &FactKey, request: RequestDigest, asked: &str, value: &Payload) -> bool {
        let bound = self.0.get_or_insert_default();
        let named = bound.by_name.entry(key.name.clone()).or_default();
        if named.contains_key(&key.ordinal) {
            return false;
        }
        named.insert(key.ordinal, Fact { request, asked: asked.into(), value: value.clone(), before: bound.count });
        bound.count += 1;
        true
    }

    /// What a call gets that asks `request` under a name; `used` are the places of that name that other calls of the same
    /// attempt have, `again` is the one where this request failed before in the attempt.
    ///
    /// A fact is found by its request: the first one of that name with this request that nobody has. A call whose request is
    /// bound nowhere takes the next place. That place may hold the answer to another request: then the code has changed,
    /// unless that answer was bound while an earlier place had none. There a call had failed (or was under way) in the
    /// attempt that bound it, and this attempt, in which that call may succeed, need not come the same way.
    pub(crate) fn choose(&self, name: &str, request: RequestDigest, used: &Used, again: Option<u32>) -> Choice<'_> {
        static NONE: BTreeMap<u32, Fact> = BTreeMap::new();
        let named = self.0.as_ref().and_then(|bound| bound.by_name.get(name)).unwrap_or(&NONE);
        if let Some((ordinal, fact)) = again.and_then(|again| named.get_key_value(&again))
            && fact.request == request
        {
            return Choice::Bound(*ordinal, fact);
        }
        let mut unused = named.range(used.below..).filter(|(ordinal, _)| !used.contains(**ordinal));
        if let Some((ordinal, fact)) = unused.clone().find(|(_, fact)| fact.request == request) {
            return Choice::Bound(*ordinal, fact);
        }
        if let Some(again) = again.filter(|again| !named.contains_key(again)) {
            return Choice::Free(again);
        }
        let is_free = |ordinal: &u32| !used.contains(*ordinal) && !named.contains_key(ordinal);
        let free = (used.below..).find(is_free).unwrap_or(u32::MAX);
        let in_order = |ordinal: u32, fact: &Fact| {
            (0..ordinal).all(|earlier| named.get(&earlier).is_some_and(|earlier| earlier.before < fact.before))
        };
        match unused.find(|(ordinal, fact)| **ordinal < free && in_order(**ordinal, fact)) {
            Some((ordinal, fact)) => Choice::Changed(*ordinal, fact),
            None => Choice::Free(free),
        }
    }

    /// The fact of a key.
    pub(crate) fn get(&self, key: &FactKey) -> Option<&Fact> {
        self.0.as_ref()?.by_name.get(&key.name)?.get(&key.ordinal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Digest;

    fn asks(what: &str) -> RequestDigest {
        RequestDigest(Digest::of_bytes(&[what.as_bytes()]))
    }

    fn bound(order: &[(u32, &str)]) -> Facts {
        let mut facts = Facts::default();
        for (ordinal, what) in order {
            let key = FactKey { name: "call:a".into(), ordinal: *ordinal };
            assert!(facts.bind(&key, asks(what), what, &Payload::from_bytes(what.as_bytes())));
        }
        facts
    }

    fn told(facts: &Facts, what: &str, used: &[u32]) -> String {
        told_again(facts, what, used, None)
    }

    fn told_again(facts: &Facts, what: &str, given: &[u32], again: Option<u32>) -> String {
        let mut used = Used::default();
        given.iter().for_each(|ordinal| used.insert(*ordinal));
        match facts.choose("call:a", asks(what), &used, again) {
            Choice::Bound(ordinal, fact) => format!("bound {ordinal} {}", fact.asked),
            Choice::Free(ordinal) => format!("free {ordinal}"),
            Choice::Changed(ordinal, fact) => format!("changed {ordinal} {}", fact.asked),
        }
    }

    #[test]
    fn a_request_finds_its_own_value_and_each_value_is_given_once() {
        let facts = bound(&[(0, "x"), (1, "y"), (2, "x")]);
        assert_eq!(told(&facts, "x", &[]), "bound 0 x");
        assert_eq!(told(&facts, "x", &[0]), "bound 2 x");
        assert_eq!(told(&facts, "y", &[0]), "bound 1 y");
        assert_eq!(told(&facts, "x", &[0, 1, 2]), "free 3");
        assert_eq!(told(&Facts::default(), "x", &[0]), "free 1");
    }

    #[test]
    fn another_request_in_the_place_of_one_that_was_answered_has_changed() {
        let facts = bound(&[(0, "x"), (1, "y")]);
        assert_eq!(told(&facts, "z", &[]), "changed 0 x");
        assert_eq!(told(&facts, "z", &[0]), "changed 1 y");
        assert_eq!(told(&facts, "z", &[0, 1]), "free 2");
    }

    #[test]
    fn what_was_bound_behind_a_call_that_failed_need_not_be_asked_again() {
        // `x` failed at 0, and `z` was asked instead. This time `x` succeeds, and `w` follows.
        let facts = bound(&[(1, "z")]);
        assert_eq!(told(&facts, "x", &[]), "free 0");
        let facts = bound(&[(1, "z"), (0, "x")]);
        assert_eq!(told(&facts, "w", &[0]), "free 2");
        assert_eq!(told(&facts, "z", &[0]), "bound 1 z");
    }

    #[test]
    fn what_has_failed_is_found_again_by_the_same_request() {
        let facts = bound(&[(0, "x"), (2, "z")]);
        // `y` failed at 1, `z` was asked for, and now `y` again.
        assert_eq!(told_again(&facts, "y", &[0, 1, 2], Some(1)), "free 1");
        assert_eq!(told(&facts, "y", &[0, 1, 2]), "free 3");
        // Another attempt was faster.
        let facts = bound(&[(0, "x"), (2, "z"), (1, "y")]);
        assert_eq!(told_again(&facts, "y", &[0, 1, 2], Some(1)), "bound 1 y");
        // It asked for something else there.
        let facts = bound(&[(0, "x"), (2, "z"), (1, "w")]);
        assert_eq!(told_again(&facts, "y", &[0, 1, 2], Some(1)), "free 3");
    }

    #[test]
    fn many_facts_of_one_name_take_no_longer_each() {
        let mut facts = Facts::default();
        let mut used = Used::default();
        for n in 0..100_000 {
            let Choice::Free(ordinal) = facts.choose("now", asks("now"), &used, None) else { panic!("{n} is bound") };
            let key = FactKey { name: "now".into(), ordinal };
            assert!(facts.bind(&key, asks("now"), "", &Payload::from_bytes(b"1")));
            used.insert(ordinal);
        }
        assert!(used.above.is_empty() && used.below == 100_000);
    }

    #[test]
    fn nothing_is_bound_twice() {
        let mut facts = bound(&[(0, "x")]);
        let key = FactKey { name: "call:a".into(), ordinal: 0 };
        assert!(!facts.bind(&key, asks("x"), "x", &Payload::from_bytes(b"2")));
        assert_eq!(facts.get(&key).map(|fact| fact.value.to_text()), Some("x".to_owned()));
    }
}
