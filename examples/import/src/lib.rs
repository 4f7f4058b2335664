//! Imports a file of orders into a table, page by page, as one state machine
//! that can be killed at any moment. See the README beside this crate.

pub mod desk;
pub mod machine;
pub mod orders;
pub mod page;
pub mod summary;
pub mod table;
