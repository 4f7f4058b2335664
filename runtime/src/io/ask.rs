//! The way of every fact: asked for, found or made, bound.
//!
//! What must always hold: a value is given to a body only when it is bound; a
//! fact that is not bound in the end leaves its place to the same request.

use std::sync::{MutexGuard, PoisonError};

use super::IoCore;
use super::given::{AllGiven, Company, within};
use super::records::{Ask, Chosen, Ended};
use crate::codec::{self, DecodeError, Digest, EncodeError, Payload, Recordable};
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
    pub(super) ask: Ask,
    whole: Digest,
    company: Company,
    bound: bool,
}

/// What is asked for, and what tells it from others within the attempt.
pub(super) struct Wanted {
    pub(super) ask: Ask,
    /// The digest of all that is asked, secrets included: it is never recorded.
    whole: Digest,
}

impl IoCore {
    /// Tells this attempt from all others while it lives.
    pub(super) fn identity(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// What is asked for: a request, without its secrets. `withheld` tells it from others, too, and is not recorded.
    ///
    /// # Errors
    /// When JSON cannot hold the request.
    pub(super) fn ask<R: serde::Serialize + ?Sized>(
        &self,
        name: &str,
        request: &R,
        withheld: &[u8],
        effect: bool,
    ) -> Result<Wanted, EncodeError> {
        let request = codec::encode(request)?;
        let (whole, _) = codec::canonical_of(&request).map_err(EncodeError::unreadable)?;
        let shown = self.redaction().json(request);
        let (digest, text) = codec::canonical_of(&shown).map_err(EncodeError::unreadable)?;
        let name = within(self.identity(), name);
        let ask = Ask { name, request: RequestDigest(digest), nth: 0, alone: true, asked: cut(text), effect };
        Ok(Wanted { ask, whole: Digest::of_bytes(&[&whole.0, withheld]) })
    }

    fn given(&self) -> MutexGuard<'_, AllGiven> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a fact of this name has failed in this attempt.
    pub(super) fn has_failed(&self, wanted: &Wanted) -> bool {
        self.given().of(&wanted.ask.name).has_failed()
    }

    /// Finds what is asked for, or a place for it.
    ///
    /// # Errors
    /// When the step has ended meanwhile.
    pub(super) async fn open(&self, wanted: Wanted) -> Result<Opened<'_>, Ended> {
        let Wanted { mut ask, whole } = wanted;
        let (chosen, company) = {
            let mut all = self.given();
            ask.alone = all.is_alone(&ask.name);
            let given = all.of(&ask.name);
            let (nth, again) = given.turn(ask.request, whole);
            ask.nth = nth;
            let chosen = self.records.choose(&ask, &given.used, again)?;
            if let Chosen::Bound(ordinal, _) | Chosen::Free(ordinal) = &chosen {
                given.give(*ordinal);
            }
            (chosen, all.begins(&ask.name))
        };
        // Also of one that is not made: it is not under way any more.
        let place =
            |ordinal| Place { core: self, key: ask.key(ordinal), ask: ask.clone(), whole, company, bound: false };
        match chosen {
            Chosen::Bound(ordinal, value) => {
                let mut place = place(ordinal);
                place.bound = true;
                Ok(Opened::Bound(place.key.clone(), value))
            }
            Chosen::Free(ordinal) => {
                let place = place(ordinal);
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
        let expected = format!("fact `{key}`: {}", cut(self.redaction().text(&value.to_text())));
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
        self.ask.alone &= self.core.given().was_alone(&self.company);
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
        let mut all = self.core.given();
        all.ends(&self.company);
        if !self.bound {
            all.of(&self.key.name).fail(self.whole, self.key.ordinal, self.ask.nth);
        }
    }
}

/// The beginning of a text, without a word that is cut in two: of a secret nothing is left that nobody would find.
pub(super) fn cut(mut text: String) -> String {
    if text.len() > SHOWN {
        let end = (0..=SHOWN).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        let is_border = |c: char| c.is_whitespace() || "\"',;&{}()[]<>?".contains(c);
        let border = text.rfind(is_border).unwrap_or(0);
        text.truncate(
            border
                + text[border..].chars().next().map_or(0, |first| if is_border(first) { first.len_utf8() } else { 0 }),
        );
        text.push('…');
    }
    text
}
