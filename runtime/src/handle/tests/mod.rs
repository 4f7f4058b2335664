//! The engine over a disk that fails and forgets.

mod barrier;
mod import;
mod machines;
mod poison;
mod same;
mod sweep;
mod world;
