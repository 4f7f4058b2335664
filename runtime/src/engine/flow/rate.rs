//! How often a step may be attempted: the generic cell rate algorithm (ATM Forum, 1996).
//!
//! What must always hold: in no stretch of time `per` begin more than twice `limit` attempts, and in the long run no
//! more than `limit` in each; whoever came first goes first, and one that goes away costs the others nothing.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;

use crate::platform::Clock;

/// The attempts of one step.
#[derive(Debug)]
pub(in crate::engine) struct Bucket {
    cell: Mutex<Cell>,
    /// How many wait for theirs.
    waiting: AtomicU32,
    every: Duration,
}

/// The state of the algorithm.
#[derive(Debug)]
struct Cell {
    /// How far apart attempts are in the long run.
    every: Duration,
    /// How much too early one may be.
    early: Duration,
    /// When the next one would be due if they came evenly.
    due: Duration,
}

impl Cell {
    fn new(limit: u32, per: Duration) -> Cell {
        let every = per / limit.max(1);
        Cell { every, early: every.saturating_mul(limit.max(1) - 1), due: Duration::ZERO }
    }

    /// How long the next attempt must wait.
    fn wait(&self, now: Duration) -> Duration {
        self.due.saturating_sub(self.early).saturating_sub(now)
    }

    /// An attempt begins.
    fn take(&mut self, now: Duration) {
        self.due = self.due.max(now).saturating_add(self.every);
    }
}

/// One of those that wait.
struct Waits<'b>(&'b Bucket);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Bucket {
    pub(super) fn new(limit: u32, per: Duration) -> Bucket {
        let cell = Cell::new(limit, per);
        Bucket { every: cell.every, waiting: AtomicU32::new(0), cell: Mutex::new(cell) }
    }

    /// Begins an attempt if one may begin now; else about how long it takes until it may.
    pub(in crate::engine) fn try_take(&self, clock: &dyn Clock) -> Result<(), Duration> {
        let ahead = self.every.saturating_mul(self.waiting.load(Ordering::Relaxed));
        // Nobody overtakes those that wait.
        let Ok(mut cell) = self.cell.try_lock() else { return Err(ahead) };
        let now = clock.elapsed();
        match cell.wait(now) {
            Duration::ZERO => {
                cell.take(now);
                Ok(())
            }
            wait => Err(wait),
        }
    }

    /// Waits until an attempt may begin, behind those that came before.
    pub(in crate::engine) async fn take(&self, clock: &dyn Clock) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waits = Waits(self);
        let mut cell = self.cell.lock().await;
        loop {
            let now = clock.elapsed();
            match cell.wait(now) {
                Duration::ZERO => return cell.take(now),
                wait => clock.sleep(wait).await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::platform::sim::Sim;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_burst_of_the_limit_goes_at_once_and_the_rest_evenly() {
        let mut cell = Cell::new(4, SECOND);
        let mut now = Duration::from_secs(100);
        let begins: Vec<u128> = (0..8)
            .map(|_| {
                now += cell.wait(now);
                cell.take(now);
                (now - Duration::from_secs(100)).as_millis()
            })
            .collect();
        assert_eq!(begins, [0, 0, 0, 0, 250, 500, 750, 1000]);
    }

    #[test]
    fn whoever_came_first_goes_first_and_one_that_goes_away_costs_nothing() {
        let sim = Sim::new(1);
        let clock = sim.platform().clock;
        sim.run(async {
            let bucket = Bucket::new(1, SECOND);
            assert_eq!(bucket.try_take(&*clock), Ok(()));
            let begun = sim.elapsed();
            {
                // Comes first, and goes away while it waits.
                let mut gone = Box::pin(bucket.take(&*clock));
                tokio::select! {
                    biased;
                    () = &mut gone => panic!("it was to wait"),
                    () = sim.sleep(SECOND / 2) => {}
                }
                // Behind one that waits a whole turn more, as far as is known.
                assert_eq!(bucket.try_take(&*clock), Err(SECOND));
                drop(gone);
            }
            assert_eq!(bucket.try_take(&*clock), Err(SECOND / 2));
            bucket.take(&*clock).await;
            assert_eq!(sim.elapsed() - begun, SECOND);
        });
    }

    proptest! {
        #[test]
        fn no_second_has_more_than_twice_the_limit(limit in 1u32..20, gaps in prop::collection::vec(0u64..400, 1..200)) {
            let mut cell = Cell::new(limit, SECOND);
            let (mut now, mut begins) = (Duration::ZERO, Vec::new());
            for gap in gaps {
                now += Duration::from_millis(gap);
                now += cell.wait(now);
                cell.take(now);
                begins.push(now);
            }
            for (i, first) in begins.iter().enumerate() {
                let within = begins[i..].iter().take_while(|at| **at < *first + SECOND).count();
                prop_assert!(within <= 2 * limit as usize, "{} of {}", within, limit);
            }
            let whole = begins[begins.len() - 1].as_secs() + 2;
            prop_assert!(begins.len() as u64 <= whole * u64::from(limit));
        }
    }
}
