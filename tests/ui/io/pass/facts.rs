//! Every fact that a step can ask for, and what it can be asked with.

use factum::prelude::*;
use factum::{Call, CallFailure, FactError, Transport, Uuid};
use serde::{Deserialize, Serialize};

struct Rates {
    per_mille: u64,
}

#[derive(Debug, thiserror::Error)]
#[error("no rate of {0}")]
struct NoRate(String);

impl Transport for Rates {
    const NAMESPACE: &'static str = "rates";
    type Request = String;
    type Response = u64;
    type Error = NoRate;

    async fn call(&self, of: &String, call: &Call) -> Result<u64, NoRate> {
        if call.key().as_str().is_empty() { Err(NoRate(of.clone())) } else { Ok(self.per_mille) }
    }

    fn is_unknown(_: &NoRate) -> bool {
        false
    }
}

struct Shop {
    rates: Rates,
}

#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
enum Oops {
    #[error(transparent)]
    Fact(#[from] FactError),
    #[error(transparent)]
    Call(#[from] CallFailure),
}

#[step(retry(attempts = 2))]
async fn borrows(io: &mut Io<Shop>, items: &[String]) -> Result<(u64, Uuid, [u8; 4]), Oops> {
    let mut sum = 0;
    for item in items {
        // A closure may borrow what the step has, and ask the same `io`.
        sum += io.fact(&format!("price {item}"), || async { Ok::<u64, Oops>(item.len() as u64) }).await?;
    }
    let io = &*io;
    let passed = io.call(&io.app().rates, "EUR".into()).await.map_err(CallFailure::from)?;
    let outer = io.fact("outer", || async { Ok::<_, Oops>(io.random::<u64>().await) }).await?;
    Ok((sum + passed + outer, io.uuid().await, io.random().await))
}

#[step(pure)]
async fn texts(io: &mut Io) -> Result<String, String> {
    let rate = io.call(io.transport::<Rates>()?, "EUR".into()).named("euro").await?;
    let now = io.now().await;
    let bytes = io.random_bytes(16).await;
    io.fact("text", || async { Ok::<_, String>(format!("{rate} {now:?} {bytes:?}")) }).await
}

fn main() {}
