//! Only a paused run is resumed.

use factum::prelude::*;

#[saga]
async fn nothing() {}

async fn resume(engine: &Engine) -> factum::Result<()> {
    engine.start(nothing()).await?.resume().await?;
    Ok(())
}

fn main() {
    let _ = resume;
}
