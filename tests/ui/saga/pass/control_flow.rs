//! The plan of a saga is the tree of its awaits.
#![deny(warnings)]
#![allow(clippy::all)]

use factum::__private::{Plan, SagaSig};
use factum::prelude::*;
use factum::{SagaCall, signal};
use serde::{Deserialize, Serialize};

#[step]
async fn a(n: u32) -> u32 {
    n
}

#[step]
async fn b(n: u32) -> Result<u32, String> {
    Ok(n)
}

mod elsewhere {
    use factum::prelude::*;

    #[step]
    pub async fn c(_io: &mut Io, _s: &str, _t: Option<&str>, _n: &[u32]) -> bool {
        true
    }
}

#[signal(name = "go-on")]
#[derive(Serialize, Deserialize)]
enum GoOn {
    Yes,
    No,
}

#[saga]
async fn straight() -> Result<u32, String> {
    let first = a(a(1).await).await;
    let a = a(first).await;
    sleep(seconds(1)).await;
    let GoOn::Yes = signal::<GoOn>().await else {
        b(1).await?;
        return Err("no".into());
    };
    Ok(a + b(a).await?)
}

#[saga]
async fn branches(n: u32) -> u32 {
    if n > 3 && elsewhere::c("", None, &[]).await {
        a(1).await;
    } else if let Ok(found) = b(n).await {
        return found;
    }
    match a(n).await {
        0 => 1,
        n if b(n).await.is_ok() => {
            use elsewhere::c as other;
            other("x", Some("y"), &[n]).await as u32
        }
        n => {
            let closure = |n: u32| n + 1;
            closure(n)
        }
    }
}

#[saga]
async fn loops(mut n: u32) -> u32 {
    'outer: loop {
        while a(n).await > 0 {
            n -= 1;
            if n == 7 {
                break 'outer;
            }
        }
        for i in 0..b(n).await.unwrap_or(0) {
            n += i;
        }
        while let Ok(x) = b(n).await
            && x > 1
        {
            continue 'outer;
        }
        if n > 100 {
            break;
        }
    }
    n
}

#[saga]
async fn dynamic(n: u32) -> u32 {
    let call = a(n);
    let other = |n| a(n);
    call.await + other(2).await + straight().await.unwrap_or(0) + helper(1).await
}

fn helper(n: u32) -> impl factum::Durable<factum::NoApp, Output = u32> {
    a(n)
}

#[saga]
async fn recursive(n: u32) -> u32 {
    if n == 0 { 0 } else { even(n - 1).await + recursive(n - 1).await }
}

#[saga]
async fn even(n: u32) -> u32 {
    if n == 0 { 0 } else { recursive(n - 1).await }
}

fn show(plan: &Plan) -> String {
    let list = |plans: &[Plan]| plans.iter().map(show).collect::<Vec<_>>().join(" ");
    match plan {
        Plan::Seq(plans) => format!("({})", list(plans)),
        Plan::Branch(plans) => format!("[{}]", list(plans)),
        Plan::Loop(plan) => format!("loop {}", show(plan)),
        Plan::Step(step) => step.name.into(),
        Plan::Saga(saga) => format!("saga:{}", saga.name),
        Plan::Sleep => "sleep".into(),
        Plan::Signal(name) => format!("signal:{name}"),
        Plan::Dynamic => "?".into(),
        _ => "other".into(),
    }
}

fn of<S: SagaSig>(_: SagaCall<'_, S>) -> String {
    show(S::meta().plan)
}

fn main() {
    assert_eq!(of(straight()), "(a a a sleep signal:go-on [() b] b)");
    assert_eq!(of(branches(1)), "([c ()] [a b] a [() ([b ()] [c ()])])");
    // A `break` or `continue` is a way past what follows, whether anything is awaited before it or not.
    assert_eq!(of(loops(1)), "(loop (loop (a [() ()]) b loop (b [() ()]) [() ()]))");
    // A type that can be awaited says what it is, also where its name is not known.
    assert_eq!(of(dynamic(1)), "(? ? saga:straight a)");
    assert_eq!(of(recursive(1)), "([() (saga:even saga:recursive)])");
}
