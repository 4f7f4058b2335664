use factum::prelude::*;

#[saga]
async fn patience() {
    sleep(seconds(1));
}

fn main() {}
