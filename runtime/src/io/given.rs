//! Which facts one attempt has been given, and the fact that it is in the middle of.
//!
//! What must always hold: an attempt gets each fact once; what failed is found
//! again by the same request and by no other.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::record::{FactKey, RequestDigest};
use crate::run::Used;

/// The facts of one name that an attempt has been given, or is making.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) used: Used,
    /// Those that failed, with what was asked.
    failed: BTreeMap<u32, RequestDigest>,
}

impl Given {
    /// Where this request has failed.
    pub(super) fn again(&self, request: RequestDigest) -> Option<u32> {
        self.failed.iter().find(|(_, failed)| **failed == request).map(|(ordinal, _)| *ordinal)
    }

    pub(super) fn give(&mut self, ordinal: u32) {
        self.failed.remove(&ordinal);
        self.used.insert(ordinal);
    }

    pub(super) fn fail(&mut self, ordinal: u32, request: RequestDigest) {
        self.failed.insert(ordinal, request);
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
