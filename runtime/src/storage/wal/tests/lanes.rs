//! A log that is replayed by several lanes at once.

use super::*;

/// Keeps on each lane what it is given, and refuses kind 255.
#[derive(Debug, Default)]
struct Lanes {
    lanes: Vec<Keep>,
    /// How many records there were after each segment.
    after: Vec<usize>,
    /// A record that is refused when all of its segment are taken.
    refused: Option<Lsn>,
}

impl Lanes {
    fn new(lanes: usize) -> Lanes {
        Lanes { lanes: std::iter::repeat_with(Keep::default).take(lanes).collect(), ..Lanes::default() }
    }

    async fn open(&mut self, bench: &Bench, applied: Lsn) -> Result<OpenReport, StorageError> {
        let data = DataDir::open(&bench.platform, &bench.dir)?;
        let (wal, report) = Wal::open(&bench.platform, data, config(), applied, self)?;
        wal.abandon().await;
        Ok(report)
    }
}

impl Replay for Lanes {
    fn lanes(&mut self) -> Vec<&mut dyn Lane> {
        self.lanes.iter_mut().map(|lane| lane as &mut dyn Lane).collect()
    }

    fn taken(&mut self) -> Result<(), Refusal> {
        self.after.push(self.lanes.iter().map(|lane| lane.0.len()).sum());
        let there = |lsn: &Lsn| self.lanes.iter().any(|lane| lane.0.iter().any(|seen| seen.lsn == lsn.0));
        let refused = self.refused.filter(there);
        refused.map_or(Ok(()), |lsn| Err(Refusal { lsn, reason: ReplayError::new("it was not to be") }))
    }
}

/// Several segments with records of some runs, a few of them in one frame.
async fn many() -> Bench {
    let bench = Bench::new();
    let wal = bench.open().unwrap().wal;
    let mut dice = Dice(7);
    for nth in 0..600u64 {
        let run = dice.below(23) as u64;
        let lsn = wal
            .append(|group| {
                group.record(7, run, nth as i64, |bytes| bytes.extend_from_slice(&[nth as u8; 200]));
                group.record(8, run, nth as i64, |bytes| bytes.extend_from_slice(&[nth as u8; 300]));
            })
            .unwrap();
        if dice.below(4) == 0 {
            wal.durable(lsn).await.unwrap();
        }
    }
    wal.durable(Lsn(1200)).await.unwrap();
    wal.abandon().await;
    assert!(bench.segments().len() > 4);
    bench
}

#[tokio::test]
async fn each_run_has_one_lane_that_is_given_its_records_in_order() {
    let bench = many().await;
    for applied in [0, 5, 700, 1200] {
        let all: Vec<Seen> = {
            let mut one = Lanes::new(1);
            one.open(&bench, Lsn(applied)).await.unwrap();
            one.lanes.remove(0).0
        };
        assert_eq!(all.iter().map(|seen| seen.lsn).collect::<Vec<_>>(), (applied + 1..=1200).collect::<Vec<_>>());
        for lanes in [2, 4, 7] {
            let mut several = Lanes::new(lanes);
            let report = several.open(&bench, Lsn(applied)).await.unwrap();
            assert_eq!((report.records, report.last_lsn), (1200 - applied, Lsn(1200)));
            assert_eq!(several.after.last(), Some(&all.len()));
            for (index, lane) in several.lanes.iter().enumerate() {
                assert!(lane.0.iter().all(|seen| lane_of(seen.run, lanes) == index));
                for run in 0..23 {
                    let of = |records: &[Seen]| -> Vec<Seen> {
                        records.iter().filter(|seen| seen.run == run).cloned().collect()
                    };
                    if lane_of(run, lanes) == index {
                        assert_eq!(of(&lane.0), of(&all));
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn of_several_records_that_are_refused_the_first_is_told_and_nothing_is_changed() {
    let bench = Bench::new();
    let wal = bench.open().unwrap().wal;
    // Of the runs 1 and 2, on two lanes, the third and fourth record.
    for (kind, run) in [(7, 2), (7, 1), (255, 2), (255, 1), (7, 1)] {
        wal.append(|group| group.record(kind, run, 0, |bytes| bytes.extend_from_slice(b"body"))).unwrap();
    }
    wal.durable(Lsn(5)).await.unwrap();
    wal.abandon().await;
    let before = bench.read(&bench.segment(1));
    for _ in 0..10 {
        match Lanes::new(4).open(&bench, Lsn(0)).await.unwrap_err() {
            StorageError::Refused { file, lsn, offset, reason } => {
                assert_eq!((file, lsn), (bench.segment(1), Lsn(3)));
                assert!(reason.to_string().contains("kind 255"), "{reason}");
                let record = &before[offset as usize..];
                assert_eq!((record[4], record[8]), (255, 2));
            }
            other => panic!("{other}"),
        }
        assert_eq!(bench.read(&bench.segment(1)), before);
    }
}

#[tokio::test]
async fn a_record_is_refused_too_when_its_segment_was_taken() {
    let bench = many().await;
    let (segments, before) = (bench.segments(), bench.read(&bench.segment(1)));
    let mut lanes = Lanes { refused: Some(Lsn(3)), ..Lanes::new(3) };
    match lanes.open(&bench, Lsn(0)).await.unwrap_err() {
        StorageError::Refused { file, lsn, reason, .. } => {
            assert_eq!((file, lsn, reason.to_string()), (bench.segment(1), Lsn(3), "it was not to be".to_owned()));
        }
        other => panic!("{other}"),
    }
    assert_eq!((lanes.after.len(), bench.segments(), bench.read(&bench.segment(1))), (1, segments, before));
}
