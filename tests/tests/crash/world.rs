//! The world that survives every crash, and the workflows that act on it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use factum::prelude::*;
use factum::{Blob, Builder};
use serde::{Deserialize, Serialize};

/// One act on the world: a step's body that ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    pub run: String,
    pub what: String,
    pub key: String,
}

/// The world outside: it forgets nothing.
#[derive(Debug, Clone, Default)]
pub struct World(Arc<Mutex<Vec<Act>>>);

impl World {
    pub fn acts(&self) -> Vec<Act> {
        self.0.lock().unwrap().clone()
    }

    /// What was done, by key: how often.
    pub fn counts(&self) -> HashMap<String, usize> {
        let mut counts = HashMap::new();
        for act in self.acts() {
            *counts.entry(act.key).or_default() += 1;
        }
        counts
    }

    fn act(&self, io: &Io<World>, what: &str) -> String {
        let key = io.key().to_string();
        self.0.lock().unwrap().push(Act { run: io.run_id().to_string(), what: what.to_owned(), key: key.clone() });
        key
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Oops {
    Flaky,
    Refused,
    Disk(String),
}

/// Gives its own key, so that the record of its end says which act that was.
#[step(compensate = undo(&name), unknown = undo(&name))]
async fn act(io: &mut Io<World>, name: String) -> Result<String, Oops> {
    Ok(io.app().act(io, &name))
}

/// Fails at every other attempt.
#[step(retry(attempts = 9, initial = "1ms"), compensate = undo(&name))]
async fn flaky(io: &mut Io<World>, name: String) -> Result<String, Oops> {
    let key = io.app().act(io, &name);
    if io.attempt() % 2 == 1 { Err(Oops::Flaky) } else { Ok(key) }
}

#[step]
async fn undo(io: &mut Io<World>, name: &str) -> String {
    io.app().act(io, &format!("undo {name}"))
}

#[step]
async fn end(io: &mut Io<World>, well: bool) -> Result<String, Oops> {
    let key = io.app().act(io, "end");
    if well { Ok(key) } else { Err(Oops::Refused) }
}

/// What a step puts into the arena: bytes that follow from a number.
pub fn bytes(n: u8) -> Vec<u8> {
    (0..9_000u32).map(|i| (i as u8).wrapping_mul(31).wrapping_add(n)).collect()
}

#[step(compensate = undo(&"pack".to_owned()), unknown = ignore)]
async fn pack(io: &mut Io<World>, n: u8) -> Result<(String, Blob), Oops> {
    let blob = io.put(bytes(n)).await.map_err(|error| Oops::Disk(error.to_string()))?;
    Ok((io.app().act(io, "pack"), blob))
}

#[signal]
#[derive(Serialize, Deserialize)]
pub struct Go {
    pub n: u8,
}

#[saga(app = World)]
async fn part(name: String) -> Result<(), Oops> {
    act(format!("{name} 1")).await?;
    act(format!("{name} 2")).await?;
    Ok(())
}

/// Everything that a saga can await; `well` says how it ends.
#[saga(app = World)]
pub async fn whole(n: u8, well: bool) -> Result<(u8, Blob), Oops> {
    act("first".to_owned()).await?;
    part("part".to_owned()).await?;
    flaky("flaky".to_owned()).await?;
    let (_, blob) = pack(n).await?;
    sleep(seconds(20)).await;
    let Go { n: told } = signal::<Go>().await;
    act("last".to_owned()).await?;
    end(well).await?;
    Ok((told, blob))
}

/// One step and no more.
#[saga(app = World)]
pub async fn short(n: u8) -> Result<u8, Oops> {
    act("only".to_owned()).await?;
    Ok(n)
}

#[step]
async fn grow(io: &mut Io<World>, len: usize) -> String {
    io.app().act(io, "grow");
    "x".repeat(2 * len)
}

/// Its output is too long for a record.
#[saga(app = World)]
pub async fn grows(len: usize) -> Result<String, Oops> {
    signal::<Go>().await;
    Ok(grow(len).await)
}

pub const DIR: &str = "/data";

/// An engine that lets go of everything as soon as it can: small segments, short times, little kept.
pub fn builder(world: &World) -> Builder<World> {
    let small =
        Engine::builder(DIR).segment_bytes(64 << 10).arena_segment_bytes(64 << 10).checkpoint_cache_bytes(1 << 20);
    let eager =
        small.checkpoint_interval(std::time::Duration::from_secs(2)).sleep_after(std::time::Duration::from_secs(3));
    eager.keep_ended(6).keep_ids(1_000).app(world.clone()).saga(whole).saga(short)
}
