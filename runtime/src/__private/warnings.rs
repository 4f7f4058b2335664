//! What the macros warn of: a macro has no warnings of its own, so each is
//! something deprecated, which an expansion names at the user's token.

/// Stands where a saga goes through a `HashMap` or a `HashSet`.
#[deprecated(
    note = "a `HashMap` or `HashSet` has another order in each process, so that a replay would go through it in another one; \
            use a `BTreeMap` or `BTreeSet`, or sort what it gives; where the order cannot matter, \
            write `#[allow(deprecated)]` on the statement or on the saga"
)]
pub const fn hash_map_in_a_saga() {}
