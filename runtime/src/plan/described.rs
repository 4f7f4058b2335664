//! Operations whose type tells what they are.

use super::Plan;

/// A durable operation whose plan its type tells.
pub trait Described {
    /// The plan of one such operation.
    const PLAN: Plan;
}
