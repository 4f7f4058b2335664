//! The power fails, or the process is killed, at every operation, and again while the arena is opened.

use std::collections::BTreeMap;

use super::*;

/// What the log and the checkpoint would hold: durable the moment it is changed.
#[derive(Debug, Default)]
struct Told {
    /// Records after the applied LSN.
    tail: Vec<(Lsn, BlobAt)>,
    rows: BTreeMap<u64, BlobAt>,
    bytes: BTreeMap<u64, Vec<u8>>,
    last: u64,
    applied: u64,
    moves: usize,
}

/// What the caller does wrong on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller {
    Right,
    /// It says that a checkpoint is durable before it is.
    AppliesTooEarly,
    /// It lets the arena unlink what was moved before the checkpoint says so.
    MovesTooEarly,
}

type Wrong = String;

impl Told {
    /// Opens the arena as an engine would, and checks that everything is there.
    fn open(&self, bench: &Bench) -> Result<Result<Arena, StorageError>, Wrong> {
        let missing = |error: StorageError| match error {
            StorageError::Io { .. } => Ok(Err(error)),
            other => Err(other.to_string()),
        };
        let arena = match bench.open_with(self.rows.values().copied().collect()) {
            Ok(arena) => arena,
            Err(error) => return missing(error),
        };
        for (lsn, at) in &self.tail {
            arena.note(at).map_err(|error| error.to_string())?;
            arena.named(at.id, *lsn);
        }
        arena.applied(Lsn(self.applied));
        for id in self.rows.keys().copied().chain(self.tail.iter().map(|(_, at)| at.id)) {
            let blob = arena.get(id).map_err(|error| error.to_string())?;
            if *blob != *self.bytes[&id] {
                return Err(format!("blob {id} has other bytes"));
            }
        }
        Ok(Ok(arena))
    }

    fn name(&mut self, arena: &Arena, blob: &Blob) {
        self.last += 1;
        self.bytes.insert(blob.at().id, blob.to_vec());
        self.tail.push((Lsn(self.last), blob.at()));
        arena.named(blob.at().id, Lsn(self.last));
    }

    /// The checkpoint takes the tail over, and forgets all but the `keep` newest rows and one old one.
    fn checkpoint(&mut self, arena: &Arena, keep: usize) -> Result<(), StorageError> {
        for (_, at) in std::mem::take(&mut self.tail) {
            self.rows.insert(at.id, arena.place(at.id)?);
            arena.referenced(at.id);
        }
        let gone = self.rows.len().saturating_sub(keep + 1);
        let gone: Vec<u64> = self.rows.keys().copied().skip(1).take(gone).collect();
        for id in gone {
            self.rows.remove(&id);
            arena.unreferenced(id);
        }
        self.applied = self.last;
        arena.applied(Lsn(self.applied));
        Ok(())
    }
}

fn collect(arena: &Arena) -> Result<(), StorageError> {
    arena.collect().failures.into_iter().next().map_or(Ok(()), Err)
}

/// Opens the arena, and uses it until something fails or all is done.
async fn work(bench: &Bench, told: &mut Told, caller: Caller, salt: u8) -> Result<Result<(), StorageError>, Wrong> {
    let arena = match told.open(bench)? {
        Ok(arena) => arena,
        Err(error) => return Ok(Err(error)),
    };
    let done = fill(&arena, told, caller, salt).await;
    arena.close().await;
    Ok(done)
}

async fn fill(arena: &Arena, told: &mut Told, caller: Caller, salt: u8) -> Result<(), StorageError> {
    let sizes = [100, 20_000, 70_000, 5000, 15_000, 30_000, 100, 40_000, 9000, 50_000, 80_000, 20_000];
    for (turn, size) in sizes.into_iter().enumerate() {
        let (one, two, three) = (vec![salt; size], vec![salt + 1; size / 3], [turn as u8; 30]);
        let (one, two, three) =
            tokio::join!(arena.put(source(&one), 0), arena.put(source(&two), 0), arena.put_content(source(&three)));
        let (one, two, (_, three)) = (one?, two?, three?);
        [one, two, three].iter().for_each(|blob| told.name(arena, blob));
        if caller == Caller::AppliesTooEarly {
            arena.applied(Lsn(told.last));
        }
        collect(arena)?;
        if turn % 2 == 1 {
            told.checkpoint(arena, 2)?;
            collect(arena)?;
            if let Some(moving) = arena.survivors() {
                let places = arena.move_blobs(moving).await?;
                told.moves += places.len();
                if caller == Caller::MovesTooEarly {
                    arena.moved(places.clone());
                    collect(arena)?;
                    arena.put(source(b"what the checkpoint writes"), 0).await?;
                }
                told.rows.extend(places.iter().map(|at| (at.id, *at)));
                arena.moved(places);
                collect(arena)?;
            }
        }
    }
    Ok(())
}

/// Works up to the `n`th operation; then the power fails, or the process alone is gone. Says whether it got to its end.
async fn until(
    bench: &Bench,
    told: &mut Told,
    (caller, salt): (Caller, u8),
    n: u64,
    dice: &mut Dice,
) -> Result<bool, Wrong> {
    bench.fs.fail(Break::From(n));
    let done = work(bench, told, caller, salt).await?;
    bench.fs.fail(None);
    if dice.below(4) > 0 {
        bench.memory.crash(dice);
    }
    match done {
        Ok(()) => Ok(true),
        Err(StorageError::Io { .. }) => Ok(false),
        Err(other) => Err(other.to_string()),
    }
}

/// Crashes at each operation in turn, twice more afterwards, and then lets it be; gives the number of points, and what
/// was wrong first.
async fn sweep(seeds: u64, caller: Caller, lie: Option<Kind>) -> (usize, Option<Wrong>) {
    let mut points = 0;
    for seed in 0..seeds {
        for n in 0.. {
            points += 1;
            let mut dice = Dice(seed << 32 | n);
            let bench = Bench::new();
            bench.fs.lie(lie);
            match point(&bench, caller, n, &mut dice).await {
                Ok(true) => break,
                Ok(false) => {}
                Err(wrong) => return (points, Some(format!("seed {seed}, operation {n}: {wrong}"))),
            }
        }
    }
    (points, None)
}

async fn point(bench: &Bench, caller: Caller, n: u64, dice: &mut Dice) -> Result<bool, Wrong> {
    let mut told = Told::default();
    let done = until(bench, &mut told, (caller, 10), n, dice).await?;
    let second = dice.below(120) as u64;
    until(bench, &mut told, (caller, 20), second, dice).await?;
    let third = dice.below(20) as u64;
    until(bench, &mut told, (caller, 30), third, dice).await?;
    let whole = until(bench, &mut told, (caller, 40), u64::MAX, dice).await?;
    assert!(whole && told.moves > 0, "nothing fails any more, and blobs were moved");
    told.open(bench)?.map_err(|error| error.to_string())?;
    Ok(done)
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "says how much was tried")]
async fn nothing_that_is_named_is_lost_wherever_the_power_fails() {
    let (points, wrong) = sweep(4, Caller::Right, None).await;
    assert_eq!(wrong, None);
    println!("{points} points were tried");
    assert!(points > 400, "only {points} points were tried");
}

#[tokio::test]
async fn the_sweep_sees_a_sync_that_is_left_out() {
    for kind in [Kind::Sync, Kind::SyncDir] {
        let (_, wrong) = sweep(4, Caller::Right, Some(kind)).await;
        assert!(wrong.is_some(), "{kind:?}");
    }
}

#[tokio::test]
async fn the_sweep_sees_a_caller_that_lets_go_too_early() {
    for caller in [Caller::AppliesTooEarly, Caller::MovesTooEarly] {
        let (_, wrong) = sweep(4, caller, None).await;
        assert!(wrong.is_some(), "{caller:?}");
    }
}
