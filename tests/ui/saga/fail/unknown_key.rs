use factum::prelude::*;

#[saga(verson = 2)]
async fn pay() {}

fn main() {}
