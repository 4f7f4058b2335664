//! What stands beside `#[step]` and `#[saga]` goes where it belongs.
#![deny(warnings, missing_docs)]

use factum::prelude::*;

/// Documented.
#[step]
#[cfg(all())]
#[allow(clippy::unused_async, reason = "an example")]
pub async fn here(_cents: u32) -> u32 {
    1
}

/// Documented, and not there.
#[step]
#[cfg(any())]
pub async fn elsewhere(cents: Missing) -> u32 {
    cents
}

/// Old.
#[step]
#[deprecated = "use `here`"]
pub async fn old() -> u32 {
    #[allow(unused_mut)]
    let mut one = 1;
    one
}

/// Warned of where it is called, and nowhere else.
#[saga]
#[allow(deprecated)]
pub async fn pay() -> u32 {
    old().await + 1
}

fn main() {
    drop(pay());
}
