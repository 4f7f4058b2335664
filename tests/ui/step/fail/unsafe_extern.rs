use factum::prelude::*;

#[step]
async unsafe extern "C" fn charge(cents: u32) -> u32 {
    cents
}

fn main() {}
