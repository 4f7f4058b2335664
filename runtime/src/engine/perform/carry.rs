//! What a run is about to carry into its next turn or state is made small.

use super::{Interrupt, Performer};
use crate::record::Cause;

/// Above this a run's larger values are put into the arena before they are carried on: 4 MiB.
const LIGHT: u64 = 4 << 20;
/// The values that are, in bytes of JSON.
const LARGE: u32 = 1 << 10;
/// A record that carries more than this is not made: 32 MiB.
const MOST: u64 = 32 << 20;

impl Performer {
    /// Puts what is large into the arena, and refuses what is too much all the same: one record holds everything.
    /// What is final with the next state is not carried.
    pub(in crate::engine) async fn lighten(&self, with_undos: bool) -> Result<Option<Cause>, Interrupt> {
        let heavy = {
            let state = &self.run.lock().state;
            if state.weight(with_undos) <= LIGHT { Vec::new() } else { state.heavy(LARGE.into(), with_undos) }
        };
        for (at, value) in heavy {
            let value = self.core.settle_above(value, LARGE as usize).await.map_err(Interrupt::Engine)?;
            self.run.lock().state.lies_elsewhere(&at, value);
        }
        let weight = self.run.lock().state.weight(with_undos);
        let too_much = || Cause::Refused {
            message: format!(
                "what the run carries on, undos and signals that wait, takes {weight} bytes, and at most {MOST} are recorded at \
                 once; pass a state with `#[commit]`, or undo less"
            ),
        };
        Ok((weight > MOST).then(too_much))
    }
}
