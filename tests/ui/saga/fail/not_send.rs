use factum::prelude::*;

use std::rc::Rc;

#[saga]
async fn pay() {
    let count = Rc::new(1);
    sleep(seconds(1)).await;
    drop(count);
}

fn main() {}
