//! Awaits in the arguments of the standard macros.
#![deny(warnings)]
#![allow(clippy::all)]

use std::fmt::Write;

use factum::__private::{Plan, SagaSig};
use factum::SagaCall;
use factum::prelude::*;

#[step]
async fn a(n: u32) -> u32 {
    n
}

#[saga]
async fn all() -> Vec<u32> {
    let text = format!("{} {named} {:>1$}", a(1).await, a(2).await as usize, named = a(3).await);
    println!("{text} {}", a(4).await);
    print!("{}", a(5).await);
    eprintln!("{}", a(6).await);
    eprint!("{}", a(7).await);
    let mut out = String::new();
    write!(out, "{}", a(8).await).unwrap();
    writeln!(out, "{}", a(9).await).unwrap();
    assert!(a(10).await == 10, "not {}", a(11).await);
    assert_eq!(a(12).await, 12);
    assert_ne!(a(13).await, 12, "is {}", a(14).await);
    if matches!(a(16).await, 1..=9 | 11) {
        panic!("{}", a(17).await);
    }
    if std::matches!(a(17).await, n if n > 100) {
        unreachable!("{}", a(18).await);
    }
    let mut list = vec![a(19).await, a(20).await];
    list.extend(vec![a(21).await; 3]);
    list.extend(std::vec![dbg!(a(22).await)]);
    list
}

fn count(plan: &Plan) -> usize {
    match plan {
        Plan::Seq(plans) | Plan::Branch(plans) => plans.iter().map(count).sum(),
        Plan::Loop(plan) => count(plan),
        Plan::Step(_) => 1,
        other => panic!("{other:?}"),
    }
}

fn of<S: SagaSig>(_: SagaCall<'_, S>) -> usize {
    count(S::meta().plan)
}

fn main() {
    assert_eq!(of(all()), 22);
}
