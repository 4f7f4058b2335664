//! The power fails, or the process ends, at every operation, and again while the store is opened.

use super::*;

const BATCHES: u64 = 7;
/// A disk that tears its writes inside a sector, which is worse than what is assumed of one: a header lies in one sector.
const TORN: usize = 16;

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

/// Works until the machine goes down at the `n`th operation; says whether all was done before.
fn until(bench: &Bench, told: &mut Told, histories: &[Contents], n: u64, dice: &mut Dice) -> bool {
    bench.disk.crash_at(n);
    let done = work(bench, told, histories);
    let loss = Loss::ALL[dice.below(Loss::ALL.len())];
    match dice.below(8) {
        0 => bench.disk.kill(),
        _ => bench.disk.power_loss(dice, loss),
    }
    if bench.disk.raw().read(Bench::path()).is_some() && n.is_multiple_of(7) {
        assert_eq!(bench.verify(), [], "crash at operation {n}");
    }
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
    for n in 0.. {
        let mut dice = Dice(n);
        let bench = Bench::seeded(n);
        bench.disk.set_sector([TORN, 512, 4096][dice.below(3)]);
        let mut told = Told { asked: 0, acknowledged: 0 };
        let done = until(&bench, &mut told, &histories, n, &mut dice);
        for most in [30, 8] {
            let again = dice.below(most) as u64;
            until(&bench, &mut told, &histories, again, &mut dice);
        }
        assert!(until(&bench, &mut told, &histories, u64::MAX, &mut dice), "operation {n}");
        points += 1;
        if done {
            break;
        }
    }
    println!("{points} points were tried");
    assert!(points > 100, "only {points} points were tried");
}

#[test]
#[expect(clippy::print_stdout, reason = "how many points were tried is what this test shows")]
fn what_the_cache_shows_after_a_failed_sync_is_never_built_upon() {
    let histories = histories(BATCHES);
    let mut points = 0;
    for seed in 0..2u64 {
        for n in 0.. {
            let mut dice = Dice(seed << 32 | n);
            let bench = Bench::seeded(seed << 32 | n);
            let mut told = Told { asked: 0, acknowledged: 0 };
            bench.disk.inject(Fault::on(Kind::Sync).of("checkpoint.redb").after(n).once());
            let done = work(&bench, &mut told, &histories);
            bench.disk.heal();
            if bench.disk.faults_hit() == 0 {
                done.unwrap();
                break;
            }
            // The failed sync may have been that of a close, after which nothing was asked for.
            if let Err(error) = done {
                assert!(matches!(error, CheckpointError::Poisoned { .. }), "sync {n}: {error}");
            }
            // The next process sees what this one wrote, whether it is on the medium or not.
            bench.disk.kill();
            until(&bench, &mut told, &histories, dice.below(25) as u64, &mut dice);
            assert!(until(&bench, &mut told, &histories, u64::MAX, &mut dice), "seed {seed}, sync {n}");
            points += 1;
        }
    }
    println!("{points} failed syncs were tried");
    assert!(points > 40, "only {points} failed syncs were tried");
}

fn slots(disk: &Disk) -> [Vec<u8>; 2] {
    let bytes = disk.raw().read(Bench::path()).unwrap();
    [bytes[4096..2 * 4096].to_vec(), bytes[2 * 4096..3 * 4096].to_vec()]
}

/// Disks that show a newest header which is torn on the medium, as its sync failed; the one before it is there.
fn trapped() -> Vec<Disk> {
    let mut disks = Vec::new();
    for seed in 0..120 {
        let bench = Bench::seeded(seed);
        bench.disk.set_sector(TORN);
        let store = bench.open().unwrap();
        now(store.append(1, 1, b"one")).unwrap();
        let before = slots(&bench.disk);
        // The sync of the pages goes well, that of the header that refers to them does not.
        bench.disk.inject(Fault::on(Kind::Sync).after(1).once());
        now(store.append(1, 2, b"two")).unwrap_err();
        bench.disk.heal();
        bench.disk.kill();
        let medium = bench.disk.fork();
        medium.power_loss(&mut Dice(0), Loss::Everything);
        let (shown, medium) = (slots(&bench.disk), slots(&medium));
        if (0..2).any(|slot| medium[slot] != before[slot] && medium[slot] != shown[slot]) {
            disks.push(bench.disk);
        }
    }
    disks
}

#[test]
fn a_header_that_is_only_in_the_cache_never_costs_the_one_on_the_disk() {
    let disks = trapped();
    assert!(disks.len() > 10, "only {} disks have the trap set", disks.len());
    for (disk, n, seed) in disks.iter().flat_map(|disk| (0..16).map(move |n| (disk, n / 2, n))) {
        let bench = Bench { disk: disk.fork() };
        bench.disk.crash_at(n);
        let opened = bench.open();
        let told = opened.as_ref().ok().map(|store| now(store.load_run(1)).unwrap().len());
        drop(opened);
        bench.disk.power_loss(&mut Dice(seed), Loss::Any);
        let left = now(bench.open().unwrap().load_run(1)).unwrap().len();
        assert!(left >= told.unwrap_or(1), "{told:?} rows were read, {left} are left");
    }
}

#[test]
fn a_name_that_is_only_in_the_cache_is_made_durable() {
    let bench = Bench::new();
    let fork = bench.disk.fork();
    drop(Bench { disk: fork.clone() }.open().unwrap());
    let named = fork.ops().iter().position(|op| op.kind() == Kind::Rename).unwrap();
    // The process is killed after the rename; the next one finds the file and is told of an apply.
    bench.disk.crash_at(named as u64 + 1);
    bench.open().unwrap_err();
    bench.disk.kill();
    now(bench.open().unwrap().apply(batch(1), Lsn(100))).unwrap();
    bench.disk.power_loss(&mut Dice(0), Loss::Everything);
    assert_eq!(now(bench.open().unwrap().applied_lsn()).unwrap(), Lsn(100));
}

#[test]
fn a_length_that_is_only_in_the_cache_does_no_harm() {
    let mut short = 0;
    for seed in 0..12 {
        let bench = Bench::seeded(seed);
        let store = bench.open().unwrap();
        let mut large = Batch::new();
        large.put("runs", "large", vec![7; 4 << 20]);
        // The first sync is the one after the file grew.
        bench.disk.inject(Fault::on(Kind::Sync).once());
        now(store.apply(large, Lsn(100))).unwrap_err();
        bench.disk.heal();
        bench.disk.kill();
        let medium = bench.disk.fork();
        medium.power_loss(&mut Dice(0), Loss::Everything);
        let len = |disk: &Disk| disk.raw().read(Bench::path()).unwrap().len();
        short += usize::from(len(&medium) < len(&bench.disk));
        let store = bench.open().unwrap();
        now(store.apply(batch(1), Lsn(100))).unwrap();
        let store = (seed % 2 == 0).then_some(store);
        bench.disk.power_loss(&mut Dice(0), Loss::Everything);
        drop(store);
        assert_eq!(now(bench.open().unwrap().applied_lsn()).unwrap(), Lsn(100));
        assert_eq!(bench.verify(), []);
    }
    assert!(short > 2, "the length was lost only {short} times");
}
