//! Kills the checkout example at random moments, a hundred times and more, over
//! its 500 orders, and then asks the provider's ledger whether that showed.
//!
//! `FACTUM_KILLS=n` sets the number of kills, `FACTUM_SEED=n` repeats the delays
//! of an earlier run (not what the machine does meanwhile).
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test panics where it fails")]

mod judge;
mod poison;
mod program;

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use checkout::batch::Ending;
use checkout::orders::OrderFile;
use checkout::provider::read_entries;
use fastrand::Rng;
use program::{Finish, Moment, Program, Provider};

/// How many kills there are at least.
const KILLS: usize = 100;

/// One kill in so many comes at any moment from the start of the process, while
/// it opens its engine or recovers; all the others come while it is at work.
const ANY_MOMENT: u32 = 4;

/// Kills in a row that found nobody at work, after which a round is left to end:
/// all that remains are orders whose charge times out again and again.
const IDLE: usize = 3;

/// Rounds in a row in which no kill hit: no process ever gets anywhere.
const FRUITLESS: usize = 3;

#[tokio::test]
async fn kills_at_random_moments_leave_every_order_right() {
    let wanted = from_env("FACTUM_KILLS").map_or(KILLS, |kills| usize::try_from(kills).unwrap());
    let seed = from_env("FACTUM_SEED").unwrap_or_else(|| fastrand::u64(..));
    say(&format!("FACTUM_SEED={seed} FACTUM_KILLS={wanted}"));
    let mut rng = Rng::with_seed(seed);
    let program = Program::build();
    let (mut hits, mut rounds, mut fruitless) = (0, 0, 0);
    while hits < wanted || rounds == 0 {
        let dir = tempfile::tempdir().unwrap();
        let hit = round(&program, dir.path(), wanted - hits, &mut rng).await;
        fruitless = if hit == 0 { fruitless + 1 } else { 0 };
        assert!(fruitless < FRUITLESS, "{fruitless} rounds in which no kill hit a process at work");
        (hits, rounds) = (hits + hit, rounds + 1);
    }
    say(&format!("{hits} kills hit a process at work, in {rounds} round(s) of 500 orders"));
}

/// One set of fresh directories: kills until there are enough or the orders are
/// nearly done, then lets a last process finish, and judges. Returns how many
/// kills hit a process that had got something done; the others do not count.
async fn round(program: &Program, dir: &Path, wanted: usize, rng: &mut Rng) -> usize {
    let started = Instant::now();
    let ledger = dir.join("ledger.jsonl");
    let provider = Provider::start(program, &ledger).await;
    let (mut kills, mut hits, mut idle) = (0, 0, 0);
    while hits < wanted && idle < IDLE {
        let moment = match rng.u32(0..ANY_MOMENT) {
            0 => Moment::AfterStart(Duration::from_millis(rng.u64(0..200))),
            _ => Moment::AtWork(Duration::from_micros(rng.u64(0..40_000))),
        };
        match program.run_and_kill(dir, &provider, rng.u16(1..=24), moment).await {
            Finish::Done => break,
            Finish::Killed { at_work } => {
                kills += 1;
                hits += usize::from(at_work);
                idle = if at_work { 0 } else { idle + usize::from(moment.is_at_work()) };
            }
        }
    }
    let report = program.run_to_the_end(dir, &provider).await;
    provider.stop().await;

    let entries = read_entries(&ledger).unwrap();
    let orders: Vec<_> = OrderFile::load(None).unwrap().orders.into_iter().map(|line| line.order).collect();
    let violations = judge::judge(&orders, &entries, &report);
    let count = violations.len();
    assert!(violations.is_empty(), "{count} violations after {kills} kills:\n{}", violations.join("\n"));
    let completed = report.values().filter(|ending| matches!(ending, Ending::Completed(_))).count();
    say(&format!(
        "{kills} kills, {hits} at work, {} ledger lines, {completed} completed, {} compensated, {:.1} s",
        entries.len(),
        report.len() - completed,
        started.elapsed().as_secs_f64()
    ));
    hits
}

fn from_env(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number, not `{text}`")))
}

/// Past the capture of the test harness: the seed is wanted even if this hangs.
fn say(line: &str) {
    let mut stderr = std::io::stderr();
    writeln!(stderr, "kill: {line}").unwrap();
}
