//! A process ends at every operation of the disk, and again during recovery.

mod judge;
mod scene;

use self::scene::{Scene, work};
use crate::engine::Error;
use crate::platform::sim::{Dice, Fault, Kind, Loss};
use crate::storage::StorageError;

/// How many ends are tried at each point.
const ENDS: usize = 4;

/// Nothing more than the process, or any loss of power.
fn any_end(dice: &mut Dice) -> Option<Loss> {
    Loss::ALL.get(dice.below(Loss::ALL.len() + 1)).copied()
}

/// Says where a sweep was when it failed, so that this one place can be tried again.
struct Here(String);

impl Drop for Here {
    #[expect(clippy::print_stderr, reason = "for whoever reads why the test failed")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("this was {}", self.0);
        }
    }
}

/// Ends the process at each operation in turn, again somewhere in the recovery or in what follows it, and then lets it
/// be. How many times that was, and how many operations there are without any end.
fn sweep(seed: u64) -> (u64, u64) {
    let mut ends = 0;
    for n in 0.. {
        let mut first = Scene::new(seed);
        let is_done = first.until(n);
        let dice = &mut Dice(seed << 32 | n);
        for _ in 0..ENDS {
            let mut scene = first.fork(dice.draw());
            let (once, again) = (any_end(dice), any_end(dice));
            let second = dice.below(60) as u64;
            let _here = Here(format!("seed {seed}, operations {n} and {second}, losses {once:?} and {again:?}"));
            let left = scene.end(once, None);
            let done = scene.world.acts().len();
            scene.until(second);
            let left = scene.end(again, Some((&left, done)));
            scene.finish(&left);
            ends += 1;
        }
        if is_done {
            return (ends, n);
        }
    }
    (ends, 0)
}

#[test]
#[expect(clippy::print_stdout, reason = "how many points were tried is what a reader wants to know")]
fn wherever_a_process_ends_no_fact_is_lost_or_done_again_and_every_run_ends_as_it_must() {
    let (mut ends, mut points) = (0, 0);
    for seed in 0..4 {
        let swept = sweep(seed);
        ends += swept.0;
        points += swept.1;
    }
    println!("{points} points were tried, with {ends} ends and as many during recovery");
    // One seed alone has about 80.
    assert!(points > 250, "only {points} points were tried");
}

/// Fails each sync in turn. The process ends, and the next one sees what the page cache shows; then the power fails.
/// How many syncs there were.
fn failed_syncs(seed: u64, kind: Kind) -> u64 {
    for n in 0.. {
        let mut first = Scene::new(seed);
        first.sim.disk().inject(Fault::on(kind).after(n).once());
        let ended = first.sim.run(work(&first.sim, &first.world, &mut first.told));
        assert_eq!(first.sim.disk().faults_hit(), u64::from(ended.is_err()), "a failed sync stops everything");
        match ended {
            Ok(()) => return n,
            Err(Error::Storage(
                StorageError::Io { .. } | StorageError::Poisoned { .. } | StorageError::Checkpoint(_),
            )) => {}
            Err(other) => panic!("{other}"),
        }
        first.sim.kill();
        let dice = &mut Dice(seed << 32 | n);
        for _ in 0..ENDS {
            let mut scene = first.fork(dice.draw());
            let (second, loss) = (dice.below(40) as u64, [Loss::Everything, Loss::Any][dice.below(2)]);
            let _here = Here(format!("seed {seed}, {kind:?} {n}, operation {second}, {loss:?} lost"));
            scene.until(second);
            let left = scene.end(Some(loss), None);
            scene.finish(&left);
        }
    }
    0
}

#[test]
#[expect(clippy::print_stdout, reason = "how many syncs were failed is what a reader wants to know")]
fn what_the_page_cache_shows_after_a_failed_sync_is_never_built_upon() {
    let syncs: u64 = (0..4).map(|seed| failed_syncs(seed, Kind::Sync) + failed_syncs(seed, Kind::SyncDir)).sum();
    println!("{syncs} syncs were failed");
    assert!(syncs > 80, "only {syncs} syncs were failed");
}
