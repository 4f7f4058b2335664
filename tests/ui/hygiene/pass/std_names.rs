//! A crate whose own names are those of the standard library and of factum, with every key there is.
#![deny(warnings)]
#![allow(dead_code, non_camel_case_types, non_upper_case_globals, unused_macros, reason = "they are there to be in the way")]

mod core {}
mod std {}
mod alloc {}
mod factum {}
mod __private {}
mod durable {}

struct Result;
struct Option;
struct Box;
struct String;
struct Vec;
struct BTreeMap;
struct Ok;
struct Err;
struct Some;
struct None;
struct Duration;
struct PhantomData;
struct TypeId;
struct Pin;
struct Plan;
struct StepMeta;
struct StepCall;
struct SagaCall;
struct Cx;
struct Never;
trait Future {}
trait IntoFuture {}
trait Send {}
trait Sync {}
trait Sized {}
trait Copy {}
trait Clone {}
trait From {}
trait Into {}
trait Default {}
trait Drop {}
trait Fn {}
trait FnOnce {}
trait Iterator {}
trait ToString {}
trait Display {}
trait Debug {}
trait Serialize {}
trait Deserialize {}
trait Signature {}
trait StepSig {}
trait SagaSig {}
trait Step {}
trait Saga {}
trait Signal {}
trait Durable {}
trait Fallible {}
trait Encodes {}
trait Decodes {}
trait Copies {}
trait IsLeaf {}
trait IsNoResult {}
trait KeyText {}

/// Methods that every type has.
trait Everything {
    const YES: ::core::primitive::bool = true;
    const META: () = ();
    const PLAN: () = ();
    const NAME: () = ();
    const VERSION: () = ();
    const TYPE: () = ();

    fn encode(&self) {}
    fn tag(&self) {}
    fn hash(&self) {}
    fn copy(&self) {}
    fn payload(&self, _: ()) {}
    fn output(&self, _: ()) {}
    fn args(&self, _: ()) {}
    fn split(&self) {}
    fn join(&self) {}
    fn key(&self) {}
    fn text(&self) {}
    fn perform(&self) {}
    fn poll(&self) {}
}
impl<T: ?::core::marker::Sized> Everything for T {}

fn durable() {}
fn fingerprint() {}
fn drop() {}
fn assert_step_arg() {}
const cx: () = ();
const at: () = ();
static input: () = ();
static error: () = ();

macro_rules! in_the_way {
    ($d:tt $($name:ident)*) => {$(
        macro_rules! $name {
            ($d($d any:tt)*) => { compile_error!("the macro of the user's was taken") };
        }
    )*};
}

mod values {
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Serialize, Deserialize)]
    pub struct Order {
        pub customer: String,
        pub cents: u32,
    }

    #[derive(Debug, Serialize, Deserialize)]
    pub struct PayError;

    pub type PayResult<T> = Result<T, PayError>;

    impl From<factum::TimedOut> for PayError {
        fn from(_: factum::TimedOut) -> Self {
            PayError
        }
    }

    impl PayError {
        pub fn is_transient(&self) -> bool {
            false
        }
    }

    pub struct Shop;
}

mod macros {
    in_the_way!($ file line column panic assert assert_eq matches vec format write unreachable todo concat stringify);

    use ::factum::{saga, step};

    use super::values::{Order, PayError, PayResult};

    #[step(retry(attempts = 2), timeout = "1s", compensate = refund(&output, note), unknown = ignore)]
    async fn charge(order: &Order, note: &str) -> PayResult<u32> {
        let _ = note;
        ::core::result::Result::Ok(order.cents)
    }

    #[step]
    async fn refund(cents: &u32, note: &str) {
        let _ = (cents, note);
    }

    #[step]
    async fn plain(order: Order) -> u32 {
        order.cents
    }

    #[saga(concurrency = 2, key = order.customer)]
    pub async fn pay(order: Order) -> Result<u32, PayError> {
        let paid = charge(&order, "").await?;
        ::core::result::Result::Ok(paid + plain(order).await)
    }
}

/// Names of the primitive types.
mod primitives {
    pub struct bool;
    pub struct str;
    pub struct u8;
    pub struct u32;
    pub struct u64;
    pub struct usize;

    use super::values::{Order, PayError, PayResult};

    #[::factum::step(
        retry(attempts = 2, when = PayError::is_transient),
        timeout = "1s",
        compensate = undo(&order),
        unknown_when = PayError::is_transient,
        rate(limit = 5, per = "1s"),
        cancel = "abort"
    )]
    async fn charge(order: &Order) -> PayResult<()> {
        let _ = order;
        ::core::result::Result::Ok(())
    }

    #[::factum::step]
    async fn undo(order: &Order) {
        let _ = order;
    }

    #[::factum::saga(concurrency = 2, key = order.customer, version = 2, name = "pay-again")]
    pub async fn pay(order: &Order) -> PayResult<()> {
        charge(order).await
    }

    #[::factum::signal]
    #[derive(::serde::Serialize, ::serde::Deserialize)]
    pub struct Approval;
}

use ::factum::{Io, saga, signal, step};
use values::{Order, PayError, PayResult, Shop};

#[step(
    retry(attempts = 3, initial = "1ms", factor = 2.0, max = "1s", jitter = 0.1, when = PayError::is_transient),
    timeout = "1s",
    compensate = refund(&output, order, note),
    unknown = refund(&order.cents, order, note),
    unknown_when = PayError::is_transient,
    cancel = "abort",
    rate(limit = 100, per = "1s"),
    idempotent,
    name = "charge",
    crate = ::factum
)]
async fn charge(io: &mut Io<Shop>, order: &Order, note: &str, list: &[u8]) -> PayResult<u32> {
    let _ = (io.key(), note, list);
    ::core::result::Result::Ok(order.cents)
}

#[step(pure, app = Shop)]
async fn refund(cents: &u32, order: &Order, note: &str) {
    let _ = (cents, order, note);
}

#[step(pivot)]
async fn ship(order: Order) {
    let _ = order;
}

#[signal(name = "approval", crate = ::factum)]
#[derive(::serde::Serialize, ::serde::Deserialize)]
struct Approval;

#[saga(
    app = Shop,
    version = 3,
    name = "pay",
    concurrency = 10,
    key = ::std::format!("{note}/{}", order.customer),
    strict,
    crate = ::factum
)]
async fn pay(order: Order, note: &str, list: &[u8]) -> PayResult<u32> {
    ::factum::signal::<Approval>().await;
    ::factum::sleep(::factum::seconds(1)).await;
    let paid = charge(&order, note, list).await?;
    ship(order).await;
    ::core::result::Result::Ok(paid)
}

fn main() {
    let order = || Order { customer: "ann".into(), cents: 1 };
    let _ = (pay(order(), "", &[]), macros::pay(order()), primitives::pay(&order()));
}
