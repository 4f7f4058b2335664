//! Killed at every bad moment and at any other, the program comes to its end.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test panics where it fails, and prints its seed")]

mod common;

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{Input, command, import, text};

/// How many times it is killed at any moment.
const KILLS: u32 = 25;

/// A directory with a file that is worth its kills.
fn spoiled() -> (tempfile::TempDir, PathBuf, Input) {
    let (dir, input) = (tempfile::tempdir().unwrap(), Input::spoiled());
    let file = dir.path().join("in.jsonl");
    std::fs::write(&file, &input.text).unwrap();
    (dir, file, input)
}

#[test]
fn killed_in_every_page_it_imports_every_line_once() {
    for moment in ["half", "whole"] {
        let (dir, file, input) = spoiled();
        let arguments =
            ["--file", file.to_str().unwrap(), "--page-lines", "25", "--kill-after", "1", "--kill-at", moment];
        // The first page, and then in each process the one behind the next.
        let first = import(dir.path(), &[&arguments[..4], &["--kill-after", "0"], &arguments[6..]].concat());
        assert_eq!(first.status.signal(), Some(9), "{}", text(&first.stderr));
        let pages = input.lines().div_ceil(25);
        assert!(pages > 20, "{pages}");
        for page in 1..pages {
            let killed = import(dir.path(), &arguments);
            assert_eq!(killed.status.signal(), Some(9), "page {page}: {}", text(&killed.stderr));
        }
        let last = import(dir.path(), &arguments);
        input.is_imported(dir.path(), &last);
        let again = text(&last.stdout).contains("\npages that were in the table before their run knew: 1\n");
        assert_eq!(again, moment == "whole", "{}", text(&last.stdout));
    }
}

#[test]
fn killed_in_one_page_over_and_over_it_goes_on() {
    let (dir, file, input) = spoiled();
    let arguments = ["--file", file.to_str().unwrap(), "--kill-after", "0"];
    let mut last = String::new();
    // Ten crashes in a row are what the engine takes for the run's own fault.
    for crash in 1..=12 {
        let killed = import(dir.path(), &arguments);
        assert_eq!(killed.status.signal(), Some(9), "crash {crash}: {}", text(&killed.stderr));
        last += &text(&killed.stdout);
    }
    assert!(last.contains("found an import that has taken its process down too often: it tries again\n"), "{last}");
    input.is_imported(dir.path(), &import(dir.path(), &arguments[..2]));
}

#[test]
fn killed_at_any_moment_it_imports_every_line_once() {
    let seed = std::env::var("FACTUM_SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("FACTUM_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut kills = 0;
    for imports in 0.. {
        assert!(imports < 10, "{kills} kills only: it is faster than they are");
        let (dir, file, input) = spoiled();
        let arguments = ["--file", file.to_str().unwrap(), "--page-lines", "3", "--every", "0"];
        // Each gets a few pages further, of more than 180; one that is not killed in time ends the import.
        while kills < KILLS && killed_in_time(&mut command(dir.path(), &arguments), &mut random) {
            kills += 1;
        }
        input.is_imported(dir.path(), &import(dir.path(), &arguments));
        if kills == KILLS {
            println!("{kills} kills, {} lines, {} of them rejected", input.lines(), input.rejected());
            return;
        }
    }
}

/// Whether the kill came before the program's own end.
fn killed_in_time(command: &mut Command, random: &mut fastrand::Rng) -> bool {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let heard = random.usize(0..5);
    (0..heard).for_each(|_| drop(said.next()));
    // Without a word from it: anywhere in its beginning.
    let most = if heard == 0 { 20_000 } else { 1_000 };
    std::thread::sleep(Duration::from_micros(random.u64(0..most)));
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert!(status.success() || status.signal() == Some(9), "{status}");
    !status.success()
}
