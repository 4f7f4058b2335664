//! What the macros' expansions name.
//!
//! Only paths from here stand in generated code, so that a user's own names
//! cannot be taken for them. Not for users; may change at any time.

mod broken;
mod checks;
mod handlers;
mod plans;
mod values;
mod warnings;

pub use core::any::TypeId;
pub use core::clone::Clone;
pub use core::convert::{From, Into, TryFrom};
pub use core::marker::{PhantomData, Send, Sync};
pub use core::option::Option::{self, None, Some};
pub use core::primitive::{bool, str, u8, u32, u64, usize};
pub use core::result::Result::{self, Err, Ok};
pub use core::time::Duration;
pub use core::{file, line};
pub use std::boxed::Box;
pub use std::string::String;
pub use std::vec::Vec;

pub use serde;

pub use broken::{Broken, broken, unread_body};
pub use checks::{
    FromTimedOut, IsNoResult, IsResult, KeyText, RetryArg, SagaArg, StepArg, UndoArg, assert_no_result,
    assert_retry_arg, assert_saga_arg, assert_step_arg, assert_undo_arg, key_text,
};
pub use handlers::{HandlerOf, HasNoHandler};
pub use plans::{HasNoPlan, HasPlan, IsLeaf, IsNoLeaf, Opaque, PlanTag, Probe, any, opaque, plan_of};
pub use values::{As, ByRef, Copies, CopiesNot, Decodes, DecodesNot, Encodes, EncodesNot};
#[allow(deprecated, reason = "it is there to be warned of")]
pub use warnings::hash_map_in_a_saga;

pub use crate::codec::Recordable;
pub use crate::codec::{DecodeError, EncodeError, Payload};
pub use crate::fsm::{
    Fsm, FsmOn, Handler, HandlerReturn, InState, MachineError, Next, State, Transition, Turn, Visit,
    assert_not_terminal, durable_in, ended, start_state, state_problems, visit,
};
pub use crate::io::{Io, IoType, NoApp};
pub use crate::ops::{Cx, Durable, Signal, durable};
pub use crate::plan::{
    Described, Diagram, Drawing, Exit, Graph, GraphProblems, GroupMeta, Leave, Plan, Problems, StateMeta, TimeoutMeta,
    WorkflowMeta, WorkflowRef, WorkflowSig, fingerprint, graph_problems, may_receive, problems, refuse, refuse_state,
};
pub use crate::platform::BoxFuture;
pub use crate::run::RetryPolicy;
pub use crate::saga::{OutsideEngine, Saga, SagaCall, SagaSig, StartArgs, Startable};
/// What a checkpoint store is written with.
pub mod store {
    pub use crate::id::Lsn;
    pub use crate::storage::{Batch, CheckpointError, JournalRow, KeyRange, TableRow};
}

pub use crate::step::{
    AttemptEnd, CancelMode, Effect, ErasedStep, Fallible, Never, OutsideSaga, RateLimit, Signature, Site, Step,
    StepCall, StepError, StepMeta, StepSig, TimedOut, Undo, UndoError, UndoFn, UndoInput, UndoKind, Undoer, undo,
};
