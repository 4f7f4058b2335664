use factum::signal;
use serde::{Deserialize, Serialize};

#[signal(naem = "approval")]
#[derive(Serialize, Deserialize)]
enum Approval {
    Granted,
    Denied,
}

fn main() {}
