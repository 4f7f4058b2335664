//! Keys that are missing, or others; none; and a directory that had none before.

use super::*;

/// The disk's files with their bytes, but for the checkpoint, which is opened to see what needs a key.
fn files(sim: &Sim) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let raw = sim.disk().raw();
    let files = raw.list().into_iter().filter(|path| path.extension().is_none_or(|end| end != "redb"));
    files.map(|path| (path.clone(), raw.read(&path).unwrap())).collect()
}

/// A directory in which somebody has spoken.
fn spoken() -> (Sim, World) {
    let (sim, world) = (Sim::new(6), World::new());
    sim.run(async {
        let engine = encrypted(&sim, &world).open().await.unwrap();
        speak(&engine, &sim, 1).await;
        until_asleep(&engine, &sim).await;
        engine.shutdown().await.unwrap();
    });
    (sim, world)
}

#[test]
fn a_directory_opens_with_its_keys_alone_and_is_as_it_was_otherwise() {
    let (sim, world) = spoken();
    let before = files(&sim);
    let refused = |builder: Builder<World>| sim.run(builder.open()).map(drop).unwrap_err();
    let error = refused(plain(&sim, &world));
    assert_eq!(
        error.to_string(),
        "the data directory `/data` cannot be had: it is encrypted: build with feature `encrypt` and give \
         `Builder::encrypt(..)`"
    );
    assert_eq!(why(error), CryptError::NoKeys);
    let error = refused(plain(&sim, &world).encrypt(StaticKeys::new(id("one"), key(2))));
    assert_eq!(
        error.to_string(),
        "`/data/MANIFEST` cannot be had: what the key provider has for the key `one` is another key"
    );
    assert_eq!(why(error), CryptError::WrongKey { key: id("one") });
    let error = refused(plain(&sim, &world).encrypt(StaticKeys::new(id("two"), key(2))));
    assert!(error.to_string().contains("LSN "), "it says where: {error}");
    assert_eq!(why(error), CryptError::MissingKey { key: id("one") });
    assert_eq!(files(&sim), before, "a refusal changes nothing");
    sim.run(async { encrypted(&sim, &world).open().await.unwrap().shutdown().await.unwrap() });
}

#[test]
fn runs_in_flight_are_replayed_with_the_keys_alone_and_nothing_is_changed() {
    let (sim, world) = spoken();
    let before = files(&sim);
    let report = sim.run(encrypted(&sim, &world).verify_replay()).unwrap();
    assert!(report.is_clean() && report.fit == 5, "{report:?}");
    assert_eq!(why(sim.run(plain(&sim, &world).verify_replay()).unwrap_err()), CryptError::NoKeys);
    let other = plain(&sim, &world).encrypt(StaticKeys::new(id("one"), key(2)));
    assert_eq!(why(sim.run(other.verify_replay()).unwrap_err()), CryptError::WrongKey { key: id("one") });
    assert_eq!(files(&sim), before);
}

#[test]
fn bytes_are_verified_without_keys_and_their_meaning_with_them() {
    let (sim, world) = spoken();
    let report = sim.run(plain(&sim, &world).verify()).unwrap();
    assert!(report.is_clean() && report.locked, "{:?}", report.problems);
    assert_eq!((report.runs, report.keys.len()), (0, 1));
    let used = &report.keys[0];
    assert_eq!(used.key, id("one"));
    assert!(used.records > 10 && used.rows >= 4 && used.blobs >= 3 && report.blobs >= 3, "{report:?}");
    let opened = sim.run(encrypted(&sim, &world).verify()).unwrap();
    assert!(opened.is_clean() && !opened.locked && opened.runs == 6, "{opened:?}");
    assert_eq!(opened.keys, report.keys);
    let wrong = sim.run(plain(&sim, &world).encrypt(StaticKeys::new(id("one"), key(9))).verify()).unwrap_err();
    assert_eq!(why(wrong), CryptError::WrongKey { key: id("one") });
    let without = sim.run(plain(&sim, &world).encrypt(StaticKeys::new(id("two"), key(9))).verify()).unwrap();
    assert!(!without.is_clean() && without.problems[0].to_string().contains("`one`"), "{:?}", without.problems);
}

#[test]
fn a_directory_that_was_plain_is_encrypted_from_then_on() {
    let (sim, world) = (Sim::new(6), World::new());
    sim.run(async {
        let engine = plain(&sim, &world).open().await.unwrap();
        drop(engine.start(asks("in the open".to_owned())).id("old").await.unwrap());
        drop(engine.start(placed_("in the open")).id("order").await.unwrap());
        until_asleep(&engine, &sim).await;
        drop(engine.start(asks("in the open".to_owned())).id("older").await.unwrap());
        engine.shutdown().await.unwrap();
        let engine = encrypted(&sim, &world).open().await.unwrap();
        speak(&engine, &sim, 1).await;
        for id in ["old", "older"] {
            engine.signal(id, Told { by: SECRET.to_owned(), with: None }).await.unwrap();
            let outcome = engine.attach(asks, id).await.unwrap().outcome().await.unwrap();
            assert_eq!(outcome.status(), Status::Completed);
        }
        until_asleep(&engine, &sim).await;
        engine.shutdown().await.unwrap();
    });
    assert!(readable(&sim).is_empty(), "{:?}", readable(&sim));
    assert_eq!(why(sim.run(plain(&sim, &world).open()).map(drop).unwrap_err()), CryptError::NoKeys);
    sim.run(async {
        let report = encrypted(&sim, &world).verify().await.unwrap();
        assert!(report.is_clean() && !report.locked, "{:?}", report.problems);
        let engine = encrypted(&sim, &world).open().await.unwrap();
        assert!(engine.history("old").await.unwrap().to_string().contains("in the open"));
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_backup_is_encrypted_and_an_export_is_not() {
    let (sim, world) = spoken();
    let mut exported = Vec::new();
    sim.run(async {
        let engine = encrypted(&sim, &world).open().await.unwrap();
        // In the middle of a step's retries, with a blob as its argument.
        engine.export("good1", &mut exported).await.unwrap();
        engine.backup("/copy").await.unwrap();
        engine.shutdown().await.unwrap();
    });
    assert!(readable(&sim).is_empty(), "{:?}", readable(&sim));
    assert!(exported.windows(SECRET.len()).any(|bytes| bytes == SECRET.as_bytes()));
    let of_copy = |builder: Builder<World>| builder.restore();
    let copied = |keys: Option<StaticKeys>| {
        let builder =
            Engine::builder("/copy").app(world.clone()).saga(tells).saga(asks).saga(counts).fsm::<Order>().sim(&sim);
        of_copy(match keys {
            Some(keys) => builder.encrypt(keys),
            None => builder,
        })
    };
    assert_eq!(why(sim.run(copied(None).open()).map(drop).unwrap_err()), CryptError::NoKeys);
    sim.run(async {
        let engine = copied(Some(keys())).open().await.unwrap();
        assert_eq!(engine.list().await.unwrap().len(), 6);
        end(&engine, &sim, &world, 1).await;
        engine.shutdown().await.unwrap();
        // Elsewhere the same run goes on: its arguments are the same, though its blobs are encrypted anew.
        let keys = StaticKeys::new(id("another"), key(3));
        let there = Engine::builder("/there").app(world.clone()).saga(tells).sim(&sim).encrypt(keys);
        let engine = there.open().await.unwrap();
        engine.import(&exported[..]).await.unwrap();
        engine.signal("good1", Told { by: "bob".to_owned(), with: None }).await.unwrap();
        while engine.list().await.unwrap()[0].status != Status::Paused {
            sim.sleep(Duration::from_millis(10)).await;
        }
        engine.resume("good1").await.unwrap();
        let outcome = engine.attach(tells, "good1").await.unwrap().outcome().await.unwrap();
        assert_eq!(outcome.status(), Status::Completed, "{outcome:?}");
        engine.shutdown().await.unwrap();
    });
    assert!(readable(&sim).is_empty(), "{:?}", readable(&sim));
}
