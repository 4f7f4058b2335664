//! What can be started as a run of its own.

use super::{SagaCall, SagaSig};
use crate::codec::{EncodeError, Payload};
use crate::plan::WorkflowSig;

/// What a run can be started with: the call of a saga, or the initial state of a machine.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be started as a run",
    label = "expected the call of a saga, or the initial state of a machine",
    note = "call the saga, `checkout(order)`, or make the machine's initial state, `purchase::Placed {{ .. }}`"
)]
pub trait Startable {
    /// The workflow.
    type Workflow: WorkflowSig;

    #[doc(hidden)]
    fn into_start(self) -> StartArgs;
}

/// What a start record is made of.
#[doc(hidden)]
#[derive(Debug)]
pub struct StartArgs {
    /// The input as it will be read back, and a hash of it.
    pub(crate) input: Result<(Payload, u64), EncodeError>,
    pub(crate) key: Option<String>,
}

impl<S: SagaSig> Startable for SagaCall<'_, S> {
    type Workflow = S;

    fn into_start(self) -> StartArgs {
        let args = &self.args;
        let input = super::input::<S>(args).and_then(|input| Ok((input, S::hash_args(args)?)));
        StartArgs { input, key: S::key(args) }
    }
}
