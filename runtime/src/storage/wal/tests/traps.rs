//! What recoveries have fallen into, each by its name: `damage_in_an_acknowledged_record_of_the_last_segment_is_an_error_and_not_a_cut`
//! is in `recovery`.

use super::*;
use crate::platform::sim::{Fault, Kind};

/// A process that opens the log, appends these, and waits for the disk; what was replayed, and how it went.
fn process(sim: &Sim, durability: Durability, appends: &[&[u8]]) -> (Vec<Vec<u8>>, Result<OpenReport, StorageError>) {
    let platform = sim.platform();
    sim.run(async {
        let mut keep = Keep::default();
        let data = DataDir::open(&platform, Path::new("/data")).unwrap();
        let (wal, report) =
            Wal::open(&platform, data, WalConfig { durability, ..config() }, Lsn(0), &mut keep).unwrap();
        let mut result = Ok(report);
        for body in appends {
            let frames = wal.stats().frames;
            if let Err(error) = wal.durable(put(&wal, body)).await {
                result = Err(error);
                break;
            }
            // One frame each: also where nobody waits for the disk.
            while wal.stats().frames == frames {
                sim.sleep(std::time::Duration::from_millis(1)).await;
            }
        }
        (keep.0.into_iter().map(|record| record.body).collect(), result)
    })
}

#[test]
fn a_cut_record_never_comes_back_after_two_more_crashes() {
    let mut cut_short = 0;
    for seed in 0..200 {
        let sim = Sim::new(seed);
        // Nothing of this is synced: the power takes any of it, so that a frame can be there whose predecessor is not.
        process(&sim, Durability::None, &[b"one", b"two", b"three", b"four"]).1.unwrap();
        sim.crash(Loss::Any);
        // What is left, and what is appended where the rest was: frames of the same size.
        let (left, _) = process(&sim, Durability::Commit, &[b"ONE"]);
        assert!(
            [&b"one"[..], b"two", b"three", b"four"].starts_with(&left.iter().map(Vec::as_slice).collect::<Vec<_>>())
        );
        cut_short += u32::from(left.len() < 4);
        let wanted = [left, vec![b"ONE".to_vec()]].concat();
        sim.crash(Loss::Any);
        let (after_one, _) = process(&sim, Durability::Commit, &[]);
        assert_eq!(after_one, wanted, "seed {seed}");
        sim.crash(Loss::Any);
        let (after_two, report) = process(&sim, Durability::Commit, &[]);
        assert_eq!((after_two, report.unwrap().cut), (wanted, None), "seed {seed}");
    }
    assert!(cut_short > 50, "{cut_short}");
}

#[test]
fn what_the_page_cache_shows_after_a_failed_sync_is_never_built_upon() {
    let mut shown = 0;
    for seed in 0..100 {
        let sim = Sim::new(seed);
        process(&sim, Durability::Commit, &[b"one"]).1.unwrap();
        sim.crash(Loss::Any);
        // The sync of "two" fails. The page cache goes on showing it; what of it is on the medium is chance.
        sim.disk().inject(Fault::on(Kind::Sync).of("0000000000000001.wal").once());
        let (_, failed) = process(&sim, Durability::Commit, &[b"two"]);
        assert!(matches!(failed, Err(StorageError::Poisoned { operation: "sync", .. })), "{failed:?}");
        assert_eq!(sim.disk().faults_hit(), 1);
        // The process ends, the machine runs on: the next one takes what it sees, or not, and acknowledges more.
        sim.kill();
        sim.disk().heal();
        let (seen, done) = process(&sim, Durability::Commit, &[b"three"]);
        done.unwrap();
        assert_eq!(seen[0], b"one");
        shown += seen.len() - 1;
        // Now the cache goes: what the second process had seen and built upon must be there.
        sim.crash(Loss::Everything);
        let (then, report) = process(&sim, Durability::Commit, &[]);
        assert_eq!((then, report.unwrap().cut), ([seen, vec![b"three".to_vec()]].concat(), None), "seed {seed}");
    }
    assert_eq!(shown, 100, "the cache always shows it, or this test shows nothing");
}
