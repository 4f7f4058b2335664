//! The way to a file below a root.
//!
//! What must always hold: no step of the way leaves the root, whoever changes the tree meanwhile. Each directory is
//! opened in the one before, by a name that is no path, and a symbolic link is never followed.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path};

use rustix::fs::{CWD, Mode, OFlags, fsync, mkdirat, openat};
use rustix::io::Errno;

use super::FileError;

/// A file's name in a directory that is open.
pub(super) struct Place {
    pub(super) dir: OwnedFd,
    pub(super) name: OsString,
    /// The request's path, to be told of in errors.
    pub(super) path: String,
}

impl Place {
    /// Goes to the directory that a file is in; where `make` says so, what is missing on the way is made, and all of
    /// the way is durable: a directory that is there may have been made by an attempt that did not come to sync it.
    ///
    /// # Errors
    /// When the path leads out of the root, or a directory is missing or cannot be opened.
    pub(super) fn find(root: &Path, path: &str, make: bool) -> Result<Place, FileError> {
        Place::go(root, path, make, |dir| fsync(dir))
    }

    fn go(
        root: &Path,
        path: &str,
        make: bool,
        mut sync: impl FnMut(&OwnedFd) -> Result<(), Errno>,
    ) -> Result<Place, FileError> {
        let (name, way) = parts(path)?;
        let failed = |doing| move |errno| refused(doing, path, errno);
        let no_root = |errno| other("open the root of", path, errno);
        let mut dir = openat(CWD, root, DIRECTORY, Mode::empty()).map_err(no_root)?;
        for part in way {
            let next = match openat(&dir, part, DIRECTORY | OFlags::NOFOLLOW, Mode::empty()) {
                Err(Errno::NOENT) if make => {
                    match mkdirat(&dir, part, Mode::from_raw_mode(0o777)) {
                        // Somebody else was faster.
                        Ok(()) | Err(Errno::EXIST) => {}
                        Err(errno) => return Err(refused("make the directory of", path, errno)),
                    }
                    openat(&dir, part, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())
                }
                opened => opened,
            }
            .map_err(failed("open the directory of"))?;
            if make {
                sync(&dir).map_err(failed("sync the directory of"))?;
            }
            dir = next;
        }
        Ok(Place { dir, name: name.to_owned(), path: path.to_owned() })
    }

    /// The operating system's no, when the file is as it was.
    pub(super) fn refused(&self, doing: &'static str, errno: Errno) -> FileError {
        refused(doing, &self.path, errno)
    }

    /// The operating system's no, when nobody knows how the file is.
    pub(super) fn unknown(&self, doing: &'static str, errno: Errno) -> FileError {
        FileError::Io { doing, path: self.path.clone(), source: errno.into(), unknown: true }
    }
}

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// The last name of a path, and those before it.
fn parts(path: &str) -> Result<(&OsStr, Vec<&OsStr>), FileError> {
    let wrong = |reason| FileError::Path { path: path.to_owned(), reason };
    let mut names = Vec::new();
    for part in Path::new(path).components() {
        match part {
            Component::Normal(name) => names.push(name),
            Component::CurDir => {}
            Component::ParentDir => return Err(wrong("it has a `..`")),
            Component::RootDir | Component::Prefix(_) => return Err(wrong("it is absolute")),
        }
    }
    if path.ends_with('/') {
        return Err(wrong("it is a directory's"));
    }
    if path.contains('\0') {
        return Err(wrong("it has a zero byte"));
    }
    let name = names.pop().ok_or_else(|| wrong("it names no file"))?;
    Ok((name, names))
}

fn refused(doing: &'static str, path: &str, errno: Errno) -> FileError {
    let wrong = |reason| FileError::Path { path: path.to_owned(), reason };
    match errno {
        Errno::NOENT => FileError::NotFound { path: path.to_owned() },
        Errno::LOOP => wrong("a symbolic link is on the way"),
        Errno::NOTDIR => wrong("a file, or a symbolic link, is on the way"),
        errno => other(doing, path, errno),
    }
}

fn other(doing: &'static str, path: &str, errno: Errno) -> FileError {
    FileError::Io { doing, path: path.to_owned(), source: io::Error::from(errno), unknown: false }
}

#[cfg(test)]
mod tests {
    use rustix::fs::fstat;

    use super::*;

    #[test]
    fn all_of_the_way_is_synced_whoever_made_it_and_nothing_when_nothing_is_to_be_made() {
        let root = tempfile::tempdir().unwrap();
        let number = |dir: &OwnedFd| fstat(dir).unwrap().st_ino;
        let number_at = |path: &str| number(&openat(CWD, root.path().join(path), DIRECTORY, Mode::empty()).unwrap());
        for _ in ["made by this call", "made by one that was cut short"] {
            let mut synced = Vec::new();
            let sync = |dir: &OwnedFd| {
                synced.push(number(dir));
                Ok(())
            };
            Place::go(root.path(), "a/b/c.txt", true, sync).unwrap();
            assert_eq!(synced, [number_at(""), number_at("a")]);
        }
        Place::go(root.path(), "a/b/c.txt", false, |_| Err(Errno::IO)).unwrap();
        let failed = Place::go(root.path(), "a/b/c.txt", true, |_| Err(Errno::IO)).err().unwrap();
        assert!(failed.to_string().contains("cannot sync the directory of `a/b/c.txt`"), "{failed}");
    }

    #[test]
    fn a_path_is_taken_apart_and_one_that_leads_out_is_refused() {
        let (name, way) = parts("a/./b//c.txt").unwrap();
        assert_eq!((name, way), (OsStr::new("c.txt"), vec![OsStr::new("a"), OsStr::new("b")]));
        for (path, told) in [
            ("", "no file"),
            (".", "no file"),
            ("a/", "a directory's"),
            ("..", "`..`"),
            ("a/../../b", "`..`"),
            ("/etc/passwd", "absolute"),
            ("a\0b", "zero byte"),
        ] {
            let error = parts(path).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}
