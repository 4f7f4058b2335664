use factum::signal;
use serde::{Deserialize, Serialize};

#[signal]
#[derive(Serialize, Deserialize)]
struct Approval<T> {
    by: T,
}

fn main() {}
