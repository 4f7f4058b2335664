//! Every shape of data, every derive that carries over, and what serde is told.
#![deny(warnings, missing_docs, unreachable_pub, clippy::pedantic)]
#![allow(unused_crate_dependencies)]

use std::collections::BTreeMap;

use factum::prelude::*;
use serde::{Deserialize, Serialize};

/// A cart.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cart {
    /// What is in it.
    pub lines: Vec<u32>,
}

/// Pays.
#[signal]
#[derive(Debug, Serialize, Deserialize)]
pub struct Pay;

/// Cancels.
#[signal]
#[derive(Debug, Serialize, Deserialize)]
pub struct Cancel;

/// What goes wrong.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct PurchaseError;

/// A purchase of a [`Cart`].
#[fsm(error = PurchaseError)]
#[group(Open, next(Cancelled), accepts(Cancel), timeout("30 days" => Expired {}))]
#[reject]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Purchase {
    /// The [`Cart`] was sent.
    #[initial]
    #[next(Paid)]
    #[parent(Open)]
    #[accepts(Pay)]
    #[timeout("3 days" => Cancelled)]
    Placed {
        /// What is bought.
        the_cart: Cart,
        /// What is known of it besides.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        more: BTreeMap<String, String>,
    },
    /// It is paid.
    #[commit]
    #[next(Shipped, Refunded)]
    #[timeout("1 day" => Refunded { why: format!("{} lines", state.cart.lines.len()) })]
    Paid {
        /// What is bought.
        cart: Cart,
        /// Not kept.
        #[serde(skip)]
        seen: u32,
    },
    /// It is on its way.
    #[terminal]
    Shipped {
        /// By which number.
        tracking: String,
    },
    /// The money is back.
    #[terminal]
    Refunded {
        /// What for.
        why: String,
    },
    /// Nobody wanted it.
    #[terminal]
    Cancelled,
    /// Nobody paid.
    #[terminal]
    Expired,
}

/// Tuples and units.
#[fsm(endless, name = "shape of things", version = 3, module = shapes)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Shape {
    /// One.
    #[initial]
    #[next(Two)]
    #[timeout("5s" => Two(1, state.0 == 'a'))]
    One(char),
    /// Two.
    #[next(None)]
    #[timeout("5s" => None {})]
    Two(u8, bool),
    /// No data.
    #[next(One, Empty)]
    None,
    /// No data in braces.
    #[next(One)]
    #[timeout("5s" => Unit())]
    Empty {},
    /// No data in parentheses.
    #[terminal]
    Unit(),
}

#[state]
async fn placed(state: purchase::Placed) -> Result<Next<purchase::Placed>, PurchaseError> {
    match race((signal::<Pay>(), signal::<Cancel>())).await {
        First(_) => {}
        Second(_) => return Ok(go(purchase::Cancelled {})),
    }
    Ok(go(purchase::Paid { cart: state.the_cart, seen: 0 }))
}

#[state]
async fn paid(state: purchase::Paid) -> Result<Next<purchase::Paid>, PurchaseError> {
    match state.seen {
        0 => Err(PurchaseError),
        1 => Ok(go(purchase::Refunded { why: String::new() })),
        _ => Ok(go(purchase::Shipped { tracking: String::new() })),
    }
}

#[state]
async fn one(state: shapes::One) -> Next<shapes::One> {
    go(shapes::Two(1, state.0 == 'a'))
}

#[state]
async fn two(_: shapes::Two) -> Next<shapes::Two> {
    go(shapes::None)
}

#[state]
async fn none(state: shapes::None) -> Next<shapes::None> {
    let shapes::None = state;
    go(shapes::Empty {})
}

#[state]
async fn empty(_: shapes::Empty) -> Next<shapes::Empty> {
    go(shapes::One('b'))
}

fn main() {
    let placed = purchase::Placed { the_cart: Cart::default(), more: BTreeMap::new() };
    assert_eq!(serde_json::to_string(&placed).unwrap(), r#"{"theCart":{"lines":[]}}"#);
    let machine = Purchase::from(placed.clone());
    assert_eq!(serde_json::to_string(&machine).unwrap(), r#"{"state":"placed","theCart":{"lines":[]}}"#);
    assert_eq!(purchase::Placed::try_from(machine.clone()), Ok(placed));
    assert_eq!(purchase::Paid::try_from(machine.clone()), Err(machine));
    let late =
        <purchase::Paid as factum::State>::TIMEOUTS[0](Purchase::Paid { cart: Cart { lines: vec![1] }, seen: 1 });
    assert_eq!(late, Purchase::Refunded { why: "1 lines".to_owned() });
    assert_eq!(<purchase::Placed as factum::State>::ACCEPTS, ["Pay", "Cancel"]);
    assert_eq!(<shapes::One as factum::State>::TIMEOUTS[0](Shape::One('a')), Shape::Two(1, true));
    assert!(shapes::One('a') < shapes::One('b'));
    assert_eq!(Purchase::from(purchase::PlacedNext::Cancelled(purchase::Cancelled)), Purchase::Cancelled);
    fn derives<T: Copy + Eq + Ord + std::hash::Hash + serde::de::DeserializeOwned>() {}
    derives::<shapes::One>();
    derives::<shapes::None>();
    let without_more: purchase::Placed = serde_json::from_str(r#"{"theCart":{"lines":[]}}"#).unwrap();
    assert!(without_more.more.is_empty());
    assert!(Purchase::diagram().dot().starts_with("digraph \"Purchase\" {"));
    assert!(Purchase::diagram().mermaid().contains("Placed --> Cancelled : after 3 days"));
    assert!(Purchase::diagram().table().contains("| Placed | accept | accept |"));
}
