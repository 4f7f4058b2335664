//! The power fails at every operation, and again while the log is opened.

use super::*;

/// What a workload appended and what of it was acknowledged.
#[derive(Debug, Default, Clone)]
struct Told {
    appended: Vec<Vec<u8>>,
    acknowledged: usize,
}

/// Opens the log, checks what is there, and appends until something fails:
/// two groups of two records, a record that needs a segment of its own, and more.
/// `salt` makes the bodies of each call differ; with an even one the log is closed at the end.
async fn work(bench: &Bench, told: &mut Told, salt: u8, durability: Durability) -> Result<(), StorageError> {
    let Opened { wal, report, seen } = bench.open_with(WalConfig { durability, ..config() })?;
    check(told, &seen, &report);
    told.appended.truncate(seen.len());
    told.acknowledged = seen.len();
    let mut result = append(&wal, told, salt, durability == Durability::Commit).await;
    if result.is_ok() && salt.is_multiple_of(2) {
        result = wal.close().await;
        if result.is_ok() {
            told.acknowledged = told.appended.len();
        }
    }
    wal.abandon().await;
    result
}

async fn append(wal: &Wal, told: &mut Told, salt: u8, commit: bool) -> Result<(), StorageError> {
    for size in [10, 5000, 30_000, 70_000, 20, 30_000] {
        let (one, two) = (vec![salt; size], vec![salt + 1; size / 3]);
        let lsn = wal.append(|group| {
            group.record(1, 1, 1, |body| body.extend_from_slice(&one));
            group.record(1, 1, 1, |body| body.extend_from_slice(&two));
        })?;
        told.appended.extend([one, two]);
        wal.durable(lsn).await?;
        if commit {
            told.acknowledged = told.appended.len();
        }
    }
    Ok(())
}

fn check(told: &Told, seen: &[Seen], report: &OpenReport) {
    assert!(seen.len() >= told.acknowledged, "{} of {} are there", seen.len(), told.acknowledged);
    assert_eq!(seen.len() % 2, 0, "a group is whole or not there");
    assert!(seen.len() <= told.appended.len());
    assert!(seen.iter().zip(&told.appended).all(|(seen, told)| seen.body == *told));
    assert_eq!(report.last_lsn, Lsn(seen.len() as u64));
    assert!(seen.iter().zip(1..).all(|(seen, lsn)| seen.lsn == lsn));
}

/// Runs `work` up to its `n`th operation, and crashes; says whether it got to its end.
async fn until(bench: &Bench, told: &mut Told, (salt, durability): (u8, Durability), n: u64, dice: &mut Dice) -> bool {
    bench.fs.fail(Fail::From(n));
    let work = work(bench, told, salt, durability);
    let done = tokio::time::timeout(PATIENCE, work).await.expect("somebody waits for ever");
    bench.fs.fail(Fail::Nothing);
    bench.memory.crash(dice);
    match done {
        Ok(()) => true,
        Err(StorageError::Io { .. } | StorageError::Poisoned { .. }) => false,
        Err(other) => panic!("crash at operation {n}: {other}"),
    }
}

/// Crashes at each operation in turn, twice more while the log is opened again
/// and written to, and then lets it be; gives the number of crashes in the first place.
async fn sweep(durability: Durability) -> usize {
    let mut points = 0;
    for seed in 0..4u64 {
        for n in 0.. {
            let mut dice = Dice(seed << 32 | n);
            let bench = Bench::new();
            let mut told = Told::default();
            let done = until(&bench, &mut told, (10, durability), n, &mut dice).await;
            let second = dice.below(60) as u64;
            until(&bench, &mut told, (21, durability), second, &mut dice).await;
            let third = dice.below(20) as u64;
            until(&bench, &mut told, (30, durability), third, &mut dice).await;
            assert!(until(&bench, &mut told, (41, durability), u64::MAX, &mut dice).await);
            // Whatever the last power cut took, what is left is taken.
            work(&bench, &mut told, 50, durability).await.unwrap();
            points += 1;
            if done {
                break;
            }
        }
    }
    points
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_wherever_the_power_fails() {
    let points = sweep(Durability::Commit).await;
    assert!(points > 200, "only {points} points were tried");
}

#[tokio::test]
async fn without_durability_a_power_cut_leaves_an_older_log_and_a_whole_one() {
    let points = sweep(Durability::None).await;
    assert!(points > 200, "only {points} points were tried");
}
