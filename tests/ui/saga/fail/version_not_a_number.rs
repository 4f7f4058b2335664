use factum::prelude::*;

#[saga(version = "2")]
async fn pay() {}

fn main() {}
