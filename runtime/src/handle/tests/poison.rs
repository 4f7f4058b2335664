//! After a write or a sync that failed, nothing is acknowledged.

use super::world::{Bench, Go, whole};
use crate::engine::Error;
use crate::platform::sim::Fail;
use crate::storage::StorageError;

fn is_poisoned(error: &Error) -> bool {
    matches!(error, Error::Storage(StorageError::Poisoned { .. }))
}

#[tokio::test]
async fn a_failed_sync_stops_everything_and_reaches_everybody() {
    for fail in [Fail::Syncs, Fail::Writes] {
        let bench = Bench::new();
        let engine = bench.open().await.unwrap();
        let runs = [engine.start(whole(true)).id("a").await.unwrap(), engine.start(whole(true)).id("b").await.unwrap()];
        bench.fs.fail(fail);
        let acts = bench.world.acts().len();
        let error = engine.signal("a", Go {}).await.unwrap_err();
        assert!(is_poisoned(&error), "{error}");
        for run in &runs {
            let error = run.outcome().await.map(|_| ()).unwrap_err();
            assert!(is_poisoned(&error), "{error}");
        }
        bench.fs.fail(Fail::Nothing);
        bench.fs.ops();
        for error in [
            engine.start(whole(true)).id("c").await.map(|_| ()).unwrap_err(),
            engine.cancel("b").await.unwrap_err(),
            engine.clone().shutdown().await.unwrap_err(),
        ] {
            assert!(is_poisoned(&error), "{error}");
        }
        assert_eq!(bench.fs.ops(), [], "nothing is written or synced after a failure, though the disk would take it");
        assert!(bench.world.acts().len() <= acts + 2, "at most what was in the air");
        assert!(matches!(engine.list().await, Err(Error::Stopped { .. })));
    }
}
