//! Values of the world, drawn once and recorded.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Error, Performer};
use crate::codec::{self, Payload};
use crate::engine::host::Draw;
use crate::engine::past::awaits;
use crate::id::Position;
use crate::record::Event;
use crate::run::NOW;
use crate::step::Site;
use crate::time::Timestamp;

use super::wait::known;

impl Performer {
    pub(super) async fn perform_draw(&self, at: Position, site: Site, draw: Draw) -> Payload {
        let source = match draw {
            Draw::Now => NOW,
            Draw::Bytes { source, .. } => source,
        };
        if let Some(value) = self.run.past_draw(&at, site, source).await {
            return value;
        }
        self.go_live(&at, site, || awaits::draw(source)).await;
        self.heed(&at, false).await;
        let text = match draw {
            Draw::Now => self.told_now().to_rfc3339(),
            Draw::Bytes { count, .. } => {
                let mut bytes = vec![0; count];
                self.fill(&mut bytes).await;
                STANDARD.encode(bytes)
            }
        };
        let value = match codec::encode(&text) {
            Ok(value) => self.settle(value).await,
            Err(error) => match self.broken(Error::Internal { reason: error.to_string() }).await {},
        };
        self.hold(Event::ValueDrawn { at, source: known(source), value: value.clone() });
        value
    }

    /// Fills bytes by chance.
    pub(super) async fn fill(&self, bytes: &mut [u8]) {
        if let Err(error) = self.core.platform.entropy.fill(bytes) {
            self.broken(Error::NoEntropy { reason: error.to_string() }).await;
        }
    }

    /// The wall clock, and no moment before one that the run was told: the clock may have been set back.
    pub(super) fn told_now(&self) -> Timestamp {
        let (told, now) = (self.run.lock().state.now, self.core.now());
        told.map_or(now, |told| told.max(now))
    }

    pub(super) async fn perform_publish(&self, at: Position, site: Site, value: Payload) {
        if self.run.past_publish(&at, site).await {
            return;
        }
        self.go_live(&at, site, awaits::publish).await;
        self.heed(&at, false).await;
        let value = self.settle(value).await;
        self.record([Event::Published { at, value }]).await;
        let (last, shown) = {
            let inner = self.run.lock();
            (inner.last, inner.to_show())
        };
        let (run, journal) = (self.run.clone(), self.core.journal.clone());
        // Others see it when it is durable; the body need not wait for that.
        let told = self.core.platform.exec.spawn(Box::pin(async move {
            if journal.durable(last).await.is_ok() {
                run.publish(shown);
            }
        }));
        drop(told);
    }
}
