use factum::prelude::*;

#[saga(version = 0)]
async fn pay() {}

fn main() {}
