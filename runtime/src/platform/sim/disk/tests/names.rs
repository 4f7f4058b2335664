//! What directories hold.

use super::*;

fn set<const N: usize>(outcomes: [&[&str]; N]) -> BTreeSet<Vec<String>> {
    outcomes.into_iter().map(|names| names.iter().map(|name| (*name).to_owned()).collect()).collect()
}

#[test]
fn a_file_without_a_sync_of_its_directory_may_vanish_though_it_was_synced() {
    let disk = disk();
    let file = create(&disk, "/d/f");
    file.write_all_at(b"synced", 0).unwrap();
    file.sync_data().unwrap();
    assert_eq!(outcomes(&disk, Loss::Any, bytes), BTreeSet::from([None, Some(b"synced".to_vec())]));
    disk.sync_dir(Path::new("/d")).unwrap();
    assert_eq!(outcomes(&disk, Loss::Any, bytes), BTreeSet::from([Some(b"synced".to_vec())]));
}

#[test]
fn a_rename_may_be_undone_and_the_file_that_it_replaced_come_back() {
    let (disk, _) = with_file(b"old");
    let new = create(&disk, "/d/f.new");
    new.write_all_at(b"new", 0).unwrap();
    new.sync_data().unwrap();
    disk.sync_dir(Path::new("/d")).unwrap();
    disk.rename(Path::new("/d/f.new"), Path::new("/d/f")).unwrap();
    let seen = outcomes(&disk, Loss::Any, |disk| (names(disk), bytes(disk).unwrap()));
    let before = (vec!["/d/f".to_owned(), "/d/f.new".to_owned()], b"old".to_vec());
    let after = (vec!["/d/f".to_owned()], b"new".to_vec());
    assert_eq!(seen, BTreeSet::from([before, after.clone()]));
    disk.sync_dir(Path::new("/d")).unwrap();
    let seen = outcomes(&disk, Loss::Any, |disk| (names(disk), bytes(disk).unwrap()));
    assert_eq!(seen, BTreeSet::from([after]));
}

#[test]
fn a_rename_can_survive_what_was_written_before_it() {
    let (disk, _) = with_file(b"old");
    create(&disk, "/d/f.new").write_all_at(b"new", 0).unwrap();
    disk.rename(Path::new("/d/f.new"), Path::new("/d/f")).unwrap();
    assert_eq!(outcomes(&disk, Loss::Contents, bytes), BTreeSet::from([Some(vec![])]));
    assert!(outcomes(&disk, Loss::Any, bytes).contains(&Some(vec![0; 3])));
}

#[test]
fn a_removed_file_may_come_back() {
    let (disk, _) = with_file(b"old");
    disk.remove(Path::new("/d/f")).unwrap();
    assert_eq!(bytes(&disk), None);
    assert_eq!(outcomes(&disk, Loss::Any, bytes), BTreeSet::from([None, Some(b"old".to_vec())]));
    disk.sync_dir(Path::new("/d")).unwrap();
    assert_eq!(outcomes(&disk, Loss::Any, bytes), BTreeSet::from([None]));
}

#[test]
fn independent_changes_of_a_directory_are_lost_independently() {
    let disk = disk();
    create(&disk, "/d/a");
    create(&disk, "/d/b");
    let wanted = set([&[], &["/d/a"], &["/d/b"], &["/d/a", "/d/b"]]);
    assert_eq!(outcomes(&disk, Loss::Any, names), wanted);
    assert_eq!(outcomes(&disk, Loss::Last, names), set([&["/d/a"]]));
    assert_eq!(outcomes(&disk, Loss::AllButLast, names), set([&["/d/b"]]));
    assert_eq!(outcomes(&disk, Loss::Names, names), set([&[]]));
    assert_eq!(outcomes(&disk, Loss::Contents, names), set([&["/d/a", "/d/b"]]));
}

#[test]
fn changes_of_one_name_are_kept_in_their_order() {
    let disk = disk();
    create(&disk, "/d/new");
    disk.rename(Path::new("/d/new"), Path::new("/d/a")).unwrap();
    create(&disk, "/d/new");
    // Never `new` alone after the rename, nor both without it.
    assert_eq!(outcomes(&disk, Loss::Any, names), set([&[], &["/d/new"], &["/d/a"], &["/d/a", "/d/new"]]));
    assert_eq!(outcomes(&disk, Loss::AllButLast, names), set([&[]]), "the last change cannot be without the first");
}

#[test]
fn each_directory_needs_a_sync_of_its_own() {
    let disk = Disk::new(1);
    disk.create_dir_all(Path::new("/d/e")).unwrap();
    create(&disk, "/d/e/g");
    disk.sync_dir(Path::new("/d/e")).unwrap();
    assert_eq!(outcomes(&disk, Loss::Any, names), set([&[], &["/d/e/g"]]));
    disk.sync_dir(Path::new("/d")).unwrap();
    assert_eq!(outcomes(&disk, Loss::Any, names), set([&[], &["/d/e/g"]]));
    disk.sync_dir(Path::new("/")).unwrap();
    assert_eq!(outcomes(&disk, Loss::Any, names), set([&["/d/e/g"]]));
}

#[test]
fn a_failed_sync_of_a_directory_makes_nothing_durable_and_a_later_one_does() {
    let disk = disk();
    create(&disk, "/d/f");
    disk.inject(Fault::on(Kind::SyncDir).once());
    disk.sync_dir(Path::new("/d")).unwrap_err();
    assert_eq!(names(&disk), ["/d/f"]);
    assert_eq!(outcomes(&disk, Loss::Any, names), set([&[], &["/d/f"]]));
    disk.sync_dir(Path::new("/d")).unwrap();
    assert_eq!(outcomes(&disk, Loss::Any, names), set([&["/d/f"]]));
}

#[test]
fn an_unlinked_file_is_there_for_those_who_have_it_open() {
    let (disk, file) = with_file(b"old");
    disk.remove(Path::new("/d/f")).unwrap();
    disk.sync_dir(Path::new("/d")).unwrap();
    file.write_all_at(b"new", 0).unwrap();
    let mut buf = [0; 3];
    assert_eq!((file.read_at(&mut buf, 0).unwrap(), &buf), (3, b"new"));
    drop(file);
    disk.state().sweep();
    assert!(disk.state().nodes.is_empty(), "and is forgotten with them");
}

#[test]
fn what_is_not_there_is_not_found_and_what_is_there_not_made_again() {
    let (disk, _) = with_file(b"");
    let kind = |error: std::io::Error| error.kind();
    let open = |path: &str, how| kind(disk.open(Path::new(path), how).unwrap_err());
    use std::io::ErrorKind::{AlreadyExists, NotADirectory, NotFound};
    assert_eq!(open("/d/g", Open::Read), NotFound);
    assert_eq!(open("/d/g", Open::Edit), NotFound);
    assert_eq!(open("/e/g", Open::CreateNew), NotFound);
    assert_eq!(open("/d/f", Open::CreateNew), AlreadyExists);
    assert_eq!(kind(disk.remove(Path::new("/d/g")).unwrap_err()), NotFound);
    assert_eq!(kind(disk.rename(Path::new("/d/g"), Path::new("/d/h")).unwrap_err()), NotFound);
    assert_eq!(kind(disk.sync_dir(Path::new("/e")).unwrap_err()), NotFound);
    assert_eq!(kind(disk.read_dir(Path::new("/e")).unwrap_err()), NotFound);
    assert_eq!(kind(disk.create_dir_all(Path::new("/d/f/e")).unwrap_err()), NotADirectory);
    disk.create_dir_all(Path::new("/d")).unwrap();
    assert_eq!(disk.read_dir(Path::new("/d/.")).unwrap(), [Path::new("/d/f")]);
}
