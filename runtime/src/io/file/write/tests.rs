#![expect(clippy::disallowed_methods, reason = "what is tested here are files of the operating system")]

use std::fs;
use std::path::Path;

use super::*;
use crate::id::RunId;

fn call(attempt: u32) -> Call {
    Call { attempt, run_id: RunId::from("a"), ..Call::detached("a") }
}

fn names(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn the_next_attempt_removes_what_a_crash_left_and_nothing_else() {
    let root = tempfile::tempdir().unwrap();
    let of = |call: &Call, rest: &str| format!(".factum-{}-{rest}", call.key());
    let (ours, other) = (call(3), Call::detached("b"));
    let stay = [of(&ours, "3-999999"), of(&ours, "4-0"), of(&other, "1-0"), of(&ours, "x-0"), ".factum-1-0".to_owned()];
    let go = [of(&ours, "1-0"), of(&ours, "2-17")];
    for name in stay.iter().chain(&go) {
        fs::write(root.path().join(name), "half of i").unwrap();
    }
    let place = Place::find(root.path(), "a.txt", false).unwrap();
    write_whole(&place, b"all of it", &Beside::new(&ours), &AtomicBool::new(false)).unwrap();
    let mut wanted = stay.to_vec();
    wanted.push("a.txt".to_owned());
    wanted.sort();
    assert_eq!(names(root.path()), wanted);
    assert_eq!(fs::read(root.path().join("a.txt")).unwrap(), b"all of it");
}

#[test]
fn what_was_left_under_the_very_name_is_replaced() {
    let root = tempfile::tempdir().unwrap();
    let beside = Beside::new(&call(1));
    fs::write(root.path().join(beside.to_string()), "more than is written now").unwrap();
    let place = Place::find(root.path(), "a.txt", false).unwrap();
    write_whole(&place, b"all of it", &beside, &AtomicBool::new(false)).unwrap();
    assert_eq!(fs::read(root.path().join("a.txt")).unwrap(), b"all of it");
    assert_eq!(names(root.path()), ["a.txt"]);
}

#[test]
fn two_writers_of_one_call_do_not_share_a_file() {
    let (one, two) = (Beside::new(&call(1)), Beside::new(&call(1)));
    assert_ne!(one.to_string(), two.to_string());
}

#[test]
fn what_is_dropped_before_its_end_leaves_everything_as_it_was() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("a.txt"), "old").unwrap();
    let place = Place::find(root.path(), "a.txt", false).unwrap();
    write_whole(&place, b"new", &Beside::new(&call(1)), &AtomicBool::new(true)).unwrap();
    assert_eq!(fs::read(root.path().join("a.txt")).unwrap(), b"old");
    assert_eq!(names(root.path()), ["a.txt"]);
}

#[test]
fn what_is_dropped_before_it_removes_a_file_leaves_it() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("a.txt"), "of a later call").unwrap();
    let place = Place::find(root.path(), "a.txt", false).unwrap();
    remove(&place, &AtomicBool::new(true)).unwrap();
    assert_eq!(names(root.path()), ["a.txt"]);
    remove(&place, &AtomicBool::new(false)).unwrap();
    assert_eq!(names(root.path()), Vec::<String>::new());
}
