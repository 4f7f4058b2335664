//! What a fact or a transport gives is recorded.

use factum::prelude::*;
use factum::{Call, FactError, Transport};

struct Socket;

struct Dial;

#[derive(Debug, thiserror::Error)]
#[error("no answer")]
struct NoAnswer;

impl Transport for Dial {
    const NAMESPACE: &'static str = "dial";
    type Request = String;
    type Response = Socket;
    type Error = NoAnswer;

    async fn call(&self, _: &String, _: &Call) -> Result<Socket, NoAnswer> {
        Err(NoAnswer)
    }

    fn is_unknown(_: &NoAnswer) -> bool {
        false
    }
}

#[step]
async fn connects(io: &mut Io) -> Result<(), FactError> {
    let _socket = io.fact("socket", || async { Ok::<Socket, FactError>(Socket) }).await?;
    Ok(())
}

fn main() {}
