//! What the disk promises to lie about, and what not.

mod contents;
mod down;
mod faults;
mod names;
mod space;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::platform::{File, Fs, Open};

/// How many dice are tried where any outcome is possible.
const TRIES: u64 = 200;

fn create(disk: &Disk, path: &str) -> Arc<dyn File> {
    disk.open(Path::new(path), Open::CreateNew).unwrap()
}

fn edit(disk: &Disk, path: &str) -> Arc<dyn File> {
    disk.open(Path::new(path), Open::Edit).unwrap()
}

/// A disk with `/d`, durable.
fn disk() -> Disk {
    let disk = Disk::new(7);
    disk.create_dir_all(Path::new("/d")).unwrap();
    disk.sync_dir(Path::new("/")).unwrap();
    disk
}

/// A disk with the durable file `/d/f` that holds these bytes, and the file.
fn with_file(bytes: &[u8]) -> (Disk, Arc<dyn File>) {
    let disk = disk();
    let file = create(&disk, "/d/f");
    file.write_all_at(bytes, 0).unwrap();
    file.sync_data().unwrap();
    disk.sync_dir(Path::new("/d")).unwrap();
    (disk, file)
}

/// What is left after a loss of power, by what `seen` makes of the disk, with many dice.
fn outcomes<T: Ord>(disk: &Disk, loss: Loss, seen: impl Fn(&Disk) -> T) -> BTreeSet<T> {
    let after = |seed| {
        let fork = disk.fork();
        fork.power_loss(&mut Dice(seed), loss);
        seen(&fork)
    };
    (0..TRIES).map(after).collect()
}

fn bytes(disk: &Disk) -> Option<Vec<u8>> {
    disk.raw().read("/d/f")
}

fn names(disk: &Disk) -> Vec<String> {
    disk.raw().list().iter().map(|path| path.display().to_string()).collect()
}
