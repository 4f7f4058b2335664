//! Faults on command, and what they leave behind.

use std::io::ErrorKind;

use super::*;

fn errno(error: std::io::Error) -> Option<i32> {
    error.raw_os_error()
}

#[test]
fn a_failed_sync_is_shown_and_not_brought_by_a_later_one_unless_it_is_written_again() {
    let mut seen = BTreeSet::new();
    for seed in 0..TRIES {
        let disk = Disk::new(seed);
        disk.raw().write("/d/f", [0; 1024]);
        let file = edit(&disk, "/d/f");
        file.write_all_at(&[1; 1024], 0).unwrap();
        disk.inject(Fault::on(Kind::Sync).once());
        file.sync_data().unwrap_err();
        assert_eq!(bytes(&disk), Some(vec![1; 1024]), "the page cache shows all of it");
        file.sync_data().unwrap();
        let fork = disk.fork();
        fork.power_loss(&mut Dice(0), Loss::Everything);
        let left = bytes(&fork).unwrap();
        seen.insert((left[0], left[512]));
        file.write_all_at(&[1; 512], 0).unwrap();
        file.sync_data().unwrap();
        disk.power_loss(&mut Dice(0), Loss::Everything);
        assert_eq!(bytes(&disk).unwrap()[..512], [1; 512]);
        assert_eq!(bytes(&disk).unwrap()[512], left[512]);
    }
    assert_eq!(seen, BTreeSet::from([(0, 0), (0, 1), (1, 0), (1, 1)]));
}

#[test]
fn what_is_written_and_synced_behind_a_lost_length_is_durable() {
    for seed in 0..20 {
        let disk = Disk::new(seed);
        disk.raw().write("/d/f", [0; 10]);
        let file = edit(&disk, "/d/f");
        file.write_all_at(&[1; 10], 10).unwrap();
        disk.inject(Fault::on(Kind::Sync).once());
        file.sync_data().unwrap_err();
        file.write_all_at(&[2; 5], 12).unwrap();
        file.sync_data().unwrap();
        disk.power_loss(&mut Dice(0), Loss::Everything);
        assert_eq!(bytes(&disk).unwrap()[12..17], [2; 5]);
    }
}

#[test]
fn a_fault_hits_the_operations_that_it_names() {
    let (disk, f) = with_file(&[0; 10]);
    let g = create(&disk, "/d/g.log");
    disk.inject(Fault::on(Kind::Write).of(".log").after(1).once().full());
    let before = disk.faults_hit();
    f.write_all_at(&[1], 0).unwrap();
    g.write_all_at(&[1], 0).unwrap();
    f.write_all_at(&[1], 0).unwrap();
    assert_eq!(g.write_all_at(&[1], 0).unwrap_err().kind(), ErrorKind::StorageFull);
    g.write_all_at(&[1], 0).unwrap();
    assert_eq!(disk.faults_hit() - before, 1);
}

#[test]
fn every_kind_of_operation_fails_on_command_and_then_does_nothing() {
    let (disk, file) = with_file(&[1; 10]);
    let eio = Some(rustix::io::Errno::IO.raw_os_error());
    let (d, f, g) = (Path::new("/d"), Path::new("/d/f"), Path::new("/d/g"));
    let tries: [(Kind, &dyn Fn() -> std::io::Result<()>); 6] = [
        (Kind::Create, &|| disk.open(g, Open::CreateNew).map(drop)),
        (Kind::SetLen, &|| file.set_len(3)),
        (Kind::Allocate, &|| file.allocate(99)),
        (Kind::Rename, &|| disk.rename(f, g)),
        (Kind::Remove, &|| disk.remove(f)),
        (Kind::SyncDir, &|| disk.sync_dir(d)),
    ];
    for (kind, attempt) in tries {
        disk.inject(Fault::on(kind).once());
        assert_eq!(errno(attempt().unwrap_err()), eio, "{kind:?}");
    }
    assert_eq!((names(&disk), bytes(&disk)), (vec!["/d/f".to_owned()], Some(vec![1; 10])));
    assert_eq!(disk.faults_hit(), 6);
}

#[test]
fn a_failed_write_leaves_any_part_of_it() {
    let mut written = BTreeSet::new();
    for seed in 0..TRIES {
        let disk = Disk::new(seed);
        disk.raw().write("/d/f", [0; 4]);
        disk.inject(Fault::on(Kind::Write).once());
        edit(&disk, "/d/f").write_all_at(&[1; 4], 0).unwrap_err();
        written.insert(bytes(&disk).unwrap());
    }
    assert_eq!(written.len(), 5, "{written:?}");
}

#[test]
fn from_the_nth_operation_on_all_fail_until_told_otherwise() {
    let (disk, file) = with_file(&[0; 10]);
    disk.fail(Fail::From(2));
    file.write_all_at(&[1], 0).unwrap();
    file.sync_data().unwrap();
    file.write_all_at(&[1], 1).unwrap_err();
    file.sync_data().unwrap_err();
    disk.remove(Path::new("/d/f")).unwrap_err();
    disk.fail(Fail::Nothing);
    file.sync_data().unwrap();
}

#[test]
fn reads_and_maps_show_flipped_bits_and_fail_on_command() {
    let (disk, file) = with_file(&[0; 10]);
    disk.flip_reads("/d/f", 5 * 8 + 1);
    let mut buf = [0; 4];
    file.read_at(&mut buf, 3).unwrap();
    assert_eq!(buf, [0, 0, 2, 0]);
    file.read_at(&mut buf, 6).unwrap();
    assert_eq!(buf, [0; 4]);
    assert_eq!(file.map(10).unwrap().bytes(5, 1), Some(&[2][..]));
    assert_eq!(bytes(&disk), Some(vec![0; 10]), "the medium is as it was");
    disk.fail_reads("f");
    assert_eq!(errno(file.read_at(&mut buf, 0).unwrap_err()), Some(rustix::io::Errno::IO.raw_os_error()));
    file.map(10).unwrap_err();
    disk.heal();
    file.read_at(&mut buf, 3).unwrap();
    assert_eq!(buf, [0; 4]);
}

#[test]
fn operations_are_counted_and_told_by_the_name_that_the_file_has_then() {
    let disk = disk();
    let _: Vec<Op> = disk.ops();
    let before = disk.operations();
    let file = create(&disk, "/d/f.new");
    file.write_all_at(&[1; 9], 7).unwrap();
    file.allocate(100).unwrap();
    file.set_len(50).unwrap();
    disk.rename(Path::new("/d/f.new"), Path::new("/d/f")).unwrap();
    file.sync_data().unwrap();
    disk.sync_dir(Path::new("/d")).unwrap();
    disk.remove(Path::new("/d/f")).unwrap();
    let (new, f) = ("f.new".to_owned(), "f".to_owned());
    let wanted = [
        Op::Create(new.clone()),
        Op::Write(new.clone(), 7),
        Op::Allocate(new.clone(), 100),
        Op::SetLen(new.clone(), 50),
        Op::Rename(new, f.clone()),
        Op::Sync(f.clone()),
        Op::SyncDir("d".to_owned()),
        Op::Remove(f),
    ];
    assert_eq!((disk.ops(), disk.operations() - before), (wanted.to_vec(), 8));
    assert_eq!(wanted[1].to_string(), "write f.new at 7");
}

#[test]
fn a_sync_that_is_held_takes_no_write_along_that_came_later() {
    let (disk, file) = with_file(&[0; 1024]);
    disk.hold_syncs_of("f");
    file.write_all_at(&[1], 0).unwrap();
    std::thread::scope(|scope| {
        let sync = scope.spawn(|| file.sync_data());
        disk.until_held();
        file.write_all_at(&[1], 512).unwrap();
        disk.release_syncs();
        sync.join().unwrap().unwrap();
    });
    disk.power_loss(&mut Dice(0), Loss::Everything);
    let left = bytes(&disk).unwrap();
    assert_eq!((left[0], left[512]), (1, 0));
}
