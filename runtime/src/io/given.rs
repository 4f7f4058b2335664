//! Which facts one attempt has been given, and the fact that it is in the middle of.
//!
//! What must always hold: an attempt gets each fact once; what failed is found
//! again by the same request and by no other.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::codec::Digest;
use crate::record::{FactKey, RequestDigest};
use crate::run::Used;

/// The facts that an attempt has been given, or is making.
#[derive(Debug, Default)]
pub(super) struct AllGiven {
    by_name: BTreeMap<Box<str>, Given>,
    /// By what stands around them: what is being made within a fact is no company for what is made beside it.
    under_way: BTreeMap<Box<str>, UnderWay>,
}

/// The facts of one name that an attempt has been given, or is making.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) used: Used,
    /// How often each request was asked.
    asked: HashMap<RequestDigest, u32>,
    /// Those that failed.
    failed: Vec<FailedFact>,
}

/// A fact that was not bound in the end.
#[derive(Debug)]
struct FailedFact {
    /// The digest of all that was asked, secrets included: it is never recorded.
    whole: Digest,
    ordinal: u32,
    nth: u32,
}

/// The facts that are being made beside one another.
#[derive(Debug, Default)]
struct UnderWay {
    open: u32,
    /// How many were ever asked for.
    asked: u64,
}

/// A fact that is being made, and may not be alone.
#[derive(Debug)]
pub(super) struct Company {
    around: Box<str>,
    asked: u64,
    began_alone: bool,
}

impl AllGiven {
    pub(super) fn of(&mut self, name: &str) -> &mut Given {
        self.by_name.entry(name.into()).or_default()
    }

    /// Whether something is being made within the same fact, or outside of all.
    pub(super) fn is_alone(&self, name: &str) -> bool {
        self.under_way.get(around(name)).is_none_or(|under_way| under_way.open == 0)
    }

    /// A fact is asked for that was not bound at once.
    pub(super) fn begins(&mut self, name: &str) -> Company {
        let began_alone = self.is_alone(name);
        let around = around(name);
        let under_way = self.under_way.entry(around.into()).or_default();
        under_way.open += 1;
        under_way.asked += 1;
        Company { around: around.into(), asked: under_way.asked, began_alone }
    }

    /// Whether nothing else was asked for meanwhile.
    pub(super) fn was_alone(&self, company: &Company) -> bool {
        let asked = self.under_way.get(&company.around).map_or(0, |under_way| under_way.asked);
        company.began_alone && asked == company.asked
    }

    pub(super) fn ends(&mut self, company: &Company) {
        if let Some(under_way) = self.under_way.get_mut(&company.around) {
            under_way.open -= 1;
        }
    }
}

/// The key of the fact that a name stands within; nothing for one that stands in none.
fn around(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(around, _)| around)
}

impl Given {
    /// Which of the facts with a request is asked for now, and the place where the same has failed before, if it has.
    pub(super) fn turn(&mut self, request: RequestDigest, whole: Digest) -> (u32, Option<u32>) {
        if let Some(at) = self.failed.iter().position(|failed| failed.whole == whole) {
            let FailedFact { ordinal, nth, .. } = self.failed.remove(at);
            return (nth, Some(ordinal));
        }
        let asked = self.asked.entry(request).or_default();
        *asked += 1;
        (*asked - 1, None)
    }

    pub(super) fn give(&mut self, ordinal: u32) {
        self.used.insert(ordinal);
    }

    pub(super) fn fail(&mut self, whole: Digest, ordinal: u32, nth: u32) {
        self.failed.push(FailedFact { whole, ordinal, nth });
    }

    /// Whether one of them has failed.
    pub(super) fn has_failed(&self) -> bool {
        !self.failed.is_empty()
    }
}

thread_local! {
    /// The facts whose closures are polled on this thread, the innermost last: the attempt that they are of, and their keys.
    static MAKING: RefCell<Vec<(usize, Arc<str>)>> = const { RefCell::new(Vec::new()) };
}

/// A fact's closure: what it asks for on the way stands within the fact.
pub(super) struct Making<F> {
    attempt: usize,
    key: Arc<str>,
    body: Pin<Box<F>>,
}

impl<F: Future> Making<F> {
    /// `attempt` tells attempts from each other while they live.
    pub(super) fn new(attempt: usize, key: &FactKey, body: F) -> Self {
        Making { attempt, key: key.to_string().into(), body: Box::pin(body) }
    }
}

/// Takes the innermost fact away again, also behind a panic.
struct Within;

impl Within {
    fn enter(attempt: usize, key: &Arc<str>) -> Within {
        MAKING.with_borrow_mut(|making| making.push((attempt, key.clone())));
        Within
    }
}

impl Drop for Within {
    fn drop(&mut self) {
        MAKING.with_borrow_mut(|making| making.pop());
    }
}

impl<F: Future> Future for Making<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let _within = Within::enter(self.attempt, &self.key);
        self.body.as_mut().poll(cx)
    }
}

/// A name with the key of the fact in front whose closure asks for it, if one does.
pub(super) fn within(attempt: usize, name: &str) -> Box<str> {
    MAKING.with_borrow(|making| {
        let outer = making.iter().rev().find(|(of, _)| *of == attempt);
        outer.map_or_else(|| name.into(), |(_, outer)| format!("{outer}/{name}").into())
    })
}

/// A name that a user chose, without the signs that keys are made of.
pub(super) fn escaped(name: &str) -> String {
    name.replace('%', "%25").replace('/', "%2F").replace('#', "%23")
}
