//! No secret is on disk, whatever went wrong.

mod scene;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use factum::prelude::*;
use factum::testing::Sim;
use factum::{Builder, Lsn, Redaction};

use crate::events::Ears;
use scene::{LIVE, LOOKS, NAMED, PLACES, plays, with};

/// What can be read of an engine: files, and what it says. Bytes that are no text are shown as `\u{FFFD}`.
type Seen = BTreeMap<PathBuf, String>;

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn policy() -> Redaction {
    Redaction::default().pattern("sk-[A-Za-z0-9]{20,}").unwrap()
}

/// The places in which a text was seen.
fn grep<'s>(seen: &'s Seen, text: &str) -> Vec<&'s PathBuf> {
    seen.iter().filter(|(_, shown)| shown.contains(text)).map(|(path, _)| path).collect()
}

/// What an engine says of its runs, and the last of their events.
async fn said(engine: &Engine, runs: &[String]) -> (Seen, Lsn) {
    let (mut seen, mut last) = (Seen::new(), Lsn(0));
    for id in runs {
        let history = engine.history(id).await.unwrap();
        last = history.iter().map(|entry| entry.lsn).fold(last, Lsn::max);
        let text: String = history.iter().map(|entry| format!("{entry}\n{entry:?}\n")).collect();
        let info = engine.list().await.unwrap().iter().map(|info| format!("{info:?}")).collect::<String>();
        let mut export = Vec::new();
        engine.export(id, &mut export).await.unwrap();
        let tail = format!("{:?}", engine.tail(1000).await.unwrap());
        for (what, text) in [("history", text), ("info", info), ("export", shown(&export)), ("tail", tail)] {
            seen.insert(format!("the {what} of {id}").into(), text);
        }
    }
    (seen, last)
}

/// Each place is there to be found, in the log or the checkpoint and in what the engine says, and no secret is.
fn judge(seen: &Seen) {
    for place in PLACES {
        let found = grep(seen, &format!("<{place}>"));
        let is = |what: &str| found.iter().any(|path| path.to_string_lossy().contains(what));
        // Of a long value the records say where it lies.
        let files = if *place == "large-error" { ["arena", "arena"] } else { ["log/", "checkpoint.redb"] };
        let (one, other) = (is(files[0]), is(files[1]));
        assert!(one && other && is("history of") && is("export of"), "`{place}` was found in {found:?} alone");
    }
    for secret in [LIVE, NAMED, LOOKS, "swordfish", "c3dvcmRmaXNo"] {
        assert_eq!(grep(seen, secret), Vec::<&PathBuf>::new(), "{secret}");
    }
}

/// Adds the files of a directory, as they are at some time.
fn files(time: &str, dir: &Path, seen: &mut Seen) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(time, &path, seen);
        } else {
            let bytes = shown(&std::fs::read(&path).unwrap());
            seen.insert(Path::new(time).join(path.strip_prefix("/").unwrap()), bytes);
        }
    }
}

/// Plays everything, and lets it go into the checkpoint. `look` looks at the files.
async fn play(
    builder: impl Fn() -> Builder<scene::App>,
    clean: bool,
    mut look: impl FnMut(&str, &mut Seen),
    wait: impl AsyncFn(),
) -> Seen {
    let hour = Duration::from_secs(3600);
    let engine = builder().checkpoint_interval(hour).sleep_after(hour).open().await.unwrap();
    let runs = plays(&engine, clean).await;
    let (mut seen, last) = said(&engine, &runs).await;
    look("log", &mut seen);
    engine.shutdown().await.unwrap();
    let engine = builder().checkpoint_interval(Duration::from_millis(5)).open().await.unwrap();
    while engine.stats().applied < last {
        wait().await;
    }
    // As it is read again, and said in this process.
    seen.extend(said(&engine, &runs).await.0.into_iter().map(|(what, text)| (what.join("again"), text)));
    engine.shutdown().await.unwrap();
    look("checkpoint", &mut seen);
    seen
}

fn on_a_simulated_disk(redaction: Redaction, clean: bool) -> Seen {
    let sim = Sim::new(6);
    let look = |time: &str, seen: &mut Seen| {
        let raw = sim.disk().raw();
        let files = raw.list().into_iter();
        seen.extend(
            files.map(|path| (Path::new(time).join(path.strip_prefix("/").unwrap()), shown(&raw.read(path).unwrap()))),
        );
    };
    let builder = || with(Engine::builder("/data")).redaction(redaction.clone()).sim(&sim);
    sim.run(play(builder, clean, look, || sim.sleep(Duration::from_secs(1))))
}

#[test]
fn no_secret_is_on_a_simulated_disk_whatever_went_wrong() {
    judge(&on_a_simulated_disk(policy(), true));
}

#[test]
fn without_a_policy_what_is_not_known_to_be_secret_is_found_and_a_live_secret_is_not() {
    let seen = on_a_simulated_disk(Redaction::new(), false);
    for (secret, files) in [(LOOKS, &["wal", "arena", "checkpoint.redb", "export"][..]), (NAMED, &["wal", "arena"])] {
        let found = grep(&seen, secret);
        for file in files {
            assert!(found.iter().any(|path| path.to_string_lossy().contains(file)), "{secret} is not in {file}");
        }
    }
    assert_eq!(grep(&seen, LIVE), Vec::<&PathBuf>::new());
}

#[tokio::test]
async fn no_secret_is_in_a_directory_or_in_what_is_traced() {
    let ears = Ears::everywhere();
    let _second = tracing::Dispatch::new(Ears::default());
    let _guard = tracing::subscriber::set_default(ears.clone());
    let dir = tempfile::tempdir().unwrap();
    let builder = || with(Engine::builder(dir.path())).redaction(policy());
    let mut seen = play(builder, true, |time, seen| files(time, dir.path(), seen), tokio::task::yield_now).await;
    let heard = ears.heard.lock().unwrap().join("\n");
    for place in ["step-error", "retried-error", "timeout-error", "panic-text", "unrecordable-error", "undo-error"] {
        assert!(heard.contains(&format!("<{place}>")), "nothing was said of `{place}`: {heard}");
    }
    seen.insert("what was traced".into(), heard);
    judge(&seen);
}
