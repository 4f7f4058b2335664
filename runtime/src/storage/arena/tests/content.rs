//! Blobs by the name of their content.

use super::*;

#[tokio::test]
async fn one_content_is_stored_once() {
    let bench = Bench::new();
    let arena = bench.open();
    // The segment's header and the blob; a larger blob's header goes before it.
    for (size, writes) in [(100, 2), (100_000, 3)] {
        let bytes = vec![5; size];
        let puts: Vec<_> = (0..10).map(|_| arena.put_content(source(&bytes))).collect();
        let mut places = Vec::new();
        for put in puts {
            let (digest, blob) = put.await.unwrap();
            assert_eq!((digest, &*blob), (Digest::of_bytes(&[&bytes]), &bytes[..]));
            places.push((digest, blob));
        }
        let (digest, later) = arena.put_content(source(&bytes)).await.unwrap();
        assert!(places.iter().all(|(_, blob)| blob.at() == later.at()));
        assert_eq!(arena.get_content(digest).unwrap().at(), later.at());
        assert_eq!(bench.fs.count(Kind::Write), writes);
        bench.fs.ops();
        let other = put(&arena, &bytes).await;
        assert_ne!(other.at().id, later.at().id, "a blob without the name of its content is one of its own");
        bench.fs.ops();
    }
}

#[tokio::test]
async fn a_failed_put_fails_for_all_who_put_its_content() {
    let bench = Bench::new();
    let arena = bench.open();
    put(&arena, b"the segment is made").await;
    bench.fs.fail(Break::Next(Kind::Sync, io::ErrorKind::Other));
    let (one, two) = tokio::join!(arena.put_content(source(b"x")), arena.put_content(source(b"x")));
    assert!(one.is_err() && two.is_err() && !bench.fs.is_broken());
    let (digest, blob) = arena.put_content(source(b"x")).await.unwrap();
    assert_eq!((arena.get_content(digest).unwrap(), &*blob), (blob.clone(), &b"x"[..]));
}

#[tokio::test]
async fn a_content_is_forgotten_with_its_blob() {
    let bench = Bench::new();
    let arena = bench.open();
    let (digest, blob) = arena.put_content(source(b"x")).await.unwrap();
    arena.collect();
    assert!(arena.get_content(digest).is_ok());
    drop(blob);
    arena.collect();
    let error = arena.get_content(digest).unwrap_err();
    assert_eq!(error.to_string(), format!("there is no blob whose SHA-256 is {digest}"));
    let (again, blob) = arena.put_content(source(b"x")).await.unwrap();
    assert_eq!((again, &*blob), (digest, &b"x"[..]));
}

#[tokio::test]
async fn a_known_content_is_checked_the_first_time() {
    let bench = Bench::new();
    let arena = bench.open();
    let (digest, blob) = arena.put_content(source(b"right")).await.unwrap();
    let wrong = put(&arena, b"wrong").await;
    let known = vec![blob.at(), wrong.at()];
    drop(arena);
    let arena = bench.open_with(known.clone()).unwrap();
    arena.known_content(digest, blob.at().id).unwrap();
    bench.fs.ops();
    assert_eq!(arena.put_content(source(b"right")).await.unwrap().1.at(), blob.at());
    assert_eq!(bench.fs.ops(), [], "it is there");
    assert!(arena.known_content(digest, 99).is_err());
    assert!(arena.known_content(Digest([0; 32]), blob.at().id).is_err(), "it has another content");
    drop(arena);
    let arena = bench.open_with(known).unwrap();
    arena.known_content(digest, wrong.at().id).unwrap();
    let error = arena.get_content(digest).unwrap_err();
    assert!(matches!(error, StorageError::Damaged { offset, .. } if offset == wrong.at().offset + 64), "{error}");
}
