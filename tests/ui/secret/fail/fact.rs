use factum::prelude::*;
use factum::{FactError, Secret};

#[step]
async fn charge(io: &mut Io) -> Result<(), FactError> {
    let token = io.fact("token", || async { Ok::<_, FactError>(Secret::new("t".to_owned())) }).await?;
    drop(token);
    Ok(())
}

fn main() {}
