//! The life of an order: paid in parts, packed, shipped, delivered, perhaps returned; cancelled or expired on the way.
//!
//! [`machine`] is what to read: the states and what leads from one to the next. [`steps`] is where the world is
//! touched, [`ledger`] stands for that world, and [`http`] is the face.

pub mod http;
pub mod ledger;
pub mod machine;
pub mod purchase;
pub mod steps;
