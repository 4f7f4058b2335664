//! Rule 22: what is never expanded never compiled. Every macro, and every operation that a body can await, in one run.
//! Each rule of the macros, and each message, is in `ui`; the examples are compiled and run by their own tests.

use std::time::{Duration, SystemTime};

use factum::prelude::*;
use factum::{Batch, CheckpointError, CheckpointStore, JournalRow, KeyRange, Lsn, MemoryCheckpoint, TableRow};
use factum::{checkpoint_store, signal as signals};
use serde::{Deserialize, Serialize};

use crate::machine::Machine;
use crate::world::{Go, Oops, World, acts, acts_on, does};

#[signals(name = "hello")]
#[derive(Serialize, Deserialize)]
struct Hello {
    from: String,
}

#[step(pure, timeout = "10s", retry(attempts = 2, initial = "1ms", factor = 2.0, max = "5ms", when = Oops::is_failed))]
async fn thinks(n: u64) -> Result<u64, Oops> {
    Ok(n * 2)
}

impl Oops {
    fn is_failed(&self) -> bool {
        matches!(self, Oops::Failed(_))
    }
}

#[step(pivot, name = "commit it")]
async fn commits(io: &mut Io<World>, n: u64) -> Result<u64, Oops> {
    io.app().act("commits");
    Ok(n)
}

#[saga(app = World, version = 2)]
async fn inner(n: u64) -> Result<u64, Oops> {
    does(format!("inner {n}")).await?;
    thinks(n).await
}

#[saga(app = World, name = "everything there is", version = 3)]
async fn everything(turn: u64) -> Result<u64, Oops> {
    if turn == 0 {
        return again(everything(1)).await;
    }
    let begun = now().await;
    let _ = (uuid().await, random::<u64>().await);
    let Go(n) = signal::<Go>().await;
    let told = signal::<Hello>().timeout(millis(1)).await;
    sleep(Duration::from_millis(1)).await;
    sleep_until(begun).await;
    let (a, b) = join((acts_on("ab".to_owned()), inner(1))).await;
    let many = all((0..3).map(|n| acts_on(format!("many {n}")))).concurrency(2).await;
    let tried = try_all((0..3).map(inner)).await?;
    let won = match race((inner(9), sleep(days(1)))).await {
        First(won) => won?,
        Second(()) => 0,
    };
    let child = spawn(inner(4)).linked().id(format!("child {turn}")).await;
    let ended = (&child).await;
    let sum = a + b? + many.iter().sum::<u64>() + tried.iter().sum::<u64>() + won;
    let sum = sum + u64::from(n) + u64::from(told.is_err()) + ended.map_err(|error| Oops::Failed(error.to_string()))?;
    acts("nearly").await;
    commits(sum).await
}

/// A store of one's own, as the macro writes it.
#[derive(Debug, Clone)]
struct Kept(MemoryCheckpoint);

#[checkpoint_store]
impl CheckpointStore for Kept {
    async fn append(&self, run: u64, sequence: u64, row: &[u8]) -> Result<(), CheckpointError> {
        self.0.append(run, sequence, row).await
    }

    async fn load_run(&self, run: u64) -> Result<Vec<JournalRow>, CheckpointError> {
        self.0.load_run(run).await
    }

    async fn clear(&self, run: u64) -> Result<(), CheckpointError> {
        self.0.clear(run).await
    }

    async fn apply(&self, batch: Batch, lsn: Lsn) -> Result<(), CheckpointError> {
        self.0.apply(batch, lsn).await
    }

    async fn applied_lsn(&self) -> Result<Lsn, CheckpointError> {
        self.0.applied_lsn().await
    }

    async fn get(&self, table: &str, key: &[u8]) -> Result<Option<Vec<u8>>, CheckpointError> {
        self.0.get(table, key).await
    }

    async fn scan(&self, table: &str, range: KeyRange, limit: usize) -> Result<Vec<TableRow>, CheckpointError> {
        self.0.scan(table, range, limit).await
    }
}

pub async fn rule_22_every_macro_is_expanded_and_run(m: &Machine) {
    let kept = Kept(MemoryCheckpoint::new());
    let with = |b: factum::Builder<World>| b.checkpoint_store(kept.clone()).saga(everything).saga(inner);
    let engine = m.open(with).await;
    m.world.hold("nearly");
    engine.start(everything(0)).id("r").at(SystemTime::UNIX_EPOCH).await.unwrap();
    engine.signal("r", Go(7)).await.unwrap();
    m.world.happened("nearly", 1).await;
    m.crash(engine).await;
    m.world.let_go("nearly");
    let engine = m.open(with).await;
    let sum = engine.run(everything(0)).id("r").await.unwrap();
    assert_eq!(sum, 2 + 2 + 3 * 6 + (2 + 4) + 18 + 7 + 1 + 8);
    engine.shutdown().await.unwrap();
}
