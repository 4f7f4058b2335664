//! What a workflow is to whoever starts it or holds a run of it.

use super::{Plan, WorkflowMeta};
use crate::codec::Recordable;

/// A workflow's name, plan and types: a saga's, or a state machine's. Implemented by `#[saga]` and `#[fsm]`, not by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a workflow",
    label = "expected a saga or a state machine",
    note = "write `#[saga]` on an `async fn`, or `#[fsm]` on an enum"
)]
pub trait WorkflowSig: 'static {
    /// What a run gives when it ends well: of a machine, the state that it ended in.
    type Output: Recordable + Send + 'static;
    /// What a run fails with.
    type Error: Recordable + Send + 'static;

    /// The name on disk.
    const NAME: &'static str;
    /// The version, from 1.
    const VERSION: u32;
    /// What it can do.
    const PLAN: &'static Plan;

    /// What is said of it.
    fn meta() -> &'static WorkflowMeta;
}
