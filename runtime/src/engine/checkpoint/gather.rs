//! Records of the log, which are of many runs, run by run.
//!
//! Their bodies lie in one buffer, in the order of the log. What must always hold: a run's records come in that order.

use std::ops::Range;

use crate::id::{Lsn, RunNumber};
use crate::journal::Stored;
use crate::storage::RawRecord;
use crate::time::Timestamp;

/// Numbers are close if there are fewer than so many for each record.
const CLOSE: usize = 4;

/// Records that were read from the log.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    bodies: Vec<u8>,
    records: Vec<Slot>,
    /// Each record's run and index, by run once all are there.
    order: Vec<(RunNumber, u32)>,
}

/// A record without its run and its body, which lies in the buffer.
#[derive(Debug)]
struct Slot {
    lsn: Lsn,
    time: Timestamp,
    kind: u8,
    encrypted: bool,
    body: Range<usize>,
}

impl Gathered {
    pub(super) fn push(&mut self, lsn: Lsn, raw: &RawRecord<'_>) {
        let start = self.bodies.len();
        self.bodies.extend_from_slice(raw.body);
        let (time, kind, encrypted) = (Timestamp(raw.time), raw.kind, raw.is_encrypted());
        self.order.push((RunNumber(raw.run), self.records.len() as u32));
        self.records.push(Slot { lsn, time, kind, encrypted, body: start..self.bodies.len() });
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// How many bytes the bodies have.
    pub(super) fn bytes(&self) -> usize {
        self.bodies.len()
    }

    pub(super) fn last(&self) -> Option<Lsn> {
        self.records.last().map(|record| record.lsn)
    }

    /// All are there.
    pub(super) fn sort(&mut self) {
        let numbers = || self.order.iter().map(|(run, _)| run.0);
        let (Some(lowest), Some(highest)) = (numbers().min(), numbers().max()) else { return };
        match usize::try_from(highest - lowest) {
            // Runs that are at work together have numbers that are close: a place for each number costs less than comparing.
            Ok(spread) if spread < CLOSE * self.order.len() => self.sort_by_place(lowest, spread),
            // Indexes ascend with the LSNs.
            _ => self.order.sort_unstable(),
        }
    }

    fn sort_by_place(&mut self, lowest: u64, spread: usize) {
        let place = |run: RunNumber| (run.0 - lowest) as usize;
        let mut ends = vec![0u32; spread + 1];
        self.order.iter().for_each(|(run, _)| ends[place(*run)] += 1);
        let mut sum = 0;
        for end in &mut ends {
            sum += *end;
            *end = sum;
        }
        let mut sorted = self.order.clone();
        for &entry in self.order.iter().rev() {
            let end = &mut ends[place(entry.0)];
            *end -= 1;
            sorted[*end as usize] = entry;
        }
        self.order = sorted;
    }

    /// Nothing is in it any more; what it has of memory stays.
    pub(super) fn clear(&mut self) {
        self.bodies.clear();
        self.records.clear();
        self.order.clear();
    }

    /// The runs, ascending, each with its records; once they are sorted.
    pub(super) fn runs(&self) -> impl Iterator<Item = (RunNumber, impl Iterator<Item = Stored<'_>>)> {
        let runs = self.order.chunk_by(|(one, _), (other, _)| one == other);
        runs.filter_map(|same| Some((same.first()?.0, same.iter().map(|&(run, index)| self.stored(run, index)))))
    }

    fn stored(&self, run: RunNumber, index: u32) -> Stored<'_> {
        let Slot { lsn, time, kind, encrypted, body } = &self.records[index as usize];
        let body = &self.bodies[body.clone()];
        Stored { run, lsn: *lsn, time: *time, kind: *kind, encrypted: *encrypted, body }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_far_from_each_other_are_sorted_as_those_that_are_close() {
        for numbers in [[9, 2, 9, 4, 2, 3], [1 << 60, 2, 1 << 60, 4, 2, u64::MAX]] {
            let mut gathered = Gathered::default();
            for (lsn, run) in (1..).zip(numbers) {
                gathered.push(Lsn(lsn), &RawRecord { kind: 4, flags: 0, run, time: 0, body: &[] });
            }
            gathered.sort();
            let mut wanted: Vec<(u64, u64)> = numbers.into_iter().zip(1..).collect();
            wanted.sort_unstable();
            let found = gathered.runs().flat_map(|(run, records)| records.map(move |record| (run.0, record.lsn.0)));
            assert_eq!(found.collect::<Vec<_>>(), wanted);
            gathered.clear();
            gathered.sort();
            assert_eq!((gathered.runs().count(), gathered.len(), gathered.bytes()), (0, 0, 0));
        }
    }

    #[test]
    fn runs_come_in_the_order_of_their_numbers_and_records_in_that_of_the_log() {
        let mut gathered = Gathered::default();
        for (lsn, run) in (5..).zip([3, 1, 3, 2, 1, 3]) {
            let body = [lsn as u8; 3];
            let flags = if lsn == 7 { 2 } else { 0 };
            gathered.push(Lsn(lsn), &RawRecord { kind: 4, flags, run, time: lsn as i64, body: &body });
        }
        assert_eq!((gathered.len(), gathered.bytes(), gathered.last()), (6, 18, Some(Lsn(10))));
        gathered.sort();
        let runs: Vec<(u64, Vec<u64>)> = gathered
            .runs()
            .map(|(run, records)| {
                let lsns = records.map(|record| {
                    assert_eq!(record.body, [record.lsn.0 as u8; 3]);
                    assert_eq!((record.run, record.time, record.kind), (run, Timestamp(record.lsn.0 as i64), 4));
                    assert_eq!(record.encrypted, record.lsn.0 == 7);
                    record.lsn.0
                });
                (run.0, lsns.collect())
            })
            .collect();
        assert_eq!(runs, [(1, vec![6, 9]), (2, vec![8]), (3, vec![5, 7, 10])]);
    }
}
