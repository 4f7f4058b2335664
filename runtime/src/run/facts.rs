//! What the attempts of one step have bound, and which of it a call gets: pure functions over values.
//!
//! What must always hold: a fact that is bound is never bound again, and what
//! asks for it as it was asked before gets it; what asks for something else in
//! its place is told so.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::codec::Payload;
use crate::record::RequestDigest;

/// A value that is bound.
#[derive(Debug, Clone)]
pub(crate) struct Fact {
    pub(crate) request: RequestDigest,
    /// What was asked, as it is shown.
    pub(crate) asked: Box<str>,
    pub(crate) value: Payload,
    /// No other fact was asked for while it was made.
    alone: bool,
    /// How many facts of the step were bound before it.
    before: u32,
}

/// The facts of one step, by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts(Option<Box<Bound>>);

#[derive(Debug, Clone, Default)]
struct Bound {
    by_name: BTreeMap<Box<str>, Named>,
    count: u32,
}

/// The facts of one name.
#[derive(Debug, Clone, Default)]
struct Named {
    by_ordinal: BTreeMap<u32, Fact>,
    /// The ordinals, by the request and which of that request it is.
    by_request: HashMap<(RequestDigest, u32), u32>,
}

/// What is asked for, as far as it matters which fact that is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) name: &'a str,
    pub(crate) request: RequestDigest,
    /// Which of that name with this request, from 0, in the order in which the attempt asks.
    pub(crate) nth: u32,
    /// No other fact is being made meanwhile.
    pub(crate) alone: bool,
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
    pub(crate) fn bind(&mut self, ordinal: u32, asked: Asked<'_>, shown: &str, value: &Payload) -> bool {
        let bound = self.0.get_or_insert_default();
        let named = bound.by_name.entry(asked.name.into()).or_default();
        let identity = (asked.request, asked.nth);
        if named.by_ordinal.contains_key(&ordinal) || named.by_request.contains_key(&identity) {
            return false;
        }
        let Asked { request, alone, .. } = asked;
        let fact = Fact { request, asked: shown.into(), value: value.clone(), alone, before: bound.count };
        named.by_ordinal.insert(ordinal, fact);
        named.by_request.insert(identity, ordinal);
        bound.count += 1;
        true
    }

    /// What a call gets; `used` are the places of its name that other calls of the same attempt have, `again` is the one
    /// where the same failed before in the attempt.
    ///
    /// A fact is found by its request, and which of those with that request it is: whatever came before it, or did not come
    /// this time, since a call had failed then. A call of which nothing is bound takes the next place. That
    /// place may hold the answer to another request: then the code has changed, if both were asked for alone, and
    /// everything before that answer was bound. Otherwise a call had failed there, or several were under way, and they
    /// need not come the same way again.
    pub(crate) fn choose(&self, asked: Asked<'_>, used: &Used, again: Option<u32>) -> Choice<'_> {
        let Some(named) = self.0.as_ref().and_then(|bound| bound.by_name.get(asked.name)) else {
            let free = again.or_else(|| (used.below..).find(|ordinal| !used.contains(*ordinal)));
            return Choice::Free(free.unwrap_or(u32::MAX));
        };
        let places = &named.by_ordinal;
        let bound = named.by_request.get(&(asked.request, asked.nth));
        if let Some((ordinal, fact)) = bound.and_then(|ordinal| places.get_key_value(ordinal)) {
            return Choice::Bound(*ordinal, fact);
        }
        if let Some(again) = again.filter(|again| !places.contains_key(again)) {
            return Choice::Free(again);
        }
        let in_order = |ordinal: u32, fact: &Fact| {
            (0..ordinal).all(|earlier| places.get(&earlier).is_some_and(|earlier| earlier.before < fact.before))
        };
        for ordinal in (used.below..).filter(|ordinal| !used.contains(*ordinal)) {
            match places.get(&ordinal) {
                None => return Choice::Free(ordinal),
                Some(fact) if asked.alone && fact.alone && in_order(ordinal, fact) => {
                    return Choice::Changed(ordinal, fact);
                }
                Some(_) => {}
            }
        }
        Choice::Free(u32::MAX)
    }

    /// Whether nothing is bound.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// What is bound for what is asked.
    pub(crate) fn get(&self, asked: Asked<'_>) -> Option<&Fact> {
        let named = self.0.as_ref()?.by_name.get(asked.name)?;
        named.by_ordinal.get(named.by_request.get(&(asked.request, asked.nth))?)
    }

    /// The first place of a name from this one on where nothing is bound.
    pub(crate) fn free_from(&self, name: &str, ordinal: u32) -> u32 {
        let named = self.0.as_ref().and_then(|bound| bound.by_name.get(name));
        let is_free = |ordinal: &u32| named.is_none_or(|named| !named.by_ordinal.contains_key(ordinal));
        (ordinal..).find(is_free).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Digest;

    fn asks(what: &str, nth: u32, alone: bool) -> Asked<'static> {
        Asked { name: "call:a", request: RequestDigest(Digest::of_bytes(&[what.as_bytes()])), nth, alone }
    }

    /// Places with what was asked there: `x` is the first of that request, `x1` the second; with a `*` not alone.
    fn asked(what: &str) -> Asked<'static> {
        let (what, alone) = what.strip_suffix('*').map_or((what, true), |what| (what, false));
        let (what, nth) = what.split_at(1);
        asks(what, nth.parse().unwrap_or(0), alone)
    }

    fn bound(order: &[(u32, &str)]) -> Facts {
        let mut facts = Facts::default();
        for (ordinal, what) in order {
            assert!(facts.bind(*ordinal, asked(what), what, &Payload::from_bytes(what.as_bytes())));
        }
        facts
    }

    fn told(facts: &Facts, what: &str, used: &[u32]) -> String {
        told_again(facts, what, used, None)
    }

    fn told_again(facts: &Facts, what: &str, given: &[u32], again: Option<u32>) -> String {
        let mut used = Used::default();
        given.iter().for_each(|ordinal| used.insert(*ordinal));
        match facts.choose(asked(what), &used, again) {
            Choice::Bound(ordinal, fact) => format!("bound {ordinal} {}", fact.asked),
            Choice::Free(ordinal) => format!("free {ordinal}"),
            Choice::Changed(ordinal, fact) => format!("changed {ordinal} {}", fact.asked),
        }
    }

    #[test]
    fn a_request_finds_its_own_value_by_how_often_it_was_asked_before() {
        let facts = bound(&[(0, "x"), (1, "y"), (2, "x1")]);
        assert_eq!(told(&facts, "x", &[]), "bound 0 x");
        assert_eq!(told(&facts, "x1", &[0]), "bound 2 x1");
        assert_eq!(told(&facts, "y", &[0]), "bound 1 y");
        assert_eq!(told(&facts, "x2", &[0, 1, 2]), "free 3");
        assert_eq!(told(&Facts::default(), "x", &[0]), "free 1");
    }

    #[test]
    fn the_second_of_two_equal_requests_is_not_the_first_though_it_alone_is_bound() {
        let facts = bound(&[(1, "x1*")]);
        assert_eq!(told(&facts, "x*", &[]), "free 0");
        assert_eq!(told(&facts, "x1*", &[0]), "bound 1 x1*");
    }

    #[test]
    fn another_request_in_the_place_of_one_that_was_answered_has_changed() {
        let facts = bound(&[(0, "x"), (1, "y")]);
        assert_eq!(told(&facts, "z", &[]), "changed 0 x");
        assert_eq!(told(&facts, "z", &[0]), "changed 1 y");
        assert_eq!(told(&facts, "z", &[0, 1]), "free 2");
    }

    #[test]
    fn calls_that_are_under_way_together_have_no_order() {
        // One branch asks `a` and then `c`, the other `b`. What was bound when the process ended was `a` and `b`.
        let facts = bound(&[(0, "a*"), (1, "b*")]);
        assert_eq!(told(&facts, "a", &[]), "bound 0 a*");
        // `a` is known at once, so `c` is asked before `b`.
        assert_eq!(told(&facts, "c", &[0]), "free 2");
        assert_eq!(told(&facts, "b*", &[0, 2]), "bound 1 b*");
        // Whoever asks while something else is under way.
        let facts = bound(&[(0, "a")]);
        assert_eq!(told(&facts, "b*", &[]), "free 1");
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
    fn what_was_bound_behind_calls_that_failed_is_found_though_fewer_come_before_it() {
        // `f` and `g` failed, and `z` was bound. This time `f` succeeds, and `g` is not asked.
        let facts = bound(&[(2, "z")]);
        assert_eq!(told(&facts, "f", &[]), "free 0");
        assert_eq!(told(&facts, "z", &[0]), "bound 2 z");
    }

    #[test]
    fn what_has_failed_is_found_again_by_the_same_request() {
        let facts = bound(&[(0, "x"), (2, "z")]);
        // `y` failed at 1, `z` was asked for, and now `y` again.
        assert_eq!(told_again(&facts, "y", &[0, 1, 2], Some(1)), "free 1");
        assert_eq!(told(&facts, "y", &[0, 1, 2]), "free 3");
        assert_eq!(told_again(&Facts::default(), "y", &[0, 1], Some(0)), "free 0");
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
        for nth in 0..100_000 {
            let asked = asks("now", nth, true);
            let Choice::Free(ordinal) = facts.choose(asked, &used, None) else { panic!("{nth} is bound") };
            assert!(facts.bind(ordinal, asked, "", &Payload::from_bytes(b"1")));
            used.insert(ordinal);
        }
        assert!(used.above.is_empty() && used.below == 100_000);
    }

    #[test]
    fn nothing_is_bound_twice() {
        let mut facts = bound(&[(0, "x")]);
        assert!(!facts.bind(0, asked("y"), "y", &Payload::from_bytes(b"2")));
        assert!(!facts.bind(1, asked("x"), "x", &Payload::from_bytes(b"2")));
        assert_eq!(facts.get(asked("x")).map(|fact| fact.value.to_text()), Some("x".to_owned()));
        assert_eq!(facts.free_from("call:a", 0), 1);
    }
}
