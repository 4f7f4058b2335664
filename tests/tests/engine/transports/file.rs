//! Files below a root: written whole, read with their digest.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

use factum::file::{FileError, FileRequest, FileResponse, Files};
use factum::prelude::*;
use factum::{ArtifactId, Builder, Transport};

use super::{alone, stands_in};
use crate::world::{Oops, World, builder};

fn failed(error: impl std::fmt::Display) -> Oops {
    Oops::Failed(error.to_string())
}

async fn does(files: &Files, request: FileRequest) -> Result<FileResponse, FileError> {
    files.call(&request, &alone()).await
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Writes, and reads what is there in each of three attempts.
#[step(compensate = withdraw(&path), retry(attempts = 3, initial = "1ms"))]
async fn publish(io: &mut Io<World>, path: String, text: String) -> Result<(u64, String), Oops> {
    let files = io.transport::<Files>().map_err(failed)?;
    let written = io.call(files, FileRequest::write(&path, text.clone())).await.map_err(failed)?;
    let read = io.call(files, FileRequest::read(&path)).await.map_err(failed)?;
    assert_eq!(written.digest(), read.digest());
    io.app().act(format!("{} bytes, in the arena: {}", read.len(), read.blob().is_some()));
    let text = String::from_utf8(read.bytes().to_vec()).map_err(failed)?;
    if io.attempt() < 3 { Err(Oops::Later) } else { Ok((read.len(), text)) }
}

#[step]
async fn withdraw(io: &mut Io<World>, path: &str) -> Result<(), Oops> {
    io.call(io.transport::<Files>().map_err(failed)?, FileRequest::remove(path)).await.map_err(failed)?;
    Ok(())
}

#[step]
async fn deny(_io: &mut Io<World>) -> Result<(), Oops> {
    Err(Oops::Failed("denied".to_owned()))
}

#[saga(app = World)]
async fn publishes(path: String, text: String, denied: bool) -> Result<(u64, String), Oops> {
    let published = publish(path, text).await?;
    if denied {
        deny().await?;
    }
    Ok(published)
}

fn publishing(dir: &Path, root: &Path, world: &World) -> Builder<World> {
    builder(dir, world).saga(publishes).transport(Files::new(root))
}

#[tokio::test]
async fn a_step_writes_reads_and_takes_back_a_file_and_its_bytes_are_not_in_the_request() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let (data, root) = (dir.path().join("data"), dir.path().join("root"));
    fs::create_dir(&root).unwrap();
    let engine = publishing(&data, &root, &world).open().await.unwrap();
    let text = "written-once ".repeat(10_000);
    let (len, read) = engine.run(publishes("2026/q3/report.txt".into(), text.clone(), false)).await.unwrap();
    assert!((len, read) == (130_000, text.clone()));
    assert_eq!(world.done(), ["130000 bytes, in the arena: true"; 3]);
    assert_eq!(fs::read_to_string(root.join("2026/q3/report.txt")).unwrap(), text);
    assert_eq!(names(&root.join("2026/q3")), ["report.txt"], "nothing is left beside it");
    engine.run(publishes("taken-back.txt".into(), "x".into(), true)).await.unwrap_err();
    assert_eq!(names(&root), ["2026"]);
    let history = engine.list().await.unwrap();
    let mut asked = String::new();
    for run in history.iter() {
        for entry in engine.history(run.id.clone()).await.unwrap().iter() {
            if let factum::Event::FactBound { asked: one, .. } = &entry.event {
                asked += one;
            }
        }
    }
    let digest = ArtifactId::of(text.as_bytes());
    assert!(asked.contains(&format!("\"sha256\":\"{digest}\"")) && !asked.contains("written-once"), "{asked}");
    engine.shutdown().await.unwrap();
    assert!(stands_in(&data, "report.txt"));
}

#[tokio::test]
async fn a_file_is_replaced_whole_and_the_same_bytes_are_left_as_they_are() {
    let root = tempfile::tempdir().unwrap();
    let files = Files::new(root.path());
    let path = root.path().join("a.txt");
    let written = does(&files, FileRequest::write("a.txt", "one")).await.unwrap();
    assert_eq!((written.digest(), written.len()), (Some(ArtifactId::of(b"one")), 3));
    let first = fs::File::open(&path).unwrap();
    let inode = first.metadata().unwrap().ino();
    assert_eq!(does(&files, FileRequest::write("a.txt", "one")).await.unwrap(), written);
    assert_eq!(fs::metadata(&path).unwrap().ino(), inode, "it was written again");
    for text in ["two", "", "longer than before"] {
        does(&files, FileRequest::write("a.txt", text)).await.unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    assert_eq!(std::io::read_to_string(first).unwrap(), "one", "who has the old one open keeps it whole");
    assert_eq!(names(root.path()), ["a.txt"]);
    let read = does(&files, FileRequest::read("./a.txt")).await.unwrap();
    assert_eq!(
        (read.bytes(), read.digest()),
        (&b"longer than before"[..], Some(ArtifactId::of(b"longer than before")))
    );
    for _ in 0..2 {
        let removed = does(&files, FileRequest::remove("a.txt")).await.unwrap();
        assert!(removed.digest().is_none() && removed.is_empty() && removed.bytes().is_empty());
    }
    does(&files, FileRequest::remove("no/such/directory")).await.unwrap();
    assert_eq!(names(root.path()), Vec::<String>::new());
}

#[test]
fn the_root_tells_one_request_from_another() {
    let read = FileRequest::read("a.txt");
    assert_ne!(Files::new("/one").withheld(&read), Files::new("/two").withheld(&read));
    assert_eq!(Files::new("/one").withheld(&read), Files::new("/one").max_bytes(1).withheld(&read));
}

#[tokio::test]
async fn no_path_and_no_link_leads_out_of_the_root() {
    let dir = tempfile::tempdir().unwrap();
    let (root, outside) = (dir.path().join("root"), dir.path().join("outside"));
    fs::create_dir(&root).unwrap();
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret"), "secret").unwrap();
    symlink(&outside, root.join("out")).unwrap();
    symlink(outside.join("secret"), root.join("link")).unwrap();
    symlink("../outside/secret", root.join("short")).unwrap();
    let files = Files::new(&root);
    let absolute = outside.join("secret");
    for path in ["../outside/secret", "a/../../outside/secret", absolute.to_str().unwrap(), "out/secret", "", "a/", "."]
    {
        for request in [FileRequest::read(path), FileRequest::write(path, "mine"), FileRequest::remove(path)] {
            let error = does(&files, request).await.unwrap_err();
            assert!(matches!(error, FileError::Path { .. }) && !error.is_unknown(), "{path}: {error}");
        }
    }
    for link in ["link", "short"] {
        let error = does(&files, FileRequest::read(link)).await.unwrap_err();
        assert!(matches!(error, FileError::Path { .. }), "{error}");
        // The link itself is what is replaced, and what is removed.
        does(&files, FileRequest::write(link, "mine")).await.unwrap();
        assert_eq!(fs::read_to_string(root.join(link)).unwrap(), "mine");
    }
    does(&files, FileRequest::remove("out")).await.unwrap();
    assert_eq!(fs::read_to_string(outside.join("secret")).unwrap(), "secret");
    assert_eq!(names(&outside), ["secret"]);
    // The root itself may be reached by a link.
    symlink(&root, dir.path().join("alias")).unwrap();
    assert_eq!(does(&Files::new(dir.path().join("alias")), FileRequest::read("link")).await.unwrap().bytes(), b"mine");
}

#[tokio::test]
async fn what_is_no_file_or_too_large_is_a_known_error() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("dir")).unwrap();
    fs::write(root.path().join("file"), [0; 100]).unwrap();
    let pipe = root.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let files = Files::new(root.path()).max_bytes(99);
    for (request, told) in [
        (FileRequest::read("none"), "there is no file `none`"),
        (FileRequest::read("none/at/all"), "there is no file `none/at/all`"),
        (FileRequest::read("dir"), "a directory"),
        (FileRequest::read("pipe"), "a pipe"),
        (FileRequest::read("file"), "more than 99 bytes"),
        (FileRequest::read("file/below"), "a file, or a symbolic link, is on the way"),
        (FileRequest::write("file/below", ""), "a file, or a symbolic link, is on the way"),
        (FileRequest::write("dir", ""), "it is a directory"),
        (FileRequest::remove("dir"), "it is a directory"),
        (FileRequest::read("n".repeat(300)), "too long"),
    ] {
        let error = does(&files, request).await.unwrap_err();
        assert!(!error.is_unknown() && error.to_string().contains(told), "{error}");
    }
    assert_eq!(names(root.path()), ["dir", "file", "pipe"]);
    let exact = Files::new(root.path()).max_bytes(100);
    assert_eq!(does(&exact, FileRequest::read("file")).await.unwrap().len(), 100);
    let nowhere = Files::new(root.path().join("none"));
    for request in [FileRequest::read("a"), FileRequest::write("a", ""), FileRequest::remove("a")] {
        let error = does(&nowhere, request).await.unwrap_err();
        assert!(!error.is_unknown() && error.to_string().contains("cannot open the root"), "{error}");
    }
}
