//! A secret in the engine's app, and as a part of what is read from a configuration.

use factum::prelude::*;
use factum::{Redaction, Secret};

#[derive(serde::Deserialize)]
struct Config {
    api_key: Secret<String>,
    seed: Secret<[u8; 4]>,
}

struct Shop {
    config: Config,
}

#[step(retry(attempts = 2))]
async fn charge(io: &mut Io<Shop>, cents: u32) -> Result<u32, String> {
    let config = &io.app().config;
    if config.api_key.expose().is_empty() || config.seed.expose() == &[0; 4] {
        return Err(format!("{} is no key", config.api_key));
    }
    Ok(cents)
}

#[saga(app = Shop)]
async fn checkout(cents: u32) -> Result<u32, String> {
    charge(cents).await
}

fn main() {
    let config = serde_json::from_str(r#"{"api_key":"swordfish","seed":[1,2,3,4]}"#).unwrap();
    let engine = Engine::builder("data").app(Shop { config }).saga(checkout).redaction(Redaction::new().key("pin"));
    drop(engine);
}
