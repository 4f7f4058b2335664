use factum::signal;

#[signal]
fn approval() {}

fn main() {}
