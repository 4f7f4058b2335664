use factum::signal;

#[signal]
struct Approval;

fn main() {}
