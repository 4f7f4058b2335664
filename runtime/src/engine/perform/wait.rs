//! Timers and signals.

use std::time::Duration;

use super::{Interrupt, Performer};
use crate::codec::Payload;
use crate::engine::host::Wake;
use crate::engine::past::{SignalPast, awaits};
use crate::engine::status::{Waiting, WaitingOn};
use crate::engine::stop::Stage;
use crate::id::Position;
use crate::record::{Cause, Event, Name};
use crate::run::Entry;
use crate::step::Site;
use crate::time::Timestamp;

impl Performer {
    pub(super) async fn perform_sleep(&self, at: Position, site: Site, wake: Wake) {
        let recorded = self.run.past_sleep(&at, site).await;
        let wake_at = match recorded {
            Some((_, true)) => return,
            Some((wake_at, false)) => {
                self.go_on(&at).await;
                wake_at
            }
            None => {
                self.go_live(&at, site, awaits::timer).await;
                self.heed(&at, false).await;
                let wake_at = match wake {
                    Wake::After(duration) => self.core.now().after(duration),
                    Wake::At(moment) => moment,
                };
                self.record([Event::TimerSet { at: at.clone(), wake_at }]).await;
                wake_at
            }
        };
        self.wait_until(&at, site, wake_at, WaitingOn::Timer { until: wake_at.into() }).await;
        self.hold(Event::TimerFired { at });
    }

    /// Waits for a moment of the wall clock, visibly.
    pub(super) async fn wait_until(&self, at: &Position, site: Site, until: Timestamp, on: WaitingOn) {
        let timer = self.core.timers.until(until);
        let _visible = self.visible(at, site, on);
        self.heeding(at, false, timer).await;
    }

    pub(super) async fn perform_signal(
        &self,
        at: Position,
        site: Site,
        name: &'static str,
        limit: Option<Duration>,
    ) -> Option<Payload> {
        let past = self.run.past_signal(&at, site, name, limit.is_some()).await;
        let until = match past {
            Some(SignalPast::Taken(payload)) => return Some(payload),
            Some(SignalPast::Elapsed) => return None,
            Some(SignalPast::Until(until)) => {
                self.go_on(&at).await;
                Some(until)
            }
            None => {
                self.go_live(&at, site, || awaits::signal(name, limit.is_some())).await;
                self.heed(&at, false).await;
                self.may_wait_for(&at, site, name).await;
                // One that is there already needs no limit.
                if let Some(payload) = self.take_signal(&at, name) {
                    return Some(payload);
                }
                let until = limit.map(|limit| self.core.now().after(limit));
                let set = until.map(|wake_at| Event::TimerSet { at: at.clone(), wake_at });
                // Nothing may follow for long: what was held until this await is queued now.
                self.record(set).await;
                until
            }
        };
        let on = WaitingOn::Signal { name: known(name), until: until.map(Into::into) };
        let mut visible = None;
        loop {
            let changed = self.run.changed.notified();
            self.heed(&at, false).await;
            if let Some(payload) = self.take_signal(&at, name) {
                return Some(payload);
            }
            visible.get_or_insert_with(|| self.visible(&at, site, on.clone()));
            tokio::select! {
                biased;
                () = changed => {}
                () = self.core.stop.reached(Stage::Parking) => {}
                () = self.until(until) => break,
            }
        }
        // A signal that came in time, but was not seen in time, counts.
        self.heed(&at, false).await;
        if let Some(payload) = self.take_signal(&at, name) {
            return Some(payload);
        }
        self.hold(Event::TimerFired { at });
        None
    }

    /// Stops the run when it waits for a signal that it would never get.
    async fn may_wait_for(&self, at: &Position, site: Site, name: &'static str) {
        let never = self.core.never_comes(&self.run.lock().state, name);
        if let Some(why) = never {
            let message = format!("at {at}, {site}: {why}");
            match self.interrupt(at, Interrupt::Fail(Cause::Refused { message })).await {}
        }
    }

    async fn until(&self, moment: Option<Timestamp>) {
        match moment {
            Some(moment) => self.core.timers.until(moment).await,
            None => std::future::pending().await,
        }
    }

    /// Takes the oldest signal of a name, if one waits.
    fn take_signal(&self, at: &Position, name: &'static str) -> Option<Payload> {
        let mut inner = self.run.lock();
        let number = inner.state.inbox.next(name)?;
        inner.hold(self.core.now(), Event::SignalConsumed { at: at.clone(), number });
        match inner.state.entry(at) {
            Some(Entry::Signal { payload, .. }) => Some(payload.clone()),
            _ => None,
        }
    }

    /// Shows the run as waiting until the guard is dropped.
    pub(super) fn visible<'a>(&'a self, at: &Position, site: Site, on: WaitingOn) -> Visible<'a> {
        let (since, file) = (self.core.now().into(), known(site.file));
        let waiting = Waiting { on, since, file, line: site.line };
        let within = self.run.lock().wait_begins(at, waiting);
        self.run.stir();
        Visible { performer: self, at: at.clone(), within }
    }
}

/// A wait that others can see.
pub(super) struct Visible<'a> {
    performer: &'a Performer,
    at: Position,
    /// It is part of an operation.
    within: bool,
}

impl Drop for Visible<'_> {
    fn drop(&mut self) {
        self.performer.run.lock().wait_ends(&self.at, self.within);
        self.performer.run.stir();
    }
}

/// A name that the code knows.
pub(super) fn known(name: &'static str) -> Name {
    Name::Borrowed(name)
}
