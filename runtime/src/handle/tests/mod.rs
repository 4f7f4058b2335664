//! The engine over a disk that fails and forgets.

mod poison;
mod sweep;
mod world;
