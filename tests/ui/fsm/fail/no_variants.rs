use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[fsm]
#[derive(Serialize, Deserialize)]
enum Purchase {}

fn main() {}
