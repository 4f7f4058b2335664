//! The plan of what a body awaits, told by the type of a call that is never made.
//!
//! An expression whose type tells no plan is `Dynamic` here; if it is no
//! durable operation at all, the body says so where it awaits it. The two
//! answers are told apart as in [`values`](super::values).

use std::marker::PhantomData;

use super::broken;
use crate::plan::{Described, Plan};

/// An operation whose plan is asked for; never made.
#[derive(Debug)]
pub struct Probe<D>(pub D);

/// The answer: the operation's type tells its plan.
#[derive(Debug)]
pub struct HasPlan<D>(PhantomData<D>);

/// The answer: it does not. What is wrong with it, if anything is, the body
/// says where it awaits it.
#[derive(Debug)]
pub struct HasNoPlan;

/// An answer as a plan.
pub trait PlanTag {
    /// The plan.
    const PLAN: Plan;
}

impl<D: Described> PlanTag for HasPlan<D> {
    const PLAN: Plan = D::PLAN;
}

impl PlanTag for HasNoPlan {
    const PLAN: Plan = Plan::Dynamic;
}

/// Found first where it applies.
pub trait IsLeaf<D> {
    /// Gives the answer's type; never called.
    fn __factum_tag(&self) -> HasPlan<D>;
}

impl<D: Described> IsLeaf<D> for Probe<D> {
    fn __factum_tag(&self) -> HasPlan<D> {
        broken()
    }
}

/// Found where [`IsLeaf`] does not apply: it wants one more reference.
pub trait IsNoLeaf {
    /// Gives the answer's type; never called.
    fn __factum_tag(&self) -> HasNoPlan;
}

impl<D> IsNoLeaf for &Probe<D> {
    fn __factum_tag(&self) -> HasNoPlan {
        broken()
    }
}

/// An argument of a call that is never made.
pub fn any<T>() -> T {
    broken()
}

/// The plan that a probe's answer stands for.
pub const fn plan_of<T: PlanTag>(probe: fn() -> T) -> Plan {
    let _ = probe;
    T::PLAN
}

/// An operation of which only a running body knows what it is.
#[derive(Debug)]
pub struct Opaque(());

impl Described for Opaque {
    const PLAN: Plan = Plan::Dynamic;
}

/// Such an operation; never made.
pub fn opaque() -> Opaque {
    broken()
}
