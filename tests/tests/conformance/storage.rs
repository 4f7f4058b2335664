//! The rules of the storage, each in the smallest scenario that shows it from outside. What is finer is in the runtime's
//! `storage::wal::tests`, `storage::arena::tests` and `storage::checkpoint::tests`, and swept in `crash`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use factum::prelude::*;
use factum::{Blob, Builder, Error, StorageError};

use crate::machine::{Machine, outcome};
use crate::world::{Oops, World, acts};

/// The log's frames begin at multiples of this, behind a header of as much.
const BLOCK: usize = 4096;
/// The bytes of a frame's header.
const FRAME_HEADER: usize = 36;

#[saga(app = World)]
async fn echo(what: String) -> usize {
    acts(&what).await;
    what.len()
}

#[step]
async fn pack(io: &mut Io<World>, n: u8) -> Result<Blob, Oops> {
    io.put(bytes(n)).await.map_err(|error| Oops::Failed(error.to_string()))
}

#[saga(app = World)]
async fn packs(n: u8) -> Result<Blob, Oops> {
    let blob = pack(n).await?;
    acts("packed").await;
    Ok(blob)
}

fn bytes(n: u8) -> Vec<u8> {
    (0..9_000u32).map(|i| (i as u8).wrapping_mul(31).wrapping_add(n)).collect()
}

fn with(builder: Builder<World>) -> Builder<World> {
    builder.saga(echo).saga(packs)
}

/// What a run of [`echo`] with this number says.
fn said(n: usize) -> String {
    format!("{n} {}", "x".repeat(2_000))
}

/// The last file of the log with frames in it, and where its first and its last frame begin.
fn frames(m: &Machine) -> (PathBuf, usize, usize) {
    for file in m.files(".wal").into_iter().rev() {
        let contents = m.read(&file);
        let mut at = BLOCK;
        let mut begins = Vec::new();
        while let Some(len) = contents.get(at + 4..at + 8) {
            let len = u32::from_le_bytes(len.try_into().unwrap()) as usize;
            if len == 0 {
                break;
            }
            begins.push(at);
            at += (FRAME_HEADER + len).next_multiple_of(BLOCK);
        }
        if begins.len() > 2 {
            return (file, begins[0], begins[begins.len() - 1]);
        }
    }
    panic!("there are no frames: {:?}", m.files(""));
}

/// Changes a byte of a file; gives what it held before.
fn change(m: &Machine, file: &Path, at: usize, by: impl Fn(u8) -> u8) -> Vec<u8> {
    let before = m.read(file);
    let mut contents = before.clone();
    contents[at] = by(contents[at]);
    m.write(file, contents);
    before
}

/// Some runs that have ended, and a crash.
async fn furnish(m: &Machine) {
    let engine = m.open(with).await;
    for n in 0..6 {
        engine.run(echo(said(n))).id(format!("r{n}")).await.unwrap();
    }
    m.crash(engine).await;
}

pub async fn rule_14_where_the_arena_ends_is_recovered(m: &Machine) {
    let mut all = Vec::new();
    for n in 0..4 {
        let engine = m.open(with).await;
        m.world.hold_from("packed", usize::from(n) + 1);
        engine.start(packs(n)).id(format!("r{n}")).await.unwrap();
        m.world.happened("packed", usize::from(n) + 1).await;
        // What the step has put is committed, and nobody tells the arena goodbye.
        m.crash(engine).await;
        m.world.let_go("packed");
        let engine = m.open(with).await;
        all.push(engine.run(packs(n)).id(format!("r{n}")).await.unwrap());
        for (n, blob) in (0u8..).zip(&all) {
            assert_eq!(**blob, bytes(n), "nothing was put over it");
        }
        m.crash(engine).await;
    }
    let engine = m.open(with).await;
    for n in 0..4 {
        assert_eq!(*engine.run(packs(n)).id(format!("r{n}")).await.unwrap(), bytes(n));
    }
    engine.shutdown().await.unwrap();
}

pub async fn rule_15_a_torn_tail_is_cut_and_told_and_damage_elsewhere_is_an_error(m: &Machine) {
    furnish(m).await;
    let (file, first, last) = frames(m);
    // In the middle: an error that says where, and nothing is changed by it.
    let before = change(m, &file, first + BLOCK / 8, |byte| !byte);
    match m.try_open(with).await {
        Err(Error::Storage(StorageError::Damaged { .. })) => {}
        other => panic!("{other:?}"),
    }
    m.write(&file, before);
    // At the end: the last frame never came to be whole.
    change(m, &file, last + FRAME_HEADER, |byte| !byte);
    let engine = m.open(with).await;
    assert!(engine.open_report().cut.is_some(), "{:?}", engine.open_report());
    for n in 0..6 {
        assert_eq!(engine.run(echo(said(n))).id(format!("r{n}")).await.unwrap(), said(n).len());
    }
    for n in 0..5 {
        assert_eq!(m.world.count(&said(n)), 1, "all but the last were whole");
    }
    engine.run(echo(said(6))).id("r6").await.unwrap();
    m.crash(engine).await;
    // What was appended after the cut is read by the next one.
    let engine = m.open(with).await;
    assert!(engine.open_report().cut.is_none(), "{:?}", engine.open_report());
    assert_eq!(engine.run(echo(said(6))).id("r6").await.unwrap(), said(6).len());
    assert_eq!(m.world.count(&said(6)), 1);
    engine.shutdown().await.unwrap();
}

pub async fn rule_16_the_checksum_covers_everything(m: &Machine) {
    furnish(m).await;
    let (file, first, _) = frames(m);
    // The header of a frame and those of its first records, kinds and flags included.
    for at in (0..FRAME_HEADER + 60).step_by(3) {
        let before = change(m, &file, first + at, |byte| byte ^ 1);
        match m.try_open(with).await {
            Err(Error::Storage(StorageError::Damaged { .. })) => {}
            other => panic!("byte {at}: {other:?}"),
        }
        m.write(&file, before);
    }
    let engine = m.open(with).await;
    assert!(matches!(outcome(&engine, echo, "r0").await, Outcome::Completed(_)));
    engine.shutdown().await.unwrap();
}

/// Many runs over small segments, with a checkpoint at every turn.
fn small(builder: Builder<World>) -> Builder<World> {
    with(builder).segment_bytes(64 << 10).checkpoint_interval(Duration::from_millis(5))
}

pub async fn rule_18_what_is_cleaned_up_is_somewhere_else_before(m: &Machine) {
    let mut told = 0;
    for _ in 0..4 {
        let engine = m.open(small).await;
        for _ in 0..20 {
            engine.run(echo(said(told))).id(format!("r{told}")).await.unwrap();
            told += 1;
        }
        m.crash(engine).await;
    }
    let engine = m.open(small).await;
    for n in 0..told {
        assert_eq!(engine.run(echo(said(n))).id(format!("r{n}")).await.unwrap(), said(n).len());
        assert_eq!(m.world.count(&said(n)), 1);
    }
    assert!(engine.stats().applied.0 > 0, "something has left the log");
    // Far more was written than the log holds.
    let held: usize = m.files(".wal").iter().map(|file| m.read(file).len()).sum();
    assert!(held < told * 3 * 4096, "{held} bytes for {told} runs");
    engine.shutdown().await.unwrap();
}

pub async fn rule_19_a_new_segment_is_known_before_anything_in_it_is(m: &Machine) {
    let mut told = 0;
    for _ in 0..8 {
        let engine = m.open(small).await;
        // Until the log has gone on to another file.
        let begun = m.files(".wal");
        while m.files(".wal") == begun {
            drop(engine.start(echo(said(told))).id(format!("r{told}")).await.unwrap());
            told += 1;
        }
        m.crash(engine).await;
        let engine = m.open(small).await;
        for n in 0..told {
            assert!(engine.attach(echo, format!("r{n}")).await.is_ok(), "r{n} of {told} was acknowledged");
        }
        m.crash(engine).await;
    }
}

pub async fn rule_20_the_lock_comes_first(m: &Machine) {
    let engine = m.open(with).await;
    engine.run(echo(said(0))).id("r0").await.unwrap();
    for _ in 0..3 {
        let before: Vec<_> = m.files(".wal").iter().map(|file| (file.clone(), m.read(file))).collect();
        match with(m.builder()).open().await {
            Err(Error::Storage(StorageError::DirectoryInUse { .. })) => {}
            other => panic!("{other:?}"),
        }
        let after: Vec<_> = m.files(".wal").iter().map(|file| (file.clone(), m.read(file))).collect();
        assert!(before == after, "the second one has changed something");
    }
    engine.run(echo(said(1))).id("r1").await.unwrap();
    engine.shutdown().await.unwrap();
    let engine = m.open(with).await;
    assert!(matches!(outcome(&engine, echo, "r1").await, Outcome::Completed(_)));
    engine.shutdown().await.unwrap();
}

pub async fn rule_21_a_length_from_a_file_is_bounded_before_it_is_used(m: &Machine) {
    furnish(m).await;
    let (file, first, last) = frames(m);
    let before = m.read(&file);
    // The length of a frame, the count of its records, and all that stands in the first record.
    let places = [4, 32].into_iter().chain((FRAME_HEADER..FRAME_HEADER + 40).step_by(4));
    for at in places {
        let mut contents = before.clone();
        contents[first + at..first + at + 4].fill(0xff);
        m.write(&file, contents);
        match m.try_open(with).await {
            Err(Error::Storage(StorageError::Damaged { .. })) => {}
            other => panic!("{at}: {other:?}"),
        }
    }
    // In the last frame it is a tail that was torn.
    let mut contents = before;
    contents[last + 4..last + 8].fill(0xff);
    m.write(&file, contents);
    let engine = m.open(with).await;
    assert!(matches!(outcome(&engine, echo, "r0").await, Outcome::Completed(_)));
    engine.shutdown().await.unwrap();
}

pub async fn rule_23_durable_means_synced(m: &Machine) {
    let engine = m.open(with).await;
    m.log_syncs();
    for n in 0..10 {
        let before = engine.stats().syncs;
        drop(engine.start(echo(said(n))).id(format!("r{n}")).await.unwrap());
        assert!(engine.stats().syncs > before, "an acknowledgement without a sync");
        // What is counted is done, where that can be seen.
        if let Some(syncs) = m.log_syncs() {
            assert!(syncs > 0, "a sync that is none");
        }
    }
    engine.shutdown().await.unwrap();
}
