//! Programs that are run, and what they answer.

use factum::prelude::*;
use factum::process::{ProcessError, ProcessRequest, Processes};
use factum::{Builder, Transport};

use super::{alone, stands_in};
use crate::world::{Oops, World, builder};

fn failed(error: impl std::fmt::Display) -> Oops {
    Oops::Failed(error.to_string())
}

/// The shell, and nothing else.
pub fn shell() -> Processes {
    Processes::new().allow("sh", "/bin/sh")
}

/// What the shell does with a line.
pub fn line(line: impl Into<String>) -> ProcessRequest {
    ProcessRequest::new("sh").arg("-c").arg(line)
}

/// Runs a line in each of three attempts.
#[step(retry(attempts = 3, initial = "1ms"))]
async fn run(io: &mut Io<World>, script: String) -> Result<(i32, String, usize), Oops> {
    let request = line(script).stdin("planted-input").secret_env("TOKEN", "planted-token");
    let answer = io.call(io.transport::<Processes>().map_err(failed)?, request).await.map_err(failed)?;
    io.app().act(format!("{} {}", answer.code(), answer.text().map_err(failed)?.len()));
    let stdout = answer.text().map_err(failed)?;
    if io.attempt() < 3 { Err(Oops::Later) } else { Ok((answer.code(), stdout.to_owned(), answer.stderr().len())) }
}

#[saga(app = World)]
async fn runs(script: String) -> Result<(i32, String, usize), Oops> {
    run(script).await
}

fn running(dir: &std::path::Path, world: &World) -> Builder<World> {
    builder(dir, world).saga(runs).transport(shell())
}

#[tokio::test]
async fn an_exit_code_is_an_answer_and_a_program_is_run_once_for_all_attempts() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = running(dir.path(), &world).open().await.unwrap();
    let mark = dir.path().join("mark");
    let mark = mark.display();
    let script = format!("echo ran >> {mark}; cat {mark}; cat; echo bad >&2; exit 3");
    let answer = engine.run(runs(script)).id("a").await.unwrap();
    assert_eq!(answer, (3, "ran\nplanted-input".to_owned(), 4));
    assert_eq!(world.done(), ["3 17", "3 17", "3 17"]);
    // Large output stands in the arena.
    let before = engine.stats().blobs;
    let (code, stdout, stderr) = engine.run(runs("printf '%070000d' 0".to_owned())).id("b").await.unwrap();
    assert_eq!((code, stdout.len(), stderr), (0, 70_000, 0));
    assert!(engine.stats().blobs > before, "{:?}", engine.stats());
    engine.shutdown().await.unwrap();
    assert!(!stands_in(dir.path(), "planted-token"));
    assert!(stands_in(dir.path(), "planted-input"), "what a program reads is recorded");
}

#[tokio::test]
async fn the_environment_has_what_was_given_and_nothing_else() {
    // Every process of a test has some of these.
    assert!(std::env::vars().count() > 1);
    let shell = shell().allow("env", "/usr/bin/env").env("OURS", "1").env("BOTH", "ours");
    let request = ProcessRequest::new("env").env("MINE", "2").env("BOTH", "mine").secret_env("HIDDEN", "3");
    let answer = shell.call(&request, &alone()).await.unwrap();
    let mut lines: Vec<&str> = answer.text().unwrap().lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["BOTH=mine", "HIDDEN=3", "MINE=2", "OURS=1"]);
    let none = Processes::new().allow("env", "/usr/bin/env");
    assert_eq!(none.call(&ProcessRequest::new("env"), &alone()).await.unwrap().stdout(), b"");
}

#[test]
fn what_is_never_recorded_of_a_program_still_tells_it_from_others() {
    let ask = || ProcessRequest::new("sh");
    let all = [
        shell().withheld(&ask()),
        shell().withheld(&ask().secret_env("A", "1")),
        shell().withheld(&ask().secret_env("A", "2")),
        shell().withheld(&ask().secret_env("A2", "")),
        shell().env("A", "1").withheld(&ask()),
        shell().env("A", "1").withheld(&ask().secret_env("A", "1")),
        shell().dir("/tmp").withheld(&ask()),
        shell().allow("sh", "/elsewhere/sh").withheld(&ask()),
    ];
    for (at, one) in all.iter().enumerate() {
        assert_eq!(all.iter().position(|other| other == one), Some(at), "two are taken for one");
    }
    assert_eq!(shell().withheld(&ask().arg("a").env("A", "1").stdin("x")), shell().withheld(&ask()));
}

#[tokio::test]
async fn a_program_starts_where_it_is_told_to_and_reads_nothing_unless_it_is_given_something() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap();
    let answer = shell().dir(&path).call(&line("pwd -P; cat"), &alone()).await.unwrap();
    assert_eq!(answer.text().unwrap().trim_end(), path.to_str().unwrap());
    // One that does not read what it is given has not failed.
    let answer = shell().call(&line("exit 0").stdin(vec![b'x'; 1 << 20]), &alone()).await.unwrap();
    assert!(answer.is_success());
    let bytes: Vec<u8> = (0..=255).collect();
    let answer = shell().call(&line("cat").stdin(bytes.clone()), &alone()).await.unwrap();
    assert_eq!(answer.stdout(), bytes);
    answer.text().unwrap_err();
}

#[tokio::test]
async fn what_is_not_on_the_list_or_cannot_be_started_is_known_not_to_have_run() {
    let dir = tempfile::tempdir().unwrap();
    let plain = dir.path().join("plain");
    std::fs::write(&plain, "no program").unwrap();
    let list = shell()
        .allow("relative", "bin/sh")
        .allow("missing", dir.path().join("missing"))
        .allow("plain", plain)
        .allow("dir", dir.path());
    for (name, told) in [
        ("/bin/sh", "is not allowed"),
        ("bash", "is not allowed"),
        ("relative", "a path that is relative"),
        ("missing", "cannot be started"),
        ("plain", "cannot be started"),
        ("dir", "cannot be started"),
    ] {
        let error = list.call(&ProcessRequest::new(name), &alone()).await.unwrap_err();
        assert!(!error.is_unknown() && error.to_string().contains(told), "{error}");
    }
    let error = list.call(&line("exit 0").arg("a\0b"), &alone()).await.unwrap_err();
    assert!(matches!(error, ProcessError::Start { .. }) && !error.is_unknown(), "{error}");
    let nowhere = list.dir(dir.path().join("missing")).call(&line("exit 0"), &alone()).await.unwrap_err();
    assert!(!nowhere.is_unknown(), "{nowhere}");
}

#[tokio::test]
async fn a_program_that_a_signal_ends_has_no_answer_and_nobody_knows_what_it_did() {
    let error = shell().call(&line("kill -9 $$"), &alone()).await.unwrap_err();
    assert!(matches!(error, ProcessError::Killed { signal: 9, .. }) && error.is_unknown(), "{error}");
}
