//! The way of every fact: asked for, found or made, bound.
//!
//! What must always hold: a value is given to a body only when it is bound; a
//! fact that is not bound in the end leaves its place to the same request.

use std::sync::{MutexGuard, PoisonError};

use super::IoCore;
use super::given::{Given, within};
use super::records::{Ask, Chosen, Ended};
use crate::codec::Recordable;
use crate::codec::{self, DecodeError, EncodeError, Payload};
use crate::record::{FactKey, RequestDigest};

/// How much of a request is shown, in bytes.
const SHOWN: usize = 1024;

/// A fact that an attempt asks for.
pub(super) enum Opened<'c> {
    /// It is bound.
    Bound(FactKey, Payload),
    /// It is to be made.
    Free(Place<'c>),
}

/// The place of a fact that is being made.
pub(super) struct Place<'c> {
    core: &'c IoCore,
    pub(super) key: FactKey,
    ask: Ask,
    bound: bool,
}

impl IoCore {
    /// Tells this attempt from all others while it lives.
    pub(super) fn identity(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// What is asked for: a request, without its secrets.
    ///
    /// # Errors
    /// When JSON cannot hold the request.
    pub(super) fn ask<R: serde::Serialize + ?Sized>(
        &self,
        name: &str,
        request: &R,
        effect: bool,
    ) -> Result<Ask, EncodeError> {
        let request = self.redaction.json(codec::encode(request)?);
        let (digest, text) = codec::canonical_of(&request).map_err(EncodeError::unreadable)?;
        let name = within(self.identity(), name);
        Ok(Ask { name, request: RequestDigest(digest), asked: cut(text), effect })
    }

    fn given(&self, change: impl FnOnce(&mut Given), name: &str) {
        change(self.all_given().entry(name.into()).or_default());
    }

    fn all_given(&self) -> MutexGuard<'_, std::collections::BTreeMap<Box<str>, Given>> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a fact of this name has failed in this attempt.
    pub(super) fn has_failed(&self, ask: &Ask) -> bool {
        self.all_given().get(&ask.name).is_some_and(Given::has_failed)
    }

    /// Finds what is asked for, or a place for it.
    ///
    /// # Errors
    /// When the step has ended meanwhile.
    pub(super) async fn open(&self, ask: Ask) -> Result<Opened<'_>, Ended> {
        let chosen = {
            let mut all = self.all_given();
            let given = all.entry(ask.name.clone()).or_default();
            let chosen = self.records.choose(&ask, &given.used, given.again(ask.request))?;
            if let Chosen::Bound(ordinal, _) | Chosen::Free(ordinal) = &chosen {
                given.give(*ordinal);
            }
            chosen
        };
        match chosen {
            Chosen::Bound(ordinal, value) => Ok(Opened::Bound(ask.key(ordinal), value)),
            Chosen::Free(ordinal) => {
                let place = Place { core: self, key: ask.key(ordinal), ask, bound: false };
                self.records.begin(&place.key, &place.ask).await;
                Ok(Opened::Free(place))
            }
            Chosen::Changed { ordinal, request, asked } => {
                let expected = format!("fact `{}` for {asked} (request {request:.16})", ask.key(ordinal));
                let found = format!("asks for {} in its place (request {:.16})", ask.asked, ask.request);
                match self.records.diverges(expected, found).await {}
            }
        }
    }

    /// A bound value as the type that the code expects; anything else is a divergence.
    pub(super) async fn read<T: Recordable>(&self, key: &FactKey, value: &Payload) -> T {
        match T::read(value) {
            Ok(value) => value,
            Err(error) => self.unreadable(key, value, &error).await,
        }
    }

    async fn unreadable<T>(&self, key: &FactKey, value: &Payload, error: &DecodeError) -> T {
        let expected = format!("fact `{key}`: {}", cut(self.redaction.text(&value.to_text())));
        let found = format!("reads it as something else: {error}");
        match self.records.diverges(expected, found).await {}
    }
}

impl Place<'_> {
    /// Binds a value, and gives what is bound then: what came first.
    ///
    /// # Errors
    /// When the step has ended meanwhile.
    pub(super) async fn bind<T: Recordable>(mut self, value: Payload, decoded: T) -> Result<T, Ended> {
        let first = self.core.records.bind(self.key.clone(), &self.ask, value).await?;
        self.bound = true;
        match first {
            None => Ok(decoded),
            Some(first) => Ok(self.core.read(&self.key, &first).await),
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if !self.bound {
            self.core.given(|given| given.fail(self.key.ordinal, self.ask.request), &self.key.name);
        }
    }
}

/// The beginning of a text.
pub(super) fn cut(mut text: String) -> String {
    if text.len() > SHOWN {
        let end = (0..=SHOWN).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}
