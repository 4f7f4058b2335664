//! The plan of a state's handler, also where there is none.
//!
//! A state without a handler is told of where it is visited. So that it is told
//! there alone, the graph finds no plan, instead of an error, in its place.

use std::marker::PhantomData;

use crate::fsm::Handler;
use crate::plan::{Exit, Plan};

/// What a state's handler awaits: `HandlerOf::<S>::__FACTUM_PLAN`.
#[derive(Debug)]
pub struct HandlerOf<S>(PhantomData<S>);

impl<S: Handler> HandlerOf<S> {
    /// Its plan.
    pub const __FACTUM_PLAN: &'static Plan = S::PLAN;
    /// The arms of that plan that never come to their end.
    pub const __FACTUM_EXITS: &'static [Exit] = S::EXITS;
}

/// The answer for a state that has none.
pub trait HasNoHandler {
    /// Nothing is known of it.
    const __FACTUM_PLAN: &'static Plan = &Plan::Dynamic;
    /// Nor of its arms.
    const __FACTUM_EXITS: &'static [Exit] = &[];
}

impl<S> HasNoHandler for HandlerOf<S> {}
