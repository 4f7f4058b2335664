//! The engine's contract, on the real disk, in one process.

mod abort;
mod blobs;
mod cancel;
mod crash;
mod durability;
mod events;
mod export;
mod flow;
mod format;
mod found;
mod groups;
mod handles;
mod listing;
mod memory;
mod misuse;
mod moments;
mod refusals;
mod review;
mod rollback;
mod schedule;
mod signals;
mod spin;
mod steps;
mod turns;
mod verify;
mod world;
