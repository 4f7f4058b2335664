//! The clock and chance, as facts.

use std::convert::Infallible;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use uuid::Uuid;

use super::ask::Opened;
use super::records::Ended;
use super::{Io, IoCore, Random};
use crate::codec::{self, Digest};
use crate::time::Timestamp;

impl<App> Io<App> {
    /// The time by the wall clock. A fact: every attempt of the step is told the same, and within a run it never goes
    /// backwards, though somebody sets the clock back.
    ///
    /// On disk when this returns, as every fact ([`fact`](Self::fact)).
    pub async fn now(&self) -> SystemTime {
        let text = drawn(&self.core, "now", &(), async || self.core.records.now().to_rfc3339()).await;
        match Timestamp::from_rfc3339(&text) {
            Some(moment) => moment.into(),
            None => other(&self.core, "a moment", &text).await,
        }
    }

    /// So many random bytes. A fact: every attempt of the step gets the same. Up to 4 KiB they come from the operating system
    /// as they are; of more, a seed of 32 bytes does, and is recorded, and what is given is made of it by SHA-256.
    pub async fn random_bytes(&self, count: usize) -> Vec<u8> {
        chance(&self.core, "random", count).await
    }

    /// A random value, from the operating system: `io.random::<u64>().await`. A fact: every attempt of the step gets the same.
    pub async fn random<T: Random>(&self) -> T {
        let bytes = chance(&self.core, "random", T::BYTES).await;
        match T::from_bytes(&bytes) {
            Some(value) => value,
            None => other(&self.core, "a random value", "bytes that are none").await,
        }
    }

    /// A random UUID (version 4). A fact: every attempt of the step gets the same.
    pub async fn uuid(&self) -> Uuid {
        let bytes = chance(&self.core, "uuid", 16).await;
        match bytes.try_into() {
            Ok(bytes) => uuid::Builder::from_random_bytes(bytes).into_uuid(),
            Err(_) => other(&self.core, "a UUID", "bytes that are none").await,
        }
    }
}

/// So many random bytes are recorded as they are.
const RECORDED: usize = 4096;
/// The bytes that more of them are made of.
const SEED: usize = 32;

/// How many random bytes are asked for.
#[derive(Serialize)]
struct Bytes {
    bytes: usize,
}

async fn chance(core: &IoCore, name: &str, count: usize) -> Vec<u8> {
    let drawn_bytes = if count > RECORDED { SEED } else { count };
    let draw = async || {
        let mut bytes = vec![0; drawn_bytes];
        core.records.random(&mut bytes).await;
        STANDARD.encode(bytes)
    };
    let text = drawn(core, name, &Bytes { bytes: count }, draw).await;
    match STANDARD.decode(&text) {
        Ok(seed) if seed.len() == drawn_bytes && count > RECORDED => stretched(&seed, count),
        Ok(bytes) if bytes.len() == drawn_bytes => bytes,
        _ => other(core, &format!("{count} random bytes"), &text).await,
    }
}

/// So many bytes, made of a seed: SHA-256 over a fixed text, the seed, and the number of the block.
fn stretched(seed: &[u8], count: usize) -> Vec<u8> {
    let blocks = (0u64..).map(|block| Digest::of_bytes(&[b"factum random 1", seed, &block.to_le_bytes()]).0);
    blocks.flatten().take(count).collect()
}

/// A text, bound once.
async fn drawn<R: Serialize>(core: &IoCore, name: &str, request: &R, draw: impl AsyncFnOnce() -> String) -> String {
    let ask = match core.ask(name, request, &[], false) {
        Ok(ask) => ask,
        Err(error) => return other(core, "a request", &error.to_string()).await,
    };
    let opened = match core.open(ask).await {
        Ok(opened) => opened,
        Err(Ended) => return ended().await,
    };
    let place = match opened {
        Opened::Bound(key, value) => return core.read(&key, &value).await,
        Opened::Free(place) => place,
    };
    let text = draw().await;
    match codec::encode(&text) {
        Ok(json) => match place.bind(json, text).await {
            Ok(text) => text,
            Err(Ended) => ended().await,
        },
        Err(error) => other(core, "a text", &error.to_string()).await,
    }
}

/// An attempt that has outlived its step is told nothing new: what it does has no bearing any more.
async fn ended<T>() -> T {
    std::future::pending().await
}

/// What is bound is no such value.
async fn other<T>(core: &IoCore, expected: &str, found: &str) -> T {
    let never: Infallible = core.records.diverges(expected.to_owned(), format!("found {found}")).await;
    match never {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_bytes_for_ever() {
        let seed = [7; SEED];
        let long = stretched(&seed, 100);
        assert_eq!(long[..40], stretched(&seed, 40));
        // SHA-256 of `factum random 1`, 32 bytes of 7, and eight of 0.
        let first = "1920d93a99c03b33";
        assert_eq!(long[..8].iter().map(|byte| format!("{byte:02x}")).collect::<String>(), first);
    }
}
