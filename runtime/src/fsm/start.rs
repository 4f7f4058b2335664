//! The start of a run in a machine's first state.

use super::Fsm;
use super::erased::recorded;
use crate::codec;
use crate::saga::StartArgs;

/// The start of a machine in a state.
pub fn start_state<M: Fsm + serde::Serialize>(state: &M) -> StartArgs {
    let input = recorded(state).and_then(|input| Ok((input, codec::hash(state)?)));
    StartArgs { input, key: None }
}
