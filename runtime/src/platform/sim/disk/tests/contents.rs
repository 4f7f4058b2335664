//! Bytes and lengths of files.

use super::*;

#[test]
fn what_was_synced_survives_every_loss() {
    let (disk, file) = with_file(&[1; 5000]);
    file.write_all_at(&[2; 700], 300).unwrap();
    file.set_len(4000).unwrap();
    file.sync_data().unwrap();
    let shown = bytes(&disk);
    for loss in Loss::ALL {
        assert_eq!(outcomes(&disk, loss, bytes), BTreeSet::from([shown.clone()]), "{loss:?}");
    }
}

#[test]
fn any_subset_of_the_writes_since_the_last_sync_survives() {
    let (disk, file) = with_file(&[0; 4 * 512]);
    for i in 0..3 {
        file.write_all_at(&[1], i * 512).unwrap();
    }
    let written = |disk: &Disk| bytes(disk).unwrap().chunks(512).map(|sector| sector[0]).collect::<Vec<_>>();
    assert_eq!(outcomes(&disk, Loss::Any, written).len(), 8, "three writes, each there or not");
    assert_eq!(outcomes(&disk, Loss::Nothing, written), BTreeSet::from([vec![1, 1, 1, 0]]));
    assert_eq!(outcomes(&disk, Loss::Everything, written), BTreeSet::from([vec![0; 4]]));
    assert_eq!(outcomes(&disk, Loss::Contents, written), BTreeSet::from([vec![0; 4]]));
    assert_eq!(outcomes(&disk, Loss::Names, written), BTreeSet::from([vec![1, 1, 1, 0]]));
    assert_eq!(outcomes(&disk, Loss::Last, written), BTreeSet::from([vec![1, 1, 0, 0], vec![1, 1, 1, 0]]));
    assert_eq!(outcomes(&disk, Loss::AllButLast, written), BTreeSet::from([vec![0, 0, 1, 0]]));
}

#[test]
fn an_older_write_can_survive_where_a_newer_one_was() {
    let (disk, file) = with_file(&[0; 512]);
    file.write_all_at(&[1; 512], 0).unwrap();
    file.write_all_at(&[2; 512], 0).unwrap();
    let first = |disk: &Disk| bytes(disk).unwrap()[0];
    assert_eq!(outcomes(&disk, Loss::Any, first), BTreeSet::from([0, 1, 2]));
}

#[test]
fn a_write_tears_at_sectors_and_nowhere_else() {
    for sector in [512, 4096] {
        let (disk, file) = with_file(&[0; 4 * 4096]);
        disk.set_sector(sector);
        // It begins and ends within a sector.
        file.write_all_at(&[1; 2 * 4096], 100).unwrap();
        let torn = outcomes(&disk, Loss::Any, bytes);
        for bytes in torn.iter().flatten() {
            let changes = bytes.windows(2).enumerate().filter(|(_, pair)| pair[0] != pair[1]).map(|(i, _)| i + 1);
            let odd = |at: &usize| !at.is_multiple_of(sector) && *at != 100 && *at != 100 + 2 * 4096;
            assert_eq!(changes.filter(odd).collect::<Vec<_>>(), [] as [usize; 0]);
        }
        let most = if sector == 512 { 60 } else { 8 };
        assert!(torn.len() >= most, "{} outcomes with sectors of {sector}", torn.len());
    }
}

#[test]
fn a_length_and_the_bytes_behind_the_old_one_are_lost_apart() {
    let (disk, file) = with_file(&[1; 10]);
    file.write_all_at(&[2; 10], 10).unwrap();
    let seen = outcomes(&disk, Loss::Any, bytes);
    let wanted = [vec![1; 10], [[1; 10], [0; 10]].concat(), [[1; 10], [2; 10]].concat()].map(Some);
    assert_eq!(seen, BTreeSet::from(wanted));
}

#[test]
fn a_length_that_was_set_or_allocated_is_lost_or_kept() {
    for (change, len) in [
        ((|file| file.set_len(4)) as fn(&dyn File) -> std::io::Result<()>, 4),
        (|file| file.set_len(600), 600),
        (|file| file.allocate(600), 600),
    ] {
        let (disk, file) = with_file(&[1; 10]);
        change(&*file).unwrap();
        assert_eq!(file.len().unwrap(), len);
        let seen = outcomes(&disk, Loss::Any, |disk| bytes(disk).unwrap().len() as u64);
        assert_eq!(seen, BTreeSet::from([10, len]));
        file.sync_data().unwrap();
        let seen = outcomes(&disk, Loss::Everything, |disk| bytes(disk).unwrap().len() as u64);
        assert_eq!(seen, BTreeSet::from([len]));
    }
}

#[test]
fn bytes_that_were_cut_off_do_not_come_back_with_the_length() {
    let (disk, file) = with_file(&[1; 10]);
    file.set_len(0).unwrap();
    file.set_len(10).unwrap();
    let seen = outcomes(&disk, Loss::Any, bytes);
    assert_eq!(seen, BTreeSet::from([vec![], vec![0; 10], vec![1; 10]].map(Some)));
}

#[test]
fn allocation_shortens_no_file() {
    let (_, file) = with_file(&[1; 10]);
    file.allocate(5).unwrap();
    assert_eq!(file.len().unwrap(), 10);
}

#[test]
fn a_map_shows_what_was_there_when_it_was_made() {
    let (_, file) = with_file(&[1; 10]);
    let map = file.map(8).unwrap();
    file.write_all_at(&[2; 10], 0).unwrap();
    assert_eq!(map.bytes(2, 6), Some(&[1; 6][..]));
    assert_eq!(map.bytes(3, 6), None);
    assert_eq!(file.map(11).unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
}

#[test]
fn a_length_that_no_disk_has_is_refused_before_it_takes_memory() {
    let (_, file) = with_file(&[]);
    assert!(file.set_len(u64::MAX).is_err());
    assert!(file.allocate(1 << 50).is_err());
    assert!(file.write_all_at(&[1], u64::MAX).is_err());
    assert_eq!(file.len().unwrap(), 0);
}

#[test]
fn a_file_that_is_open_to_be_read_is_not_written() {
    let (disk, _) = with_file(&[1; 10]);
    let file = disk.open(Path::new("/d/f"), Open::Read).unwrap();
    assert!(file.write_all_at(&[2], 0).is_err() && file.set_len(0).is_err() && file.allocate(99).is_err());
    assert_eq!(bytes(&disk), Some(vec![1; 10]));
}
