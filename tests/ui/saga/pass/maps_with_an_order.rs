//! What goes through a map and is not warned of.
#![deny(warnings)]

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::BuildHasherDefault;

use factum::prelude::*;

#[step]
async fn ship(item: String, count: u32) {
    let _ = (item, count);
}

#[saga]
async fn ordered(items: BTreeMap<String, u32>, names: &BTreeSet<String>) {
    for (item, count) in &items {
        ship(item.clone(), *count).await;
    }
    for name in names.iter() {
        ship(name.clone(), items.values().copied().max().unwrap_or_default()).await;
    }
}

#[saga]
async fn with_a_hasher_that_is_always_the_same() {
    let items: HashMap<String, u32, BuildHasherDefault<DefaultHasher>> = HashMap::default();
    for (item, count) in items {
        ship(item, count).await;
    }
}

#[saga]
async fn looked_up(items: HashMap<String, u32>) {
    let count = items.get("a").copied().unwrap_or_default();
    ship("a".into(), count).await;
}

#[saga]
async fn in_any_order(items: HashMap<String, u32>) {
    ship("all".into(), items.values().map(|count| count + 1).sum()).await;
    if items.iter().all(|(_, count)| *count > 0) {
        let items = items.into_iter().collect::<BTreeMap<_, _>>();
        for (item, count) in items {
            ship(item, count).await;
        }
    }
}

#[saga]
async fn under_another_name(items: HashMap<String, u32>, names: Vec<String>) {
    let count = items.len();
    let items = names;
    for item in items.iter() {
        ship(item.clone(), count as u32).await;
    }
    let sizes = |items: Vec<u32>| items.into_iter().max();
    let _ = sizes(vec![1]);
}

#[saga]
#[allow(deprecated)]
async fn allowed(items: HashMap<String, u32>) {
    for (item, count) in items {
        ship(item, count).await;
    }
}

#[saga]
async fn allowed_once(items: HashSet<String>) {
    #[allow(deprecated)]
    let mut sorted: Vec<String> = items.into_iter().collect();
    sorted.sort();
    for item in sorted {
        ship(item, 1).await;
    }
    let more = HashSet::from([1]);
    #[allow(deprecated)]
    for count in more {
        ship("more".into(), count).await;
    }
}

fn main() {
    let _ = ordered(BTreeMap::new(), &BTreeSet::new());
    let _ = (with_a_hasher_that_is_always_the_same(), looked_up(HashMap::new()), in_any_order(HashMap::new()));
    let _ = (under_another_name(HashMap::new(), Vec::new()), allowed(HashMap::new()), allowed_once(HashSet::new()));
}
