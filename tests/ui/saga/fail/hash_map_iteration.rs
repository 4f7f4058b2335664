#![deny(deprecated)]

use std::collections::{HashMap, HashSet};

use factum::prelude::*;

#[step]
async fn ship(item: String, count: u32) {
    let _ = (item, count);
}

#[saga]
async fn by_argument(items: HashMap<String, u32>) {
    for (item, count) in items {
        ship(item, count).await;
    }
}

#[saga]
async fn by_reference(items: &HashMap<String, u32>) {
    for (item, count) in items.iter().filter(|(_, count)| **count > 0) {
        ship(item.clone(), *count).await;
    }
}

#[saga]
async fn by_type(names: Vec<String>) {
    let names: HashSet<String> = names.into_iter().collect();
    for name in &names {
        ship(name.clone(), 1).await;
    }
}

#[saga]
async fn by_constructor() {
    let mut items = HashMap::new();
    items.insert("a", 1);
    let first = items.keys().next();
    let first = first.map(|first| first.to_string()).unwrap_or_default();
    ship(first, 1).await;
}

#[saga]
async fn by_collect(names: Vec<String>) {
    let names = names.into_iter().collect::<HashSet<_>>();
    if let Some(name) = names.into_iter().next() {
        ship(name, 1).await;
    }
}

fn main() {}
