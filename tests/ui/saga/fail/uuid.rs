use factum::prelude::*;

#[saga]
async fn pay() -> String {
    uuid::Uuid::new_v4().to_string()
}

fn main() {}
