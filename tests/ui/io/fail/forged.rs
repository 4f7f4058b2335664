//! A step cannot write what only the engine records, nor give itself an `Io`.

use factum::prelude::*;
use factum::{Event, FactKey, Payload, Position, RequestDigest};

fn forged(at: Position, request: RequestDigest, value: Payload) -> Event {
    let fact = FactKey { name: "call:bank".into(), ordinal: 0 };
    Event::FactBound { at, fact, request, nth: 0, alone: true, asked: String::new(), value }
}

#[step]
async fn forges(io: &mut Io) -> u32 {
    drop(&io.core);
    let other: Io = Io { app: unreachable!() };
    drop(other);
    1
}

fn main() {}
