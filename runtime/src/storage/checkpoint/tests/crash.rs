//! The power fails at every operation, and again while the store is opened.

use super::*;

const BATCHES: u64 = 12;

/// What was asked of a store, and what it answered.
struct Told {
    /// The batches that were asked for, and those that were answered, by number.
    asked: u64,
    acknowledged: u64,
}

/// Opens the store, checks what is there, and applies until something fails or all is done.
fn work(bench: &Bench, told: &mut Told, histories: &[Contents]) -> Result<(), CheckpointError> {
    let store = bench.open()?;
    let found = contents(&store)?;
    let n = found.applied / 100;
    assert!(n >= told.acknowledged, "{} were acknowledged, {n} are there", told.acknowledged);
    assert!(n <= told.asked, "{} were asked for, {n} are there", told.asked);
    assert_eq!(found, histories[n as usize], "after batch {n}");
    told.acknowledged = n;
    for n in n + 1..=BATCHES {
        told.asked = n;
        now(store.apply(batch(n), Lsn(n * 100)))?;
        told.acknowledged = n;
    }
    Ok(())
}

/// Works up to the `n`th operation, and crashes; says whether all was done.
fn until(bench: &Bench, told: &mut Told, histories: &[Contents], n: u64, dice: &mut Dice) -> bool {
    bench.fs.fail(Fail::From(n));
    let done = work(bench, told, histories);
    bench.fs.fail(Fail::Nothing);
    bench.memory.crash(dice);
    match done {
        Ok(()) => true,
        Err(CheckpointError::Io { .. } | CheckpointError::Poisoned { .. }) => false,
        Err(other) => panic!("crash at operation {n}: {other}"),
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "how many points were tried is what this test shows")]
fn whatever_was_applied_is_there_wherever_the_power_fails() {
    let histories = histories(BATCHES);
    let mut points = 0;
    for seed in 0..2u64 {
        for n in 0.. {
            let mut dice = Dice(seed << 32 | n);
            let bench = Bench::new();
            let mut told = Told { asked: 0, acknowledged: 0 };
            let done = until(&bench, &mut told, &histories, n, &mut dice);
            for most in [30, 8, 60] {
                let again = dice.below(most) as u64;
                until(&bench, &mut told, &histories, again, &mut dice);
            }
            assert!(until(&bench, &mut told, &histories, u64::MAX, &mut dice), "seed {seed}, operation {n}");
            points += 1;
            if done {
                break;
            }
        }
    }
    println!("{points} points were tried");
    assert!(points > 200, "only {points} points were tried");
}
