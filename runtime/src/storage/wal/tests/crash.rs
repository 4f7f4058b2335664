//! The power fails at every operation, and again while the log is opened.

use super::*;

/// What a workload appended, what of it was acknowledged, and what a checkpoint has.
#[derive(Debug, Default, Clone)]
struct Told {
    appended: Vec<Vec<u8>>,
    acknowledged: usize,
    applied: usize,
}

/// Opens the log, checks what is there, and appends until something fails:
/// groups of two records, one that needs a segment of its own, and more; seals and retires in between.
/// `salt` makes the bodies of each call differ; with an even one the log is closed at the end.
async fn work(bench: &Bench, told: &mut Told, salt: u8, durability: Durability) -> Result<(), StorageError> {
    let applied = Lsn(told.applied as u64);
    let Opened { wal, report, seen } = bench.open_after(WalConfig { durability, ..config() }, applied)?;
    check(told, &seen, &report);
    told.appended.truncate(told.applied + seen.len());
    told.acknowledged = told.appended.len();
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
    for (i, size) in [10, 5000, 30_000, 70_000, 20, 30_000].into_iter().enumerate() {
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
        if i % 3 == 1 {
            let sealed = wal.seal().await?;
            assert_eq!(sealed, lsn);
            told.acknowledged = told.appended.len();
            // A checkpoint has it, durably; the last of its segments is left for another time.
            told.applied = sealed.0 as usize;
            wal.retire(Lsn(sealed.0 - 1));
        } else {
            wal.retire(Lsn(told.applied as u64));
        }
    }
    Ok(())
}

fn check(told: &Told, seen: &[Seen], report: &OpenReport) {
    let there = told.applied + seen.len();
    assert!(there >= told.acknowledged, "{there} of {} are there", told.acknowledged);
    assert_eq!(there % 2, 0, "a group is whole or not there");
    assert!(there <= told.appended.len());
    assert!(seen.iter().zip(&told.appended[told.applied..]).all(|(seen, told)| seen.body == *told));
    assert_eq!(report.last_lsn, Lsn(there as u64));
    assert!(seen.iter().zip(told.applied as u64 + 1..).all(|(seen, lsn)| seen.lsn == lsn));
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
#[expect(clippy::print_stderr, reason = "how many points were tried is what the test has to show")]
async fn nothing_acknowledged_is_lost_wherever_the_power_fails() {
    let points = sweep(Durability::Commit).await;
    eprintln!("the power failed at {points} points");
    assert!(points > 200, "only {points} points were tried");
}

#[tokio::test]
async fn without_durability_a_power_cut_leaves_an_older_log_and_a_whole_one() {
    let points = sweep(Durability::None).await;
    assert!(points > 200, "only {points} points were tried");
}
