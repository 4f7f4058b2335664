//! Files that are not as they were written.

use super::*;

/// What the two header slots and the stamp take, and a page with its checksum.
const PAGES_AT: usize = 3 * 4096;
const STRIDE: usize = 4096 + 4;

/// The bytes of a closed store, and what it holds.
fn sound() -> (Vec<u8>, Contents) {
    let bench = Bench::new();
    let store = bench.open().unwrap();
    for n in 1..=12 {
        now(store.apply(batch(n), Lsn(n * 100))).unwrap();
    }
    let all = contents(&store).unwrap();
    drop(store);
    (bench.bytes(), all)
}

/// Opens a damaged file, reads all of it, and applies one more batch; says whether the damage was seen. A wrong answer
/// is a failure.
fn is_seen(bytes: &[u8], expected: &Contents, what: &str) -> bool {
    let bench = Bench::holding(bytes);
    let named = |error: CheckpointError| match error {
        CheckpointError::Damaged { file, offset, expected, found } => {
            assert_eq!(file, Bench::path());
            assert!(offset <= bytes.len() as u64 + STRIDE as u64, "{what}: offset {offset}");
            assert_ne!(expected, found, "{what}");
        }
        CheckpointError::ForeignFile { .. } | CheckpointError::OtherDirectory { .. } => {}
        other => panic!("{what}: {other:?}"),
    };
    let store = match bench.open() {
        Ok(store) => store,
        Err(error) => {
            named(error);
            assert_ne!(bench.verify(), [], "{what}: seen when opened, and not by verify");
            return true;
        }
    };
    match contents(&store) {
        Ok(found) => assert_eq!(found, *expected, "{what}: a wrong answer"),
        Err(error) => {
            named(error);
            assert_ne!(bench.verify(), [], "{what}: seen when read, and not by verify");
            return true;
        }
    }
    match now(store.apply(batch(13), Lsn(1300))) {
        Ok(()) => {
            assert_eq!(contents(&store).unwrap(), histories(13)[13], "{what}: a wrong answer after a batch");
            false
        }
        Err(error) => {
            named(error);
            true
        }
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "how many flips were tried is what this test shows")]
fn a_flipped_bit_is_seen_or_harmless() {
    let (bytes, expected) = sound();
    let mut dice = Dice(7);
    // Some in the stamp, many in the slots of the header, and one or two in each page.
    let mut flips: Vec<usize> = (0..40).map(|_| dice.below(64 * 8)).collect();
    flips.extend((0..4).map(|_| dice.below(4096 * 8)));
    flips.extend((0..80).map(|_| (4096 + dice.below(8192)) * 8 + dice.below(8)));
    flips.extend((0..400).map(|n| (4096 * (1 + n % 2) + n) * 8 + dice.below(8)));
    let used = |page: &[u8]| page.iter().any(|byte| *byte != 0);
    for (page, contents) in bytes[PAGES_AT..].chunks(STRIDE).enumerate().filter(|(_, page)| used(page)) {
        let at = (PAGES_AT + page * STRIDE) * 8;
        flips.push(at + dice.below(contents.len() * 8));
        flips.push(at + 4096 * 8 + dice.below(32)); // the checksum
    }
    let mut seen = 0;
    for &bit in &flips {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        seen += usize::from(is_seen(&flipped, &expected, &format!("bit {bit}")));
    }
    println!("{} flips were tried, {seen} were seen, the others harmless", flips.len());
    assert!(flips.len() > 500 && seen > 40);
}

#[test]
fn a_flip_in_one_slot_of_the_header_takes_nothing() {
    let (bytes, expected) = sound();
    for at in [4096 + 20, 8192 + 20] {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1;
        assert_eq!(contents(&Bench::holding(&flipped).open().unwrap()).unwrap(), expected);
        let problems = Bench::holding(&flipped).verify();
        assert_eq!(problems.iter().map(|p| p.offset as usize / 4096 * 4096).collect::<Vec<_>>(), [at / 4096 * 4096]);
    }
    let mut both = bytes;
    both[4096 + 20] ^= 1;
    both[8192 + 20] ^= 1;
    let error = Bench::holding(&both).open().unwrap_err();
    assert!(matches!(error, CheckpointError::Damaged { offset: 4096, .. }), "{error:?}");
}

#[test]
fn a_flip_in_the_newest_header_of_a_store_that_was_not_closed_takes_nothing_acknowledged() {
    let bench = Bench::new();
    let store = bench.open().unwrap();
    for n in 1..=5 {
        now(store.apply(batch(n), Lsn(n * 100))).unwrap();
    }
    let expected = contents(&store).unwrap();
    bench.disk.power_loss(&mut Dice(0), Loss::Everything);
    for at in [4096, 8192] {
        let mut flipped = bench.bytes();
        flipped[at + 1000] ^= 4;
        assert_eq!(contents(&Bench::holding(&flipped).open().unwrap()).unwrap(), expected);
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "how many cuts were tried is what this test shows")]
fn a_file_that_was_cut_is_seen_or_harmless() {
    let (bytes, expected) = sound();
    let pages = (bytes.len() - PAGES_AT) / STRIDE;
    let mut cuts: Vec<usize> = vec![0, 1, 15, 16, 100, 4095, 4096, 5000, 8192, 10_000];
    cuts.extend((0..=pages).filter(|page| page % 5 == 0).map(|page| PAGES_AT + page * STRIDE));
    cuts.extend([3, 40, pages - 1].map(|page| PAGES_AT + page * STRIDE + 77));
    let seen = cuts.iter().filter(|&&cut| is_seen(&bytes[..cut], &expected, &format!("cut at {cut}"))).count();
    println!("{} cuts were tried, {seen} were seen, the others harmless", cuts.len());
    assert!(cuts.len() > 20 && seen > 20);
}

#[test]
fn zeros_are_seen() {
    let (bytes, expected) = sound();
    assert!(is_seen(&vec![0; bytes.len()], &expected, "nothing but zeros"));
    let mut from = PAGES_AT;
    while from < bytes.len() {
        let mut zeroed = bytes.clone();
        let end = (from + 200 * STRIDE).min(bytes.len());
        zeroed[from..end].fill(0);
        is_seen(&zeroed, &expected, &format!("zeros from {from} to {end}"));
        from += 100 * STRIDE;
    }
    let used = |page: &[u8]| page.iter().any(|byte| *byte != 0);
    for (page, _) in bytes[PAGES_AT..].chunks(STRIDE).enumerate().filter(|(_, page)| used(page)) {
        let mut zeroed = bytes.clone();
        zeroed[PAGES_AT + page * STRIDE..][..STRIDE].fill(0);
        is_seen(&zeroed, &expected, &format!("page {page} is zero"));
    }
}

#[test]
fn pages_that_changed_places_are_seen() {
    let (bytes, expected) = sound();
    let used = |page: &usize| bytes[PAGES_AT + page * STRIDE..][..STRIDE].iter().any(|byte| *byte != 0);
    let used: Vec<usize> = (0..(bytes.len() - PAGES_AT) / STRIDE).filter(used).collect();
    let mut seen = 0;
    for pair in used.windows(2) {
        let mut moved = bytes.clone();
        let [one, other] = [pair[0], pair[1]].map(|page| PAGES_AT + page * STRIDE);
        moved.copy_within(other..other + STRIDE, one);
        seen += usize::from(is_seen(&moved, &expected, &format!("page {} stands at {}", pair[1], pair[0])));
    }
    assert!(seen > 3, "only {seen} were seen");
}

#[test]
fn a_file_of_something_else_is_refused_by_name() {
    let (bytes, _) = sound();
    let refused = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut changed = bytes.clone();
        change(&mut changed);
        let bench = Bench::holding(&changed);
        assert_ne!(bench.verify(), []);
        let error = bench.open().unwrap_err();
        assert!(bench.bytes() == changed, "what is refused is left as it is");
        error
    };
    let error = refused(&|bytes| bytes[..8].copy_from_slice(b"SQLite f"));
    assert!(matches!(error, CheckpointError::ForeignFile { found, .. } if found == *b"SQLite f"), "{error:?}");
    let error = refused(&|bytes| {
        bytes[8] = 2;
        let mut crc = crc32fast::Hasher::new();
        crc.update(&bytes[..12]);
        crc.update(&bytes[16..4096]);
        bytes[12..16].copy_from_slice(&crc.finalize().to_le_bytes());
    });
    assert!(matches!(error, CheckpointError::NewerFormat { found: 2, supported: 1, .. }), "{error:?}");
    let other = Uuid::from_u128(5);
    let error = Bench::holding(&bytes).open_as(other, CACHE).unwrap_err();
    let CheckpointError::OtherDirectory { expected, found, .. } = error else { panic!("{error:?}") };
    assert_eq!((expected, found), (other, UUID));
}

#[test]
fn verify_finds_nothing_in_a_sound_store_and_changes_nothing() {
    let (bytes, _) = sound();
    let bench = Bench::holding(&bytes);
    let fs: Arc<dyn Fs> = Arc::new(bench.disk.clone());
    let before = bench.disk.operations();
    assert_eq!(verify(&fs, &Bench::path(), UUID), []);
    assert_eq!(bench.disk.operations(), before);
    assert!(bench.bytes() == bytes);
}

#[test]
fn verify_lists_every_damaged_page_with_its_offset() {
    let (mut bytes, _) = sound();
    let used = |page: &[u8]| page.iter().any(|byte| *byte != 0);
    let chunks = bytes[PAGES_AT..].chunks(STRIDE).enumerate().filter(|(_, page)| used(page));
    let damaged: Vec<usize> = chunks.map(|(page, _)| PAGES_AT + page * STRIDE).collect();
    damaged.iter().for_each(|at| bytes[at + 5] ^= 0x10);
    let offsets: Vec<usize> = Bench::holding(&bytes).verify().iter().map(|problem| problem.offset as usize).collect();
    assert_eq!(offsets, damaged);
}

#[test]
fn nonsense_with_a_right_checksum_is_an_error_and_no_panic() {
    let (bytes, expected) = sound();
    let used = |page: &[u8]| page.iter().any(|byte| *byte != 0);
    let mut refused = 0;
    for (page, contents) in bytes[PAGES_AT..].chunks(STRIDE).enumerate().filter(|(_, page)| used(page)) {
        for nonsense in [vec![0; 4096], vec![0xff; 4096], contents[..4096].iter().rev().copied().collect()] {
            let mut crc = crc32fast::Hasher::new();
            for part in [UUID.as_bytes(), &(page as u64 + 1).to_le_bytes()[..], &nonsense] {
                crc.update(part);
            }
            let mut forged = bytes.clone();
            let at = PAGES_AT + page * STRIDE;
            forged[at..at + 4096].copy_from_slice(&nonsense);
            forged[at + 4096..at + STRIDE].copy_from_slice(&crc.finalize().to_le_bytes());
            let bench = Bench::holding(&forged);
            let seen = bench.open().and_then(|store| super::contents(&store));
            refused += usize::from(seen.is_err());
            if seen.is_ok_and(|seen| seen != expected) {
                assert_ne!(bench.verify(), [], "page {page}: a wrong answer that verify does not see");
            }
        }
    }
    assert!(refused > 10, "only {refused} were refused");
}
