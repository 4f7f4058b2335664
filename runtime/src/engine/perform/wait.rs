//! Timers and signals.

use std::time::Duration;

use super::Performer;
use crate::codec::Payload;
use crate::engine::status::{Waiting, WaitingOn};
use crate::id::Position;
use crate::record::{Event, Name};
use crate::run::Entry;
use crate::step::Site;
use crate::time::Timestamp;

impl Performer {
    pub(super) async fn perform_sleep(&self, at: Position, site: Site, duration: Duration) {
        let recorded = self
            .recall(
                &at,
                site,
                || "a timer".to_owned(),
                |entry| match entry {
                    Entry::Timer { wake_at, fired } => Some((*wake_at, *fired)),
                    _ => None,
                },
            )
            .await;
        let wake_at = match recorded {
            Some((_, true)) => return,
            Some((wake_at, false)) => {
                self.go_live().await;
                wake_at
            }
            None => {
                self.go_live().await;
                self.heed(false).await;
                let wake_at = self.core.now().after(duration);
                self.record([Event::TimerSet { at: at.clone(), wake_at }]).await;
                wake_at
            }
        };
        self.wait_until(&at, site, wake_at, WaitingOn::Timer { until: wake_at.into() }, false).await;
        self.hold(Event::TimerFired { at });
    }

    /// Waits for a moment of the wall clock, visibly.
    pub(super) async fn wait_until(&self, at: &Position, site: Site, until: Timestamp, on: WaitingOn, shielded: bool) {
        let timer = self.core.timers.until(until);
        let _visible = self.visible(at, site, on);
        self.heeding(shielded, timer).await;
    }

    pub(super) async fn perform_signal(&self, at: Position, site: Site, name: &'static str) -> Payload {
        let recorded = self
            .recall(
                &at,
                site,
                || format!("signal `{name}`"),
                |entry| match entry {
                    Entry::Signal { name: recorded, payload } if recorded == name => Some(payload.clone()),
                    _ => None,
                },
            )
            .await;
        if let Some(payload) = recorded {
            return payload;
        }
        self.go_live().await;
        // Nothing may follow for long: what was held until this await is queued now.
        self.record([]).await;
        let mut visible = None;
        loop {
            let changed = self.run.changed.notified();
            self.heed(false).await;
            if let Some(payload) = self.take_signal(&at, name) {
                return payload;
            }
            visible.get_or_insert_with(|| self.visible(&at, site, WaitingOn::Signal { name: known(name) }));
            tokio::select! {
                biased;
                () = changed => {}
                () = self.core.stop.reached(crate::engine::stop::Stage::Parking) => {}
            }
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
    fn visible<'a>(&'a self, at: &Position, site: Site, on: WaitingOn) -> Visible<'a> {
        let (since, file) = (self.core.now().into(), known(site.file));
        let waiting = Waiting { on, since, file, line: site.line };
        self.run.lock().wait_begins(at, waiting);
        Visible { performer: self, at: at.clone() }
    }
}

/// A wait that others can see.
struct Visible<'a> {
    performer: &'a Performer,
    at: Position,
}

impl Drop for Visible<'_> {
    fn drop(&mut self) {
        self.performer.run.lock().wait_ends(&self.at);
    }
}

/// A name that the code knows.
pub(super) fn known(name: &'static str) -> Name {
    Name::Borrowed(name)
}
