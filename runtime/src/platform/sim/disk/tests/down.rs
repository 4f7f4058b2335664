//! The end of a process, by a kill or with the power.

use super::*;

#[test]
fn a_kill_loses_nothing_that_was_written_and_everything_that_was_open() {
    let (disk, file) = with_file(&[0; 4]);
    let process = disk.process();
    let lock = disk.lock_file();
    file.write_all_at(&[1; 4], 0).unwrap();
    disk.kill();
    assert_eq!(bytes(&disk), Some(vec![1; 4]));
    assert!(file.write_all_at(&[2; 4], 0).is_err() && file.sync_data().is_err() && file.set_len(0).is_err());
    assert!(file.read_at(&mut [0], 0).is_err() && file.len().is_err() && file.map(1).is_err());
    assert!(process.remove(Path::new("/d/f")).is_err() && process.read_dir(Path::new("/d")).is_err());
    assert_eq!(bytes(&disk), Some(vec![1; 4]));
    // The next process takes the lock, which the end of the one before does not release again.
    let next = disk.lock_file();
    assert!(next.is_some());
    drop(lock);
    assert!(disk.lock_file().is_none());
    // It is still unsynced.
    assert_eq!(outcomes(&disk, Loss::Everything, bytes), BTreeSet::from([Some(vec![0; 4])]));
}

#[test]
fn a_lock_is_anothers_once_it_is_dropped() {
    let disk = disk();
    let lock = disk.lock_file();
    assert!(lock.is_some() && disk.lock_file().is_none());
    drop(lock);
    assert!(disk.lock_file().is_some());
}

#[test]
fn at_the_operation_that_was_named_the_machine_goes_down() {
    let (disk, file) = with_file(&[0; 4]);
    disk.crash_at(1);
    file.write_all_at(&[1; 4], 0).unwrap();
    assert_eq!(disk.down_at(), None);
    let before = disk.operations();
    file.sync_data().unwrap_err();
    assert_eq!(disk.down_at(), Some(Op::Sync("f".to_owned())));
    assert_eq!(disk.operations(), before, "it did not take place");
    assert!(file.read_at(&mut [0], 0).is_err() && disk.read_dir(Path::new("/d")).is_err());
    assert!(disk.open(Path::new("/d/f"), Open::Read).is_err() && disk.lock(Path::new("/d/LOCK")).is_err());
    disk.power_loss(&mut Dice(0), Loss::Everything);
    assert_eq!((bytes(&disk), disk.down_at()), (Some(vec![0; 4]), None));
    edit(&disk, "/d/f").write_all_at(&[2; 4], 0).unwrap();
}

#[test]
fn a_sync_that_is_held_when_the_process_ends_fails() {
    let (disk, file) = with_file(&[0; 4]);
    disk.hold_syncs_of("f");
    std::thread::scope(|scope| {
        let sync = scope.spawn(|| file.sync_data());
        disk.until_held();
        disk.kill();
        sync.join().unwrap().unwrap_err();
    });
}

impl Disk {
    fn lock_file(&self) -> Option<crate::platform::LockGuard> {
        Fs::lock(self, Path::new("/d/LOCK")).unwrap()
    }
}
