//! How many runs, how many attempts, what a cancel does: every way of saying it.

use std::time::Duration;

use factum::__private::{CancelMode, Plan, SagaSig, StepMeta, StepSig, WorkflowMeta};
use factum::prelude::*;
use factum::{SagaCall, StepCall};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Order {
    customer: String,
    number: u32,
}

#[step(idempotent, cancel = "abort", rate(limit = 100, per = "1m 30s"))]
async fn print(order: Order) {
    let _ = order;
}

#[step(cancel = "finish", pivot)]
async fn ship() {}

#[step]
async fn plain() {}

#[saga(concurrency = 10, key = order.customer, strict)]
async fn checkout(order: Order) {
    print(order).await
}

#[saga(concurrency = 1)]
async fn nightly() {
    ship().await
}

#[saga(concurrency = 2, key = format!("{shop}/{}", order.number))]
async fn of_several(shop: &str, order: &Order, pages: &[u32]) {
    let _ = (shop, order, pages);
}

#[saga(concurrency = 2, key = if name.is_empty() { "nobody" } else { name })]
async fn of_text(name: &str) {
    let _ = name;
}

#[saga(concurrency = 2, key = *number + 1)]
async fn of_number(number: u32) {
    let _ = number;
}

#[saga]
async fn by_default(order: Order) {
    let _ = order;
    plain().await
}

fn step<S: StepSig>(_: StepCall<'_, S>) -> &'static StepMeta {
    S::META
}

fn saga<S: SagaSig>(call: SagaCall<'_, S>, args: S::Args<'_>) -> (&'static WorkflowMeta, Option<String>) {
    let _ = call;
    (S::meta(), S::key(&args))
}

fn main() {
    let order = || Order { customer: "ann".into(), number: 42 };

    let meta = step(print(order()));
    assert_eq!(meta.cancel, CancelMode::Abort);
    let rate = meta.rate.unwrap();
    assert_eq!((rate.limit, rate.per), (100, Duration::from_secs(90)));
    assert_eq!(step(ship()).cancel, CancelMode::Finish);
    let meta = step(plain());
    assert_eq!((meta.cancel, meta.rate), (CancelMode::Finish, None));

    let (meta, key) = saga(checkout(order()), (order(),));
    assert_eq!((meta.concurrency, meta.strict, key.as_deref()), (Some(10), true, Some("ann")));
    let (meta, key) = saga(nightly(), ());
    assert_eq!((meta.concurrency, meta.strict, key), (Some(1), false, None));
    let (_, key) = saga(of_several("x", &order(), &[1]), ("shop", &order(), &[]));
    assert_eq!(key.as_deref(), Some("shop/42"));
    assert_eq!(saga(of_text(""), ("",)).1.as_deref(), Some("nobody"));
    assert_eq!(saga(of_number(1), (41,)).1.as_deref(), Some("42"));
    let (meta, key) = saga(by_default(order()), (order(),));
    assert_eq!((meta.concurrency, meta.strict, key), (None, false, None));
    assert!(std::ptr::eq(meta.plan, plan(by_default(order()))));
}

fn plan<S: SagaSig>(_: SagaCall<'_, S>) -> &'static Plan {
    S::PLAN
}
