//! Steps and sagas with an app, behind an alias, and without one.
#![deny(warnings)]

use factum::NoApp;
use factum::prelude::*;

pub struct Shop {
    pub cents: u32,
}

type ShopIo = Io<Shop>;

#[step(compensate = refund(&output), unknown = ignore)]
async fn charge(io: &mut ShopIo, cents: u32) -> u32 {
    io.app().cents + cents
}

#[step]
async fn refund(io: &mut Io<Shop>, cents: &u32) {
    let _ = (io.app(), cents);
}

#[step(app = Shop, compensate = refund(&cents))]
async fn note(cents: u32) -> u32 {
    cents
}

#[step(app = Shop)]
async fn note_with_io(_io: &mut Io, cents: u32) -> u32 {
    cents
}

#[step]
async fn plain(_io: &mut factum::Io<NoApp>) -> u32 {
    1
}

#[step]
async fn anywhere(io: &mut factum::Io) -> u32 {
    io.attempt()
}

#[saga(app = Shop)]
async fn sell(cents: u32) -> u32 {
    charge(cents).await + note(1).await + note_with_io(2).await + anywhere().await + inner().await
}

#[saga]
async fn inner() -> u32 {
    anywhere().await + plain().await
}

fn main() {
    drop(sell(1));
}
