//! What a body does to its own run: it pauses, or begins afresh.

use std::convert::Infallible;

use super::{Interrupt, Performer};
use crate::codec::Payload;
use crate::engine::past::awaits;
use crate::engine::status::WaitingOn;
use crate::id::Position;
use crate::plan::WorkflowMeta;
use crate::record::{Cause, Event};
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
                    match inner.record(&self.core.journal, self.run.number, self.core.now(), [event]) {
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
        let (name, version, root) = {
            let state = &self.run.lock().state;
            (state.start.workflow.clone(), state.start.version, state.root())
        };
        let refused = if at.parent() != Some(root.clone()) {
            Some("`again` is awaited by a run's own body, and not in a saga inside it or in a branch".to_owned())
        } else if (&*name, version) != (saga.name, saga.version) {
            Some(format!("`again` goes on with the same saga: this run is of `{name}` version {version}"))
        } else {
            None
        };
        if let Some(why) = refused {
            let message = format!("at {at}, {site}: {why}");
            match self.interrupt(&at, Interrupt::Fail(Cause::Unrecordable { message })).await {}
        }
        self.run.check_turn(&at, site).await;
        let input = self.settle(input).await;
        self.interrupt(&at, Interrupt::Again { input }).await
    }
}
