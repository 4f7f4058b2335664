//! What a body does to its own run: it pauses, or begins afresh.

use std::convert::Infallible;

use super::{Interrupt, Performer};
use crate::codec::Payload;
use crate::engine::past::awaits;
use crate::engine::status::WaitingOn;
use crate::id::Position;
use crate::plan::WorkflowMeta;
use crate::record::Event;
use crate::step::Site;

impl Performer {
    /// Waits until a run that has not begun may begin: for its moment, then for its place.
    pub(in crate::engine) async fn set_off(&self, root: &Position, site: Site) {
        let begin_at = {
            let state = &self.run.lock().state;
            state.options.begin_at.filter(|_| !state.begun)
        };
        if let Some(until) = begin_at.filter(|at| *at > self.core.now()) {
            let on = WaitingOn::Start { until: until.into() };
            self.counted(root, Some(site), self.wait_until(root, site, until, on)).await;
        }
        let (turn, key) = {
            let state = &self.run.lock().state;
            (self.core.flow.turn(&self.core.registry, self.run.number, state), state.options.key.clone())
        };
        if let Some(turn) = turn {
            let wait = async {
                let _visible = self.visible(root, site, WaitingOn::Turn { key: key.map(Into::into) });
                self.heeding(root, false, turn).await;
            };
            self.counted(root, Some(site), wait).await;
        }
    }

    pub(super) async fn perform_pause(&self, at: Position, site: Site, reason: String) {
        if self.run.past_pause(&at, site).await {
            return;
        }
        self.go_live(&at, site, awaits::pause).await;
        let why = {
            let mut inner = self.run.lock();
            // A cancel outweighs a pause: both are looked at and recorded in one moment.
            match self.halted(&inner, &at, false) {
                Some(why) => why,
                None => {
                    let event = Event::Paused { at: Some(at.clone()), reason };
                    match inner.record(&self.core.journal, self.core.now(), [event]) {
                        Ok(_) => Interrupt::Pause,
                        Err(error) => Interrupt::Engine(error),
                    }
                }
            }
        };
        self.interrupt(&at, why).await;
    }

    pub(super) async fn begin_again(
        &self,
        at: Position,
        site: Site,
        saga: &'static WorkflowMeta,
        input: Payload,
    ) -> Infallible {
        self.run.past_again(&at, site, saga).await;
        self.go_live(&at, site, || awaits::again(saga)).await;
        self.heed(&at, false).await;
        self.run.check_turn(&at, site, saga).await;
        let input = self.settle(input).await;
        self.interrupt(&at, Interrupt::Again { input }).await
    }
}
