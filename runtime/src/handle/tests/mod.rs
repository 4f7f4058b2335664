//! The engine over a disk that fails and forgets.

mod barrier;
mod poison;
mod same;
mod sweep;
mod world;
