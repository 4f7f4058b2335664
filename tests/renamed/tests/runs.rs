//! What was built under another name runs.

use durable::{Engine, Failure, Outcome, RunError};
use factum_renamed::{Approval, Order, Parcel, PayError, checkout, parcel};

#[tokio::test]
async fn a_crate_that_calls_factum_by_another_name_runs_its_sagas() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::builder(dir.path()).saga(checkout).open().await.unwrap();
    let order = |cents| Order { customer: "ann".into(), cents };

    let run = engine.start(checkout(order(42))).id("order-1").await.unwrap();
    engine.signal("order-1", Approval { by: "bob".into() }).await.unwrap();
    let Outcome::Completed(run) = run.outcome().await.unwrap() else {
        panic!("it did not complete");
    };
    assert_eq!(run.output(), "42 by bob");

    let refused = engine.run(checkout(order(2_000))).id("order-2").await.unwrap_err();
    let RunError::Failed(failure) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(failure, Failure::Error(PayError::Declined));
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_crate_that_calls_factum_by_another_name_runs_its_machines() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::builder(dir.path()).fsm::<Parcel>().open().await.unwrap();
    let order = Order { customer: "ann".into(), cents: 42 };

    let run = engine.start(parcel::Packed { order }).id("parcel-1").await.unwrap();
    engine.signal("parcel-1", Approval { by: "bob".into() }).await.unwrap();
    let Outcome::Completed(run) = run.outcome().await.unwrap() else {
        panic!("it did not complete");
    };
    let Parcel::Gone(sold) = run.output() else {
        panic!("it went elsewhere");
    };
    assert_eq!(sold, "42 by bob");
    engine.shutdown().await.unwrap();
}
