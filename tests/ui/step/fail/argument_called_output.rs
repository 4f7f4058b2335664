use factum::prelude::*;

#[step]
async fn charge(output: u32) -> u32 {
    output
}

fn main() {}
