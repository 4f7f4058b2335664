//! Scratch.
#![allow(clippy::all, missing_docs, unused)]
mod baseline;
mod work;

use factum::prelude::*;
use factum::Durability;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use work::*;

fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/schedstat").ok();
    let s = std::fs::read_to_string("/proc/self/stat").unwrap();
    let f: Vec<&str> = s.rsplit(')').next().unwrap().split_whitespace().collect();
    (f[11].parse::<f64>().unwrap() + f[12].parse::<f64>().unwrap()) / 100.0
}

async fn load(engine: &Engine, flight: usize, runs: usize) -> f64 {
    let next = Arc::new(AtomicUsize::new(0));
    let began = Instant::now();
    let tasks: Vec<_> = (0..flight).map(|_| {
        let (engine, next) = (engine.clone(), next.clone());
        tokio::spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= runs { return; }
                engine.run(ten(n as u64)).await.unwrap();
            }
        })
    }).collect();
    for t in tasks { t.await.unwrap(); }
    (runs * 10) as f64 / began.elapsed().as_secs_f64()
}

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    let what = args.get(1).map(String::as_str).unwrap_or("all");
    let root = std::env::var("BENCH_DIR").unwrap_or("target/bench-data".into());
    let root = std::path::PathBuf::from(root);
    std::fs::remove_dir_all(&root).ok();
    std::fs::create_dir_all(&root).unwrap();
    let engine = Engine::builder(root.join("engine")).saga(ten).saga(ten_pure).saga(many).open().await.unwrap();
    if what == "512" {
        load(&engine, 512, 20_000).await;
        let c = cpu();
        let runs = args.get(2).map_or(40_000, |s| s.parse().unwrap());
        let r = load(&engine, 512, runs).await;
        println!("engine 512: {r:.0} steps/s, cpu per step {:.2} us", (cpu() - c) * 1e6 / (runs * 10) as f64);
        engine.shutdown().await.unwrap();
        return;
    }
    load(&engine, 512, 5_000).await;
    for round in 0..3 {
        let s = baseline::sync_loop(&root, 500).unwrap();
        println!("fdatasync {s:?}");
        for n in [512usize, 64] {
            let b = baseline::group_commit(&root, n, 400_000 / n).await.unwrap();
            let s0 = engine.stats();
            let c = cpu();
            let runs = if n == 512 { 20_000 } else { 10_000 };
            let r = load(&engine, n, runs).await;
            let s1 = engine.stats();
            let cpu = (cpu() - c) * 1e6 / (runs * 10) as f64;
            println!("{n}: bare {b:.0}/s engine {r:.0} steps/s ratio {:.3} cpu {cpu:.2}us syncs/step {:?}", r / b, (s0, s1));
        }
        let mut t = Vec::new();
        for i in 0..100 { let b = Instant::now(); engine.run(ten(i)).await.unwrap(); t.push(b.elapsed()); }
        t.sort();
        println!("one run: {:?} = {:.2} x 12 x", t[50], t[50].as_secs_f64() / s.as_secs_f64() / 12.0);
        let mut t = Vec::new();
        for i in 0..100 { let b = Instant::now(); engine.run(ten_pure(i)).await.unwrap(); t.push(b.elapsed()); }
        t.sort();
        println!("pure run: {:?} = {:.2} x", t[50], t[50].as_secs_f64() / s.as_secs_f64());
        let b = baseline::buffered(&root, 1_000_000).unwrap();
        println!("buffered {b:?}");
        let e = Engine::builder(root.join(format!("none{round}"))).durability(Durability::None).saga(many).open().await.unwrap();
        let t = Instant::now();
        e.run(many(100_000)).await.unwrap();
        let t = t.elapsed() / 100_000;
        println!("none: {t:?} per step, {:.2} x", t.as_secs_f64() / b.as_secs_f64());
        e.shutdown().await.unwrap();
    }
    engine.shutdown().await.unwrap();
}
