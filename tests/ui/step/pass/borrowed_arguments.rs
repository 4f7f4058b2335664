//! Arguments that are borrowed for the call.
#![deny(warnings)]

use std::borrow::Cow;
use std::collections::BTreeMap;

use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Order {
    id: String,
}

#[derive(Clone, Serialize)]
struct Page<'a> {
    text: &'a str,
}

#[step(
    retry(attempts = 3),
    compensate = release(order, note, lines, map),
)]
async fn reserve(order: &Order, note: &str, lines: &[Order], map: &BTreeMap<String, u32>) -> usize {
    order.id.len() + note.len() + lines.len() + map.len()
}

#[step]
async fn release(order: &Order, note: &str, lines: &[Order], map: &BTreeMap<String, u32>) {
    let _ = (order, note, lines, map);
}

#[step(retry(attempts = 3))]
async fn print(page: Page<'_>, title: Option<&str>, pair: (&str, &u32), text: Cow<'_, str>) -> usize {
    page.text.len() + title.map_or(0, str::len) + pair.0.len() + *pair.1 as usize + text.len()
}

#[saga]
async fn publish(order: &Order, note: &str, lines: &[Order], text: Cow<'_, str>) -> usize {
    let map = BTreeMap::new();
    let held = reserve(order, note, lines, &map).await;
    let title = format!("{held}");
    let page = Page { text: &title };
    held + print(page, Some(&title), (note, &7), Cow::Borrowed(&text)).await
}

#[saga]
async fn outer(orders: Vec<Order>) -> usize {
    let mut total = 0;
    for order in &orders {
        total += publish(order, "note", &orders, Cow::Borrowed("text")).await;
    }
    total
}

fn main() {
    drop(outer(Vec::new()));
}
