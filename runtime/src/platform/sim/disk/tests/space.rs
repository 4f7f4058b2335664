//! A disk that fills up, and bytes past the file system.

use std::io::ErrorKind;

use super::*;

const FULL: ErrorKind = ErrorKind::StorageFull;

#[test]
fn a_write_beyond_the_capacity_writes_what_fits() {
    let (disk, file) = with_file(&[1; 4096]);
    disk.set_capacity(Some(3 * 4096));
    assert_eq!(disk.available(Path::new("/")).unwrap(), 2 * 4096);
    assert_eq!(file.write_all_at(&[2; 4 * 4096], 100).unwrap_err().kind(), FULL);
    assert_eq!(file.len().unwrap(), 3 * 4096);
    assert_eq!(disk.available(Path::new("/")).unwrap(), 0);
    file.write_all_at(&[3; 3 * 4096], 0).unwrap();
    assert_eq!(file.write_all_at(&[3], 3 * 4096).unwrap_err().kind(), FULL);
}

#[test]
fn what_was_allocated_can_be_written_on_a_full_disk_and_a_hole_cannot() {
    let (disk, file) = with_file(&[]);
    disk.set_capacity(Some(2 * 4096));
    assert_eq!(file.allocate(3 * 4096).unwrap_err().kind(), FULL);
    assert_eq!(file.len().unwrap(), 0, "an allocation fails whole");
    file.allocate(2 * 4096).unwrap();
    file.write_all_at(&[1; 2 * 4096], 0).unwrap();
    // A length alone takes no space.
    file.set_len(4 * 4096).unwrap();
    assert_eq!(file.write_all_at(&[1], 3 * 4096).unwrap_err().kind(), FULL);
}

#[test]
fn removing_and_shortening_make_room() {
    let (disk, file) = with_file(&[1; 2 * 4096]);
    disk.set_capacity(Some(2 * 4096));
    file.set_len(4096).unwrap();
    assert_eq!(disk.available(Path::new("/")).unwrap(), 4096);
    disk.remove(Path::new("/d/f")).unwrap();
    assert_eq!(disk.available(Path::new("/")).unwrap(), 2 * 4096);
    disk.set_capacity(None);
    assert_eq!(disk.available(Path::new("/")).unwrap(), u64::MAX);
}

#[test]
fn raw_changes_are_shown_and_survive() {
    let (disk, file) = with_file(&[1; 10]);
    file.write_all_at(&[2; 10], 0).unwrap();
    disk.raw().flip("/d/f", 8);
    disk.raw().truncate("/d/f", 5);
    disk.raw().write("/elsewhere/g", *b"new");
    let wanted = Some(vec![2, 3, 2, 2, 2]);
    assert_eq!(bytes(&disk), wanted);
    disk.power_loss(&mut Dice(0), Loss::Everything);
    assert_eq!((bytes(&disk), names(&disk)), (wanted, vec!["/d/f".to_owned(), "/elsewhere/g".to_owned()]));
    disk.raw().remove("/d/f");
    disk.power_loss(&mut Dice(0), Loss::Everything);
    assert_eq!(names(&disk), ["/elsewhere/g"]);
}

#[test]
fn a_fork_goes_its_own_way_and_has_the_same_to_lose() {
    let (disk, file) = with_file(&[0; 10]);
    file.write_all_at(&[1; 10], 0).unwrap();
    let fork = disk.fork();
    file.sync_data().unwrap();
    fork.power_loss(&mut Dice(0), Loss::Everything);
    disk.power_loss(&mut Dice(0), Loss::Everything);
    assert_eq!((bytes(&fork), bytes(&disk)), (Some(vec![0; 10]), Some(vec![1; 10])));
}
