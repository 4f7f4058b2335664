//! Writes a statement for each customer of a file of orders, page by page, as
//! one run that can be killed at any moment. See the README beside this crate.

pub mod office;
mod orders;
pub mod page;
pub mod workflow;
