//! The whole language at every crash: a saga that uses every operation, random sagas against a pure model, and the
//! positions of what is awaited in whatever order.
//!
//! A failure prints what tries it again: `FACTUM_CRASH=seed,fault,first` for the sweep, `FACTUM_STATE=seed,fault,first` for that of a machine, `FACTUM_CALLS=seed,fault,first` for that of calls, `FACTUM_TREE=seed` for a random
//! saga. `FACTUM_SEEDS=n` and `FACTUM_TREES=n` try more.

mod calls;
mod disk;
mod found;
mod interpret;
mod machine;
mod model;
mod order;
mod places;
mod random;
mod rules;
mod sweep;
mod tree;
mod whole;
mod world;
