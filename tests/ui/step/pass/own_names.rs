//! A crate whose own names are those of the standard library.
#![deny(warnings)]
#![allow(dead_code, non_camel_case_types, non_upper_case_globals)]

use factum::{Io, saga, signal, step};
use serde::{Deserialize, Serialize};

mod core {}
mod std {}
mod alloc {}
mod serde_json {}

struct Result;
struct Option;
struct Box;
struct String;
struct Vec;
struct Clone;
struct Send;
struct Sync;
struct Future;
struct Pin;
struct PhantomData;
struct Duration;
struct From;
struct Into;
struct Ok;
struct Err;
struct Some;
struct None;
struct Default;
struct bool_;
trait Encodes {}
trait Decodes {}
trait IsLeaf {}
const __io: u8 = 0;
const input: u8 = 0;
const args: u8 = 0;
const cx: u8 = 0;
const at: u8 = 0;
static error: u8 = 0;

macro_rules! file {
    () => {
        ()
    };
}
macro_rules! line {
    () => {
        ()
    };
}
macro_rules! panic {
    () => {
        ()
    };
}

#[derive(Serialize, Deserialize)]
struct Order {
    cents: u32,
}

#[derive(Serialize, Deserialize)]
struct PayError;

type PayResult<T> = ::core::result::Result<T, PayError>;

impl ::core::convert::From<factum::TimedOut> for PayError {
    fn from(_: factum::TimedOut) -> Self {
        PayError
    }
}

impl PayError {
    fn is_transient(&self) -> bool {
        true
    }
}

#[step(
    retry(attempts = 3, when = PayError::is_transient),
    timeout = "1s",
    compensate = refund(output, order, note),
    unknown = refund(order.cents, order, ""),
    unknown_when = PayError::is_transient
)]
async fn charge(io: &mut Io, order: &Order, note: &str, list: &[u8]) -> PayResult<u32> {
    let _ = (io.key(), note, list);
    ::core::result::Result::Ok(order.cents)
}

#[step(pure)]
async fn refund(cents: u32, order: &Order, note: &str) {
    let _ = (cents, order, note);
}

#[signal]
#[derive(Serialize, Deserialize)]
struct Approval;

#[saga]
async fn pay(order: Order, note: &str, list: &[u8]) -> PayResult<u32> {
    factum::signal::<Approval>().await;
    factum::sleep(factum::seconds(1)).await;
    charge(&order, note, list).await
}

fn main() {
    file!();
    line!();
    panic!();
    let _ = pay(Order { cents: 1 }, "", &[]);
}
