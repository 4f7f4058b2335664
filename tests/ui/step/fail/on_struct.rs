use factum::prelude::*;

#[step]
struct Charge;

fn main() {}
