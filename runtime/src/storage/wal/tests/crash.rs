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
async fn work(platform: Platform, told: &mut Told, salt: u8, durability: Durability) -> Result<(), StorageError> {
    let mut keep = Keep::default();
    let data = DataDir::open(&platform, Path::new("/some/data"))?;
    let config = WalConfig { durability, ..config() };
    let (wal, report) = Wal::open(&platform, data, config, Lsn(told.applied as u64), &mut keep)?;
    check(told, &keep.0, &report);
    told.appended.truncate(told.applied + keep.0.len());
    told.acknowledged = told.appended.len();
    append(&wal, told, salt, durability == Durability::Commit).await?;
    if salt.is_multiple_of(2) {
        wal.close().await?;
        told.acknowledged = told.appended.len();
    }
    wal.abandon().await;
    Ok(())
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

/// How a process ends, and what of its work: nothing goes with a process that is killed.
fn end(sim: &Sim, loss: Option<Loss>) {
    match loss {
        Some(loss) => sim.crash(loss),
        None => sim.kill(),
    }
}

/// Runs `work` up to its `n`th operation, where the machine goes down; says whether it got to its end.
fn until(sim: &Sim, told: &mut Told, (salt, durability): (u8, Durability), n: u64, loss: Option<Loss>) -> bool {
    sim.disk().crash_at(n);
    let done = sim.run_until_down(work(sim.platform(), told, salt, durability));
    sim.disk().crash_at(u64::MAX);
    end(sim, loss);
    match done {
        Some(Ok(())) => true,
        Some(Err(error)) => panic!("before operation {n}: {error}"),
        None => false,
    }
}

/// What was acknowledged is there and an inspection finds nothing to say.
fn inspect(sim: &Sim, told: &Told) {
    let verified = verify(sim.platform().fs, Path::new("/some/data"), Lsn(told.applied as u64));
    // Before there is a MANIFEST there is nothing to inspect.
    if sim.disk().raw().read("/some/data/MANIFEST").is_some() {
        assert_eq!(verified.problems, []);
        assert!(verified.last_lsn.0 as usize >= told.acknowledged);
    }
}

/// Goes down at each operation in turn, twice more while the log is opened again and written to, and then lets it be;
/// gives the number of points at which it went down in the first place.
fn sweep(durability: Durability, losses: &[Option<Loss>], seeds: u64) -> usize {
    let mut points = 0;
    for (seed, &loss) in (0..seeds).flat_map(|seed| losses.iter().map(move |loss| (seed, loss))) {
        for n in 0.. {
            let mut dice = Dice(seed << 32 | n);
            let sim = Sim::new(dice.draw());
            let any = |dice: &mut Dice| losses[dice.below(losses.len())];
            let mut told = Told::default();
            let done = until(&sim, &mut told, (10, durability), n, loss);
            inspect(&sim, &told);
            let (second, loss) = (dice.below(60) as u64, any(&mut dice));
            until(&sim, &mut told, (21, durability), second, loss);
            inspect(&sim, &told);
            let (third, loss) = (dice.below(20) as u64, any(&mut dice));
            until(&sim, &mut told, (30, durability), third, loss);
            inspect(&sim, &told);
            let loss = any(&mut dice);
            assert!(until(&sim, &mut told, (41, durability), u64::MAX, loss));
            // Whatever the last end took, what is left is taken.
            sim.run(work(sim.platform(), &mut told, 50, durability)).unwrap();
            inspect(&sim, &told);
            points += 1;
            if done {
                break;
            }
        }
    }
    points
}

const LOSSES: [Option<Loss>; 8] = [
    None,
    Some(Loss::Nothing),
    Some(Loss::Everything),
    Some(Loss::Any),
    Some(Loss::Last),
    Some(Loss::AllButLast),
    Some(Loss::Names),
    Some(Loss::Contents),
];

#[test]
#[expect(clippy::print_stderr, reason = "how many points were tried is what the test has to show")]
fn nothing_acknowledged_is_lost_wherever_the_power_fails_or_the_process_is_killed() {
    let points = sweep(Durability::Commit, &LOSSES, 1) + sweep(Durability::Commit, &[Some(Loss::Any)], 3);
    eprintln!("the log went down at {points} points");
    assert!(points > 1000, "only {points} points were tried");
}

#[test]
fn without_durability_a_power_cut_leaves_an_older_log_and_a_whole_one() {
    let points = sweep(Durability::None, &[Some(Loss::Any)], 4);
    assert!(points > 300, "only {points} points were tried");
}

#[test]
fn the_same_seed_does_the_same_operations_twice() {
    let operations = |seed| {
        let sim = Sim::new(seed);
        let mut told = Told::default();
        sim.run(work(sim.platform(), &mut told, 10, Durability::Commit)).unwrap();
        sim.disk().ops()
    };
    let all: Vec<_> = (0..20).map(operations).collect();
    assert!(all.windows(2).any(|two| two[0] != two[1]), "the seed decides something");
    assert!(all.iter().zip(0..).all(|(ops, seed)| *ops == operations(seed)));
}
