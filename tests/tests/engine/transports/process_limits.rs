//! Programs that do not end by themselves, and those that they leave behind.

use std::path::{Path, PathBuf};
use std::time::Duration;

use factum::prelude::*;
use factum::process::{ProcessError, ProcessRequest, Processes};
use factum::{Builder, CallError, Transport};
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat, openat};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe;

use super::alone;
use super::process::{line, shell};
use crate::world::{Oops, World, builder};

/// A pipe with a name: whoever has it open at one end is seen at the other.
fn named_pipe(dir: &Path, name: &str) -> PathBuf {
    let path = dir.join(name);
    mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    path
}

/// Reads what processes say, until as many lines have come.
async fn told(alive: &mut pipe::Receiver, lines: usize) {
    let mut said = 0;
    let mut byte = [0];
    while said < lines {
        // Until the first of them has opened it, there is nobody at the other end.
        match alive.read(&mut byte).await {
            Ok(0) => tokio::task::yield_now().await,
            Ok(_) => said += usize::from(byte[0] == b'\n'),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Completes when no process has the pipe open any more.
async fn all_gone(mut alive: pipe::Receiver) {
    let mut rest = Vec::new();
    alive.read_to_end(&mut rest).await.unwrap();
}

/// A shell and one more process, both in one group, that have a pipe open and never end.
fn forever(pipe: &Path) -> ProcessRequest {
    line(format!("exec 3>{}; (echo child >&3; exec sleep 1000) & echo parent >&3; wait", pipe.display()))
}

#[step]
async fn wait_for(io: &mut Io<World>, script: String, limit: u64) -> Result<String, Oops> {
    let request = line(script);
    let programs = io.transport::<Processes>().map_err(|error| Oops::Failed(error.to_string()))?;
    let answer = match limit {
        0 => io.call(programs, request).await,
        limit => io.call(programs, request).timeout(Duration::from_millis(limit)).await,
    };
    match answer {
        Ok(answer) => Ok(answer.text().map_err(|error| Oops::Failed(error.to_string()))?.to_owned()),
        Err(error @ CallError::TimedOut { .. }) => {
            io.app().act(format!("timed out, unknown: {}", error.is_unknown()));
            Err(Oops::TimedOut)
        }
        Err(error) => Err(Oops::Failed(error.to_string())),
    }
}

#[saga(app = World)]
async fn waits_for(script: String, limit: u64) -> Result<String, Oops> {
    wait_for(script, limit).await
}

fn waiting(dir: &Path, world: &World, programs: Processes) -> Builder<World> {
    builder(dir, world).saga(waits_for).transport(programs)
}

#[tokio::test]
async fn a_dropped_call_kills_the_whole_group() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = named_pipe(dir.path(), "alive");
    let mut alive = pipe::OpenOptions::new().open_receiver(&pipe).unwrap();
    let (shell, request, call) = (shell(), forever(&pipe), alone());
    tokio::select! {
        answer = shell.call(&request, &call) => panic!("{answer:?}"),
        () = told(&mut alive, 2) => {}
    }
    all_gone(alive).await;
}

#[tokio::test]
async fn a_call_returns_at_its_limit_though_a_grandchild_holds_the_output() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let pipe = named_pipe(dir.path(), "alive");
    // The limit of the transport, and one of the call.
    for (id, limit) in [("transport", 0), ("call", 150)] {
        let home = dir.path().join(id);
        let engine = waiting(&home, &world, shell().timeout(Duration::from_millis(150))).open().await.unwrap();
        let alive = pipe::OpenOptions::new().open_receiver(&pipe).unwrap();
        // The shell itself ends at once.
        let script = format!("exec 3>{}; sleep 1000 & echo x", pipe.display());
        engine.run(waits_for(script, limit)).id(id).await.unwrap_err();
        all_gone(alive).await;
        engine.shutdown().await.unwrap();
    }
    assert_eq!(world.done(), ["timed out, unknown: true", "timed out, unknown: true"]);
}

/// Run by the next test in a process of its own: leaves its group, and stays until there is nothing more to read.
#[test]
#[ignore = "no test by itself"]
fn a_process_that_leaves_its_group() {
    if std::env::var_os("FACTUM_LEAVES").is_some() {
        rustix::process::setsid().unwrap();
        std::io::read_to_string(std::io::stdin()).unwrap();
    }
}

#[tokio::test]
async fn a_call_returns_at_its_limit_though_a_process_outside_of_its_group_holds_the_output() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let pipe = named_pipe(dir.path(), "stays");
    // While this end is open, whoever has left reads the other.
    let stays = openat(CWD, &pipe, OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()).unwrap();
    let programs = shell().env("FACTUM_LEAVES", "1");
    let engine = waiting(&dir.path().join("data"), &world, programs).open().await.unwrap();
    let itself = std::env::current_exe().unwrap();
    let test = "transports::process_limits::a_process_that_leaves_its_group";
    // The shell is its group's first; its child is not, and may leave.
    let script = format!("{} --exact {test} --ignored < {} & exit 0", itself.display(), pipe.display());
    let run = engine.start(waits_for(script, 400)).id("a").await.unwrap();
    drop(run.outcome().await.unwrap());
    assert_eq!(world.done(), ["timed out, unknown: true"]);
    engine.shutdown().await.unwrap();
    drop(stays);
}

#[tokio::test]
async fn a_program_that_prints_too_much_is_killed_with_its_group() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = named_pipe(dir.path(), "alive");
    let small = shell().max_output(1000);
    for (stream, redirect) in [("stdout", ""), ("stderr", ">&2")] {
        let mut alive = pipe::OpenOptions::new().open_receiver(&pipe).unwrap();
        let script =
            format!("exec 3>{}; echo up >&3; sleep 1000 & while :; do echo more {redirect}; done", pipe.display());
        let error = small.call(&line(script), &alone()).await.unwrap_err();
        assert!(
            matches!(&error, ProcessError::TooMuchOutput { stream: of, limit: 1000, .. } if *of == stream),
            "{error}"
        );
        assert!(error.is_unknown());
        told(&mut alive, 1).await;
        all_gone(alive).await;
    }
    let exact = small.call(&line("printf '%01000d' 0; printf '%01000d' 0 >&2"), &alone()).await.unwrap();
    assert_eq!((exact.stdout().len(), exact.stderr().len()), (1000, 1000));
    let more = small.call(&line("printf '%01001d' 0"), &alone()).await.unwrap_err();
    assert!(matches!(more, ProcessError::TooMuchOutput { .. }), "{more}");
}

#[tokio::test]
async fn what_a_program_leaves_behind_with_its_output_elsewhere_does_not_hold_up_the_answer() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = named_pipe(dir.path(), "stays");
    let script = format!("(cat {} >/dev/null) >/dev/null 2>&1 & echo done", pipe.display());
    let answer = shell().call(&line(script), &alone()).await.unwrap();
    assert_eq!(answer.stdout(), b"done\n");
    // It is still there, and reads.
    let mut stays = loop {
        match pipe::OpenOptions::new().open_sender(&pipe) {
            Ok(stays) => break stays,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    stays.write_all(b"go").await.unwrap();
}
