use factum::Secret;
use factum::prelude::*;

#[step]
async fn log_in(user: String) -> Secret<String> {
    Secret::new(user)
}

fn main() {}
