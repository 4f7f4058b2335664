//! Looking at runs that have ended, of which there are many.

use std::time::Instant;

use factum::prelude::*;
use factum::{Cursor, Status};

use crate::Result;
use crate::bench::{Bench, applied, builder, side_by_side};
use crate::report::{Sample, figure, median};
use crate::work::{MIB, one, ten};

/// How often each thing is looked at.
const LOOKS: usize = 100;

pub(super) async fn round(bench: &mut Bench) -> Result<()> {
    let runs = bench.size(1_000_000, 20_000);
    let (engine, middle) = match &bench.ended {
        Some(ended) => ended.clone(),
        None => {
            bench.tell(&format!("{runs} runs are brought to their end"));
            let ended = fill(bench, runs).await?;
            bench.ended.insert(ended).clone()
        }
    };
    applied(&engine).await?;
    let list = [
        ("the first page", time(|_| page(&engine, None, false)).await?),
        ("one in the middle", time(|_| page(&engine, Some(middle), false)).await?),
        ("one of completed runs", time(|_| page(&engine, Some(middle), true)).await?),
    ];
    let (worst, each) = worst(&list);
    bench.add("list", Sample::alone(worst), format!("of {runs} runs that have ended; medians: {each}"));

    let id = |look: usize| id(look * (runs / LOOKS) % runs);
    let at_rest = time(|look| history(&engine, id(look), false)).await?;
    bench.add("history", Sample::alone(at_rest), format!("of {runs} runs that have ended, the log at rest"));
    let mut looked = fresh(&engine).await;
    for _ in 0..2 {
        if looked.is_ok() {
            break;
        }
        // They were applied in just this moment, so that others are not soon.
        applied(&engine).await?;
        looked = fresh(&engine).await;
    }
    let (time, bytes) = looked?;
    let note = format!(
        "of runs of ten steps that have just ended and are in the log alone, where {} MiB were written",
        figure(bytes as f64 / MIB as f64)
    );
    bench.add("history-tail", Sample::alone(time), note);
    Ok(())
}

/// Looks at runs that have ended and that the checkpoint does not have yet: of the log that is read in which each can have
/// something, from its start to its last record. The time, and what was written.
async fn fresh(engine: &Engine) -> Result<(f64, u64)> {
    const RUNS: usize = 3_000;
    let before = engine.stats();
    let id = move |n: usize| format!("fresh-{}-{n}", before.records);
    let starter = engine.clone();
    side_by_side(512, RUNS, move |n| {
        let engine = starter.clone();
        async move {
            engine.run(ten(n as u64)).id(id(n)).await?;
            Ok(())
        }
    })
    .await?;
    let bytes = engine.stats().bytes - before.bytes;
    let time = time(|look| history(engine, id(look * (RUNS / LOOKS)), true)).await?;
    Ok((time, bytes))
}

async fn fill(bench: &Bench, runs: usize) -> Result<(Engine, Cursor)> {
    let engine = builder(&bench.fresh("ended")?).saga(one).open().await?;
    let starter = engine.clone();
    side_by_side(512, runs, move |n| {
        let engine = starter.clone();
        async move {
            engine.run(one(n as u64)).id(id(n)).await?;
            Ok(())
        }
    })
    .await?;
    let half = engine.list().limit(runs / 2).await?;
    Ok((engine, half.next.ok_or("there is no second half")?))
}

fn id(n: usize) -> String {
    format!("ended-{n}")
}

/// The median time in ms.
async fn time<F: Future<Output = Result<()>>>(what: impl Fn(usize) -> F) -> Result<f64> {
    let mut taken = Vec::new();
    for look in 0..LOOKS {
        let began = Instant::now();
        what(look).await?;
        taken.push(began.elapsed().as_secs_f64() * 1e3);
    }
    median(taken).ok_or_else(|| "nothing was looked at".into())
}

fn worst(times: &[(&str, f64)]) -> (f64, String) {
    let each: Vec<String> = times.iter().map(|(what, time)| format!("{what} {} ms", figure(*time))).collect();
    (times.iter().map(|(_, time)| *time).fold(0.0, f64::max), each.join(", "))
}

async fn page(engine: &Engine, after: Option<Cursor>, completed: bool) -> Result<()> {
    let mut request = engine.list();
    if let Some(after) = after {
        request = request.after(&after);
    }
    if completed {
        request = request.status(Status::Completed);
    }
    match request.await?.len() {
        100 => Ok(()),
        other => Err(format!("a page of {other} runs").into()),
    }
}

/// Of a run that has ended, and of which the checkpoint has nothing if `tail` says so.
async fn history(engine: &Engine, id: String, tail: bool) -> Result<()> {
    let history = engine.history(&id).await?;
    let Some(first) = history.first().filter(|_| history.len() > 1) else {
        return Err(format!("the history of `{id}` is lost").into());
    };
    match tail && engine.stats().applied >= first.lsn {
        true => Err(format!("`{id}` is in the checkpoint").into()),
        false => Ok(()),
    }
}
