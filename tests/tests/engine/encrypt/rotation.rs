//! New keys for what comes, old ones for what is there, and the moment at which an old one can go.

use super::*;

fn both() -> StaticKeys {
    StaticKeys::new(id("two"), key(2)).older(id("one"), key(1))
}

fn two() -> StaticKeys {
    StaticKeys::new(id("two"), key(2))
}

#[test]
fn a_key_is_rotated_and_the_old_one_goes_when_nothing_needs_it() {
    let (sim, world) = (Sim::new(4), World::new());
    let with = |keys: StaticKeys| plain(&sim, &world).encrypt(keys);
    let used = || {
        let report = sim.run(with(both()).verify()).unwrap();
        assert!(report.is_clean(), "{:?}", report.problems);
        report.keys.into_iter().map(|used| used.key.to_string()).collect::<Vec<_>>()
    };
    sim.run(async {
        let engine = with(keys()).open().await.unwrap();
        speak(&engine, &sim, 1).await;
        until_asleep(&engine, &sim).await;
        engine.shutdown().await.unwrap();
    });
    assert_eq!(used(), ["one"]);
    sim.run(async {
        let engine = with(both()).open().await.unwrap();
        end(&engine, &sim, &world, 1).await;
        speak(&engine, &sim, 2).await;
        until_asleep(&engine, &sim).await;
        engine.shutdown().await.unwrap();
    });
    assert_eq!(used(), ["one", "two"]);
    // While anything needs it, the directory does not open without it.
    let missing = sim.run(with(two()).open()).map(drop).unwrap_err();
    assert_eq!(why(missing), CryptError::MissingKey { key: id("one") });
    sim.run(async {
        let engine = with(both()).keep_ended(0).open().await.unwrap();
        engine.signal("asks1", Told { by: String::new(), with: None }).await.unwrap();
        engine.resume("order1").await.unwrap();
        engine.cancel("order1").await.unwrap();
        engine.cancel("nightly1").await.unwrap();
        for _ in 0..4 {
            // The log's last segments go when others have come.
            end_of_segment(&engine, &sim).await;
        }
        while engine.list().await.unwrap().len() > 5 {
            sim.sleep(Duration::from_secs(1)).await;
        }
        engine.shutdown().await.unwrap();
    });
    // Ids of runs that were forgotten stay known for ever, unless told otherwise.
    assert_eq!(used(), ["two"]);
    sim.run(async {
        let engine = with(two()).open().await.unwrap();
        speak(&engine, &sim, 3).await;
        engine.shutdown().await.unwrap();
        // It is forgotten: a new key may even have its name.
        let engine = with(two().older(id("one"), key(7))).open().await.unwrap();
        engine.shutdown().await.unwrap();
    });
    assert!(readable(&sim).is_empty(), "{:?}", readable(&sim));
}

async fn end_of_segment(engine: &Engine, sim: &Sim) {
    assert_eq!(engine.run(counts(0)).await.unwrap(), 0);
    sim.sleep(Duration::from_secs(30)).await;
}
