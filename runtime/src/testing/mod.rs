//! Testing is a feature: an engine on a simulated machine, single-threaded and from one seed (feature `testing`).
//!
//! A [`Sim`] is a machine: a disk that forgets and fails, a clock that jumps to the next timer, and tasks in an order
//! drawn from the seed. An engine that is opened [on it](crate::Builder::sim) can lose its power anywhere and be
//! opened again, and the same seed does the same again.
//!
//! ```
//! use factum::prelude::*;
//! use factum::testing::{Loss, Sim};
//!
//! #[step]
//! async fn greet(name: String) -> String {
//!     format!("hello, {name}")
//! }
//!
//! #[saga]
//! async fn welcome(name: String) -> String {
//!     sleep(days(2)).await;
//!     greet(name).await
//! }
//!
//! # fn main() -> factum::Result<()> {
//! let sim = Sim::new(42);
//! sim.run(async {
//!     let engine = Engine::builder("/data").saga(welcome).sim(&sim).open().await?;
//!     engine.start(welcome("Ann".into())).id("visitor-1").await.map(drop)
//! })?;
//! // The power fails. What was acknowledged is there, whatever the disk forgets.
//! sim.crash(Loss::Any);
//! let outcome = sim.run(async {
//!     let engine = Engine::builder("/data").saga(welcome).sim(&sim).open().await?;
//!     engine.attach(welcome, "visitor-1").await?.outcome().await
//! })?;
//! // Two days have gone by, in no time.
//! assert!(matches!(outcome, Outcome::Completed(_)));
//! # Ok(())
//! # }
//! ```
//!
//! [`checkpoint_conformance`] tries a checkpoint store of one's own against every clause of its contract.
//!
//! Owns that suite; the rest is `platform::sim`, for users and for this project's own tests alike.

mod conformance;

pub use crate::platform::sim::{Dice, Disk, Fail, Fault, Kind, Loss, Op, Raw, Sim};
pub use conformance::checkpoint_conformance;
