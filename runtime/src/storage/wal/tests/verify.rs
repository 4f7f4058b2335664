//! What an inspection finds, and that it changes nothing.

use super::*;

fn inspect(bench: &Bench, applied: u64) -> Verified {
    let shown = |bench: &Bench| -> Vec<(PathBuf, Option<Vec<u8>>)> {
        bench.memory.raw().list().into_iter().map(|path| (path.clone(), bench.memory.raw().read(path))).collect()
    };
    let (before, operations) = (shown(bench), bench.memory.operations());
    let verified = verify(bench.platform.fs.clone(), &bench.dir, Lsn(applied));
    assert!(before == shown(bench) && operations == bench.memory.operations(), "an inspection has changed something");
    verified
}

/// The problems as file names and offsets.
fn places(verified: &Verified) -> Vec<(String, u64)> {
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    verified.problems.iter().map(|problem| (name(&problem.file), problem.offset)).collect()
}

fn wal(first: u64) -> String {
    format!("{first:016x}.wal")
}

/// Three segments of two records, closed or not.
async fn six(clean: bool) -> Bench {
    let big: Vec<Vec<u8>> = (1..=6).map(|i| vec![i; 25_000]).collect();
    let bench = Bench::with_frames(&big.iter().map(Vec::as_slice).collect::<Vec<_>>()).await;
    if clean {
        bench.close().await;
    }
    bench
}

#[tokio::test]
async fn a_sound_log_has_no_problems() {
    for clean in [false, true] {
        let bench = six(clean).await;
        for applied in 0..=6 {
            let verified = inspect(&bench, applied);
            assert_eq!((places(&verified), verified.cut, verified.last_lsn), (vec![], None, Lsn(6)));
            assert_eq!(verified.records, [6, 6, 4, 4, 2, 2, 2][usize::try_from(applied).unwrap()]);
        }
    }
    let empty = Bench::new();
    empty.close().await;
    assert_eq!(inspect(&empty, 0), Verified::default());
}

#[tokio::test]
async fn every_problem_is_told_and_what_is_behind_it_is_read() {
    let bench = six(true).await;
    // Two damaged frames in one segment with an intact one behind each, damaged padding, and an entry of others.
    let small = Bench::with_frames(&[b"one", b"two", b"three", b"four", b"five"]).await;
    small.close().await;
    small.change(&small.segment(1), |bytes| {
        bytes[4096 + 60] ^= 1;
        bytes[3 * 4096 + 60] ^= 1;
        bytes[4 * 4096 + 4000] ^= 1;
        bytes[7 * 4096] ^= 1;
    });
    small.write(&small.dir.join("wal/notes"), b"");
    let verified = inspect(&small, 0);
    let first = wal(1);
    let at = |offset| (first.clone(), offset);
    assert_eq!(places(&verified), [("notes".to_owned(), 0), at(4096), at(3 * 4096), at(4 * 4096 + 4000), at(7 * 4096)]);
    assert_eq!(verified.records, 2, "the second and the fifth; the fourth has damaged padding");

    // One problem in each of several files.
    bench.change(&bench.segment(1), |bytes| bytes[20] ^= 1);
    bench.change(&bench.segment(3), |bytes| bytes[4096 + 100] ^= 1);
    bench.change(&bench.segment(5), |bytes| bytes.truncate(5000));
    bench.change(&bench.manifest(), |bytes| bytes[20] ^= 1);
    let verified = inspect(&bench, 0);
    assert_eq!(places(&verified), [("MANIFEST".to_owned(), 12), (wal(1), 12), (wal(3), 4096), (wal(5), 32)]);
    assert_eq!(verified.records, 1, "the other one of the second segment");
    assert!(verified.problems[2].to_string().contains("at offset 4096: expected a frame with the checksum"));
}

#[tokio::test]
async fn a_torn_tail_is_told_apart_from_a_problem() {
    let bench = Bench::with_frames(&[b"one", b"two"]).await;
    bench.change(&bench.segment(1), |bytes| bytes[8192 + 60] ^= 1);
    let verified = inspect(&bench, 0);
    assert_eq!((places(&verified), verified.records), (vec![], 1));
    let cut = verified.cut.unwrap();
    assert_eq!((cut.file, cut.offset, cut.first_lsn), (bench.segment(1), 8192, Lsn(2)));
    assert_eq!(places(&inspect(&bench, 2)), [(wal(1), 8192)], "the checkpoint has it");
}

#[tokio::test]
async fn what_is_missing_or_does_not_fit_the_checkpoint_is_told() {
    let bench = six(true).await;
    assert_eq!(places(&inspect(&bench, 7)), [("wal".to_owned(), 0)], "the log ends before the checkpoint");
    bench.platform.fs.remove(&bench.segment(3)).unwrap();
    assert_eq!(places(&inspect(&bench, 0)), [(wal(3), 0)]);
    bench.platform.fs.remove(&bench.segment(1)).unwrap();
    assert_eq!(places(&inspect(&bench, 2)), [(wal(5), 0)], "the checkpoint is older than the log");
    assert_eq!(places(&inspect(&bench, 4)), []);
    bench.platform.fs.remove(&bench.manifest()).unwrap();
    assert_eq!(places(&inspect(&bench, 4)), [("MANIFEST".to_owned(), 0)]);
}

#[tokio::test]
async fn what_an_open_refuses_is_a_problem_and_nothing_else_is() {
    for clean in [false, true] {
        let bench = Bench::with_frames(&[b"one", b"two", b"three"]).await;
        if clean {
            bench.close().await;
        }
        let whole = bench.memory.fork();
        let mut refused = 0;
        let files = [(bench.manifest(), 64), (bench.segment(1), 5 * 4096)];
        for (file, len) in files {
            for bit in (0..len * 8).step_by(53) {
                let fork = whole.fork();
                fork.raw().flip(&file, bit);
                let forked = Bench::over(bench.dir.clone(), Arc::new(fork.clone()), |_| Arc::new(fork));
                let verified = inspect(&forked, 0);
                match forked.open() {
                    Ok(Opened { wal, report, .. }) => {
                        assert_eq!(verified.problems, [], "bit {bit} of {}", file.display());
                        assert_eq!(verified.cut, report.cut, "bit {bit} of {}", file.display());
                        wal.abandon().await;
                    }
                    Err(error) => {
                        assert!(!verified.problems.is_empty(), "bit {bit} of {}: {error}", file.display());
                        refused += 1;
                    }
                }
            }
        }
        assert!(refused > 1500, "{refused}");
    }
}
