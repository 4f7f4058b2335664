//! Data directories that were spoiled.

use std::collections::HashSet;
use std::path::PathBuf;

use super::directory::{Files, Line, Opened, Valid, disk_of};
use super::forged::{forge, is_forged};
use super::input::Input;
use crate::id::Position;
use crate::platform::sim::Dice;
use crate::record::Event;
use crate::storage::StorageError;

/// So many changes are made at most.
const CHANGES: usize = 12;

/// Spoils a valid data directory as the bytes say, and opens it.
///
/// # Panics
/// When what is replayed is not the beginning of what was written, when a blob has other bytes, when what was opened
/// does not open again with the same records: each unless checksums were forged.
pub fn recovery(bytes: &[u8]) {
    let mut input = Input(bytes);
    let valid = Valid::of(input.byte().is_multiple_of(2));
    let mut files = valid.files.clone();
    for _ in 0..CHANGES {
        if input.is_empty() || files.is_empty() {
            break;
        }
        change(&mut files, &mut input);
    }
    let changed = files.iter().filter(|(path, bytes)| valid.files.get(*path) != Some(bytes));
    let forged = changed.into_iter().any(|(_, bytes)| is_forged(bytes, &valid.genuine));
    let disk = disk_of(&files);
    let opened = match Opened::open(&disk) {
        Ok(opened) => opened,
        Err(error) => return refused(&error, forged),
    };
    let mut lines = opened.lines();
    if !forged {
        check(&opened, &lines, valid);
        lines.push(opened.put(Event::TimerFired { at: Position::root(0) }));
    }
    opened.close(false);
    disk.crash(&mut Dice(bytes.len() as u64));
    match Opened::open(&disk) {
        Ok(again) if !forged => {
            assert_eq!(again.lines(), lines, "what was opened and written to opens again otherwise");
            assert_eq!(again.report.cut, None, "what was cut came back");
        }
        Err(error) if !forged => panic!("what was opened does not open again: {error}"),
        _ => {}
    }
}

/// One change of the files.
fn change(files: &mut Files, input: &mut Input<'_>) {
    let names: Vec<PathBuf> = files.keys().cloned().collect();
    let name = names[input.below(names.len())].clone();
    let what = input.below(10);
    let Some(file) = files.get_mut(&name) else { return };
    match what {
        // Anywhere,
        0 => {
            let at = input.pair();
            overwrite(file, at, input);
        }
        // and where fields are.
        1 => {
            let at = input.below(17) * 4096 + input.below(128);
            overwrite(file, at, input);
        }
        2 => {
            let at = input.pair();
            if let Some(byte) = file.get_mut(at) {
                *byte ^= 1 << input.below(8);
            }
        }
        3 => file.truncate(input.pair()),
        4 => {
            let (at, len) = (input.pair(), input.pair());
            file.iter_mut().skip(at).take(len).for_each(|byte| *byte = 0);
        }
        5 => drop(files.remove(&name)),
        6 => {
            let other = names[input.below(names.len())].clone();
            let bytes = file.clone();
            files.insert(other, bytes);
        }
        7 => {
            let bytes = file.clone();
            let (stem, ending) = (input.below(32), ["wal", "arena", "new"][input.below(3)]);
            let dir = if ending == "arena" { "arena" } else { "wal" };
            files.insert(format!("{dir}/{stem:016x}.{ending}").into(), bytes);
        }
        8 => {
            let (from, to) = (input.below(17) * 4096, input.below(17) * 4096);
            let block = file.get(from..).unwrap_or_default().iter().copied().take(4096).collect::<Vec<u8>>();
            file.iter_mut().skip(to).zip(block).for_each(|(byte, other)| *byte = other);
        }
        _ => forge(file),
    }
}

fn overwrite(file: &mut [u8], at: usize, input: &mut Input<'_>) {
    let len = input.below(64);
    let bytes = input.take(len);
    file.iter_mut().skip(at).zip(bytes).for_each(|(byte, other)| *byte = *other);
}

/// That what was opened holds nothing but what was written.
fn check(opened: &Opened, lines: &[Line], valid: &Valid) {
    assert!(valid.lines.starts_with(lines), "replayed what was not written");
    assert_eq!(opened.report.last_lsn.0, lines.len() as u64);
    let named: HashSet<u64> = opened
        .entries
        .iter()
        .flat_map(|entry| entry.event.payloads())
        .flat_map(|p| p.named())
        .map(|at| at.id)
        .collect();
    for id in named {
        match opened.arena.get(id) {
            Ok(blob) => assert_eq!(Some(&*blob), valid.blobs.get(&id).map(Vec::as_slice), "blob {id}"),
            Err(error) => refused(&error, false),
        }
    }
}

/// That an error is a named one: nothing is wrong with the disk.
fn refused(error: &StorageError, forged: bool) {
    assert!(!error.to_string().is_empty());
    let of_the_disk = matches!(error, StorageError::Io { .. } | StorageError::Poisoned { .. } | StorageError::Closed);
    assert!(forged || !of_the_disk, "not a fault of the files: {error}");
}
