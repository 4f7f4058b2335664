//! What bad input gets: a typed error that the step can return, and that its policy retries.

use std::collections::BTreeMap;

use factum::prelude::*;
use factum::testing::Sim;
use factum::{CallError, FactError, MAX_FACT_NAME, Transport};
use serde::{Deserialize, Serialize};

use super::scene::{Asking, End, Oops, Outside, ask, builder, keys};

/// Takes everything, and gives it back.
struct Echo;

#[derive(Debug, thiserror::Error)]
#[error("never")]
enum Nothing {}

impl Transport for Echo {
    const NAMESPACE: &'static str = "echo";
    type Request = f64;
    type Response = f64;
    type Error = Nothing;

    async fn call(&self, request: &f64, _: &factum::Call) -> Result<f64, Nothing> {
        // What JSON cannot hold comes back as an answer.
        Ok(if *request > 0.0 { f64::INFINITY } else { *request })
    }

    fn is_unknown(error: &Nothing) -> bool {
        match *error {}
    }
}

/// A map whose keys JSON cannot hold.
struct Maps;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct NoKey {
    x: u32,
}

impl Transport for Maps {
    const NAMESPACE: &'static str = "maps";
    type Request = BTreeMap<NoKey, u32>;
    type Response = BTreeMap<NoKey, u32>;
    type Error = Nothing;

    async fn call(&self, request: &BTreeMap<NoKey, u32>, _: &factum::Call) -> Result<BTreeMap<NoKey, u32>, Nothing> {
        Ok(match request.is_empty() {
            true => BTreeMap::from([(NoKey { x: 1 }, 1)]),
            false => BTreeMap::new(),
        })
    }

    fn is_unknown(error: &Nothing) -> bool {
        match *error {}
    }
}

/// Which bad thing is done.
#[step(retry(attempts = 2, initial = "1s"))]
async fn bad(io: &mut Io<Outside>, which: String) -> Result<String, Oops> {
    let world = io.app().clone();
    world.act(&which);
    let transport = Asking(world.clone());
    let told = match &*which {
        "NaN fact" => io.fact("f", || async { Ok::<f64, FactError>(f64::NAN) }).await?.to_string(),
        "map fact" => {
            let map = || async { Ok::<_, FactError>(BTreeMap::from([(NoKey { x: 1 }, 1)])) };
            format!("{:?}", io.fact("f", map).await?)
        }
        "large fact" => {
            let large = || async { Ok::<_, FactError>("x".repeat(factum::MAX_PAYLOAD + 1)) };
            io.fact("f", large).await?.len().to_string()
        }
        "NaN request" => io.call(&Echo, f64::NAN).await?.to_string(),
        "infinite response" => io.call(&Echo, 1.0).await?.to_string(),
        "map request" => format!("{:?}", io.call(&Maps, BTreeMap::from([(NoKey { x: 1 }, 1)])).await?),
        "map response" => format!("{:?}", io.call(&Maps, BTreeMap::new()).await?),
        "no name" => io.fact("", || async { Ok::<u32, FactError>(1) }).await?.to_string(),
        "long name" => {
            let name = "n".repeat(MAX_FACT_NAME + 1);
            io.fact(&name, || async { Ok::<u32, FactError>(1) }).await?.to_string()
        }
        "one of a name fails" => {
            let failed = io.fact("item", || async { Err::<u32, Oops>(Oops("no item".into())) }).await;
            assert_eq!(failed.unwrap_err(), Oops("no item".into()));
            io.fact("item", || async { Ok::<u32, FactError>(1) }).await?.to_string()
        }
        "closure panics" => {
            let panics = || async {
                assert!(world.count("closure panics") > 2, "in the closure");
                Ok::<u32, FactError>(1)
            };
            io.fact("f", panics).await?.to_string()
        }
        "dropped" => {
            let dropped = tokio::select! {
                biased;
                fact = io.fact("f", std::future::pending::<Result<u32, FactError>>) => fact?,
                () = std::future::ready(()) => 0,
            };
            assert_eq!(dropped, 0);
            io.fact("f", || async { Ok::<u32, FactError>(1) }).await?.to_string()
        }
        "no random bytes" => format!("{:?}", io.random_bytes(0).await),
        "many random bytes" => {
            let bytes = io.random_bytes(20 << 20).await;
            let ones: u64 = bytes.iter().map(|byte| u64::from(byte.count_ones())).sum();
            assert!(ones.abs_diff(80 << 20) < 100_000, "{ones}");
            bytes.len().to_string()
        }
        _ => io.call(&transport, ask("fine")).await?.text,
    };
    io.app().end().await?;
    Ok(told)
}

#[saga(app = Outside)]
async fn bads(which: String) -> Result<String, Oops> {
    bad(which).await
}

#[test]
fn each_is_a_typed_error_and_retried() {
    for (which, wanted) in [
        ("NaN fact", "fact `f` cannot be recorded: JSON cannot hold the float NaN"),
        ("map fact", "fact `f` cannot be recorded: key must be a string"),
        ("large fact", "fact `f` cannot be recorded: its JSON has 16777219 bytes, more than the limit of 16777216"),
        ("NaN request", "a request of `echo` that cannot be recorded: JSON cannot hold the float NaN"),
        ("infinite response", "a response of `echo` that cannot be recorded: JSON cannot hold the float inf"),
        ("map request", "a request of `maps` that cannot be recorded: key must be a string"),
        ("map response", "a response of `maps` that cannot be recorded: key must be a string"),
        ("no name", "a fact's name has 1 to 256 bytes, and this one has 0"),
        ("long name", "a fact's name has 1 to 256 bytes, and this one has 257"),
        ("one of a name fails", "fact `item` has failed in this attempt"),
        ("dropped", "fact `f` has failed in this attempt"),
    ] {
        let sim = Sim::new(1);
        let world = Outside::new(&sim);
        sim.run(async {
            let engine = builder(&sim, &world).saga(bads).open().await.unwrap();
            let error = engine.run(bads(which.into())).id("r").await.unwrap_err().to_string();
            assert!(error.contains(wanted), "{which}: {error}");
            assert_eq!(world.count(which), 2, "{which}: the step's policy tries again");
            assert!(keys(&engine, "r").await.is_empty());
            engine.shutdown().await.unwrap();
        });
    }
}

#[test]
fn what_is_odd_and_no_fault_is_bound() {
    for (which, wanted, facts) in
        [("no random bytes", "[]", 1), ("many random bytes", "20971520", 1), ("anything", "fine 1", 1)]
    {
        let sim = Sim::new(2);
        let world = Outside::new(&sim);
        world.ends([End::Fails]);
        sim.run(async {
            let engine = builder(&sim, &world).saga(bads).open().await.unwrap();
            assert_eq!(engine.run(bads(which.into())).id("r").await.unwrap(), wanted);
            assert_eq!(keys(&engine, "r").await.len(), facts);
            engine.shutdown().await.unwrap();
        });
    }
}

#[test]
fn a_closure_that_panics_ends_the_attempt_and_binds_nothing() {
    let sim = Sim::new(3);
    let world = Outside::new(&sim);
    sim.run(async {
        let engine = builder(&sim, &world).saga(bads).open().await.unwrap();
        let error = engine.run(bads("closure panics".into())).id("r").await.unwrap_err().to_string();
        assert!(error.contains("panicked: in the closure"), "{error}");
        assert_eq!(world.count("closure panics"), 2);
        assert!(keys(&engine, "r").await.is_empty());
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn errors_say_what_they_are_without_a_step() {
    let error: CallError<Asking> = CallError::Ended;
    assert!(error.is_unknown());
    assert_eq!(String::from(FactError::Ended), "the step has ended: it binds no fact any more");
    let failure = factum::CallFailure::from(error);
    let json = serde_json::to_string(&failure).unwrap();
    assert_eq!(serde_json::from_str::<factum::CallFailure>(&json).unwrap(), failure);
}
