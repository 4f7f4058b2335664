//! Records as rows: one by one in a journal, or packed when the run has ended.

use super::Broken;
use crate::codec::wire::{Reader, WireError, Writer};
use crate::id::{Lsn, RunNumber};
use crate::journal::Stored;
use crate::record::Kind;
use crate::storage::RawRecord;
use crate::time::Timestamp;

/// One record of one run, as it was in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) lsn: Lsn,
    pub(crate) time: Timestamp,
    pub(crate) kind: u8,
    /// Whether the body is encrypted.
    pub(crate) encrypted: bool,
    pub(crate) body: Vec<u8>,
}

/// What is set in the kind of an encrypted record in a row: no kind has it.
const ENCRYPTED: u8 = 0x80;

impl Record {
    pub(crate) fn of(lsn: Lsn, raw: &RawRecord<'_>) -> Record {
        let encrypted = raw.is_encrypted();
        Record { lsn, time: Timestamp(raw.time), kind: raw.kind, encrypted, body: raw.body.to_vec() }
    }

    /// The record as its run's, to be decoded.
    pub(crate) fn stored(&self, run: RunNumber) -> Stored<'_> {
        let Record { lsn, time, kind, encrypted, body } = self;
        Stored { run, lsn: *lsn, time: *time, kind: *kind, encrypted: *encrypted, body }
    }

    /// Whether it is the first of a run.
    pub(crate) fn starts(&self) -> bool {
        self.kind == Kind::RunStarted as u8
    }

    pub(super) fn from_row(sequence: u64, row: &[u8]) -> Result<Record, Broken> {
        let mut r = Reader::new(row);
        let head = (|| Ok::<_, WireError>((r.byte("kind")?, r.fixed("time")?)))();
        let (kind, time) = head.map_err(|e| Broken::new("a row of a journal", e))?;
        let body = row.get(9..).unwrap_or_default().to_vec();
        let (kind, encrypted) = (kind & !ENCRYPTED, kind & ENCRYPTED != 0);
        Ok(Record { lsn: Lsn(sequence), time: Timestamp(time.cast_signed()), kind, encrypted, body })
    }
}

impl From<&Stored<'_>> for Record {
    fn from(stored: &Stored<'_>) -> Record {
        let Stored { run: _, lsn, time, kind, encrypted, body } = *stored;
        Record { lsn, time, kind, encrypted, body: body.to_vec() }
    }
}

/// The kind as a row has it.
fn kind_byte(record: &Stored<'_>) -> u8 {
    record.kind | if record.encrypted { ENCRYPTED } else { 0 }
}

/// The row in a journal; its sequence is the LSN.
pub(super) fn journal_row(record: &Stored<'_>) -> Vec<u8> {
    let mut row = Vec::with_capacity(9 + record.body.len());
    let mut w = Writer::new(&mut row);
    w.byte(kind_byte(record));
    w.fixed(record.time.0.cast_unsigned());
    row.extend_from_slice(record.body);
    row
}

/// The version of what is packed.
const PACKED: u8 = 1;

/// A row is begun anew when it has so many bytes.
const ROW: usize = 1 << 20;

/// All records of a run in as few rows as may be, each with the first LSN in it.
pub(super) fn pack(records: &[Stored<'_>]) -> Vec<(Lsn, Vec<u8>)> {
    let mut rows = Vec::new();
    let mut rest = records;
    while let Some(first) = rest.first() {
        let mut bytes = 0;
        let count = rest.iter().take_while(|record| {
            let fits = bytes == 0 || bytes + record.body.len() < ROW;
            bytes += record.body.len() + 16;
            fits
        });
        let (some, others) = rest.split_at(count.count());
        rows.push((first.lsn, row_of(some)));
        rest = others;
    }
    rows
}

pub(super) fn row_of(records: &[Stored<'_>]) -> Vec<u8> {
    let mut row = Vec::with_capacity(16 + records.iter().map(|record| record.body.len() + 16).sum::<usize>());
    let mut w = Writer::new(&mut row);
    w.byte(PACKED);
    w.number(records.len() as u64);
    let (mut lsn, mut time) = (0, 0i64);
    for record in records {
        w.number(record.lsn.0.wrapping_sub(lsn));
        let step = record.time.0.wrapping_sub(time);
        // Small either way: the sign goes last.
        w.number(((step << 1) ^ (step >> 63)).cast_unsigned());
        w.byte(kind_byte(record));
        w.bytes(record.body);
        (lsn, time) = (record.lsn.0, record.time.0);
    }
    row
}

/// The records of one packed row.
pub(super) fn unpack(row: &[u8]) -> Result<Vec<Record>, Broken> {
    let mut r = Reader::new(row);
    let mut read = || {
        match r.byte("version")? {
            PACKED => {}
            found => return Err(WireError::Unknown { field: "version", found: found.into() }),
        }
        let (mut lsn, mut time) = (0u64, 0i64);
        // No capacity is taken from the count: it is as it was read.
        let mut records = Vec::new();
        for _ in 0..r.number("count")? {
            lsn = lsn.wrapping_add(r.number("LSN")?);
            let step = r.number("time")?;
            time = time.wrapping_add((step >> 1).cast_signed() ^ -((step & 1).cast_signed()));
            let kind = r.byte("kind")?;
            let body = r.bytes("body")?.to_vec();
            let (kind, encrypted) = (kind & !ENCRYPTED, kind & ENCRYPTED != 0);
            records.push(Record { lsn: Lsn(lsn), time: Timestamp(time), kind, encrypted, body });
        }
        Ok(records)
    };
    let records = read().map_err(|e| Broken::new("a packed history", e))?;
    r.end().map_err(|e| Broken::new("a packed history", e))?;
    Ok(records)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RUN: RunNumber = RunNumber(1);

    fn stored(records: &[Record]) -> Vec<Stored<'_>> {
        records.iter().map(|record| record.stored(RUN)).collect()
    }

    proptest! {
        #[test]
        fn packed_records_come_back(records in prop::collection::vec(
            (any::<u64>(), any::<i64>(), 0..ENCRYPTED, prop::collection::vec(any::<u8>(), 0..40)), 0..20)) {
            let records: Vec<Record> = records.into_iter()
                .map(|(lsn, time, kind, body)| {
                    let encrypted = lsn % 2 == 0;
                    Record { lsn: Lsn(lsn), time: Timestamp(time), kind, encrypted, body }
                })
                .collect();
            prop_assert_eq!(unpack(&row_of(&stored(&records))).unwrap(), records.clone());
            for record in records {
                prop_assert_eq!(Record::from_row(record.lsn.0, &journal_row(&record.stored(RUN))).unwrap(), record);
            }
        }

        #[test]
        fn long_histories_take_several_rows(sizes in prop::collection::vec(0usize..900_000, 0..8)) {
            let records: Vec<Record> = (1..).zip(sizes)
                .map(|(lsn, size)| Record { lsn: Lsn(lsn), time: Timestamp(7), kind: 4, encrypted: false, body: vec![1; size] })
                .collect();
            let rows = pack(&stored(&records));
            prop_assert!(rows.iter().all(|(_, row)| row.len() < 2 * ROW));
            let back: Vec<Record> = rows.iter().flat_map(|(_, row)| unpack(row).unwrap()).collect();
            prop_assert_eq!(back, records);
        }

        #[test]
        fn bytes_that_are_no_history_are_an_error(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            // Whatever it says: no panic, and no memory for what the bytes claim.
            let _: Result<Vec<Record>, Broken> = unpack(&bytes);
        }
    }
}
