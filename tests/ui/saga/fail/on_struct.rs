use factum::prelude::*;

#[saga]
struct Pay;

fn main() {}
