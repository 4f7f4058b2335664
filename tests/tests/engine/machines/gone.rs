//! States that are gone and come back, machines that are gone, and two versions of one.

use std::time::Duration;

use factum::Status;
use factum::prelude::*;
use factum::testing::Sim;
use serde::{Deserialize, Serialize};

use super::children::load;
use super::{Bill, DAY, Send, on_sim};
use crate::world::{Oops, World};

/// One machine, as it was and as it came to be.
mod versions {
    use super::*;

    pub mod first {
        use super::*;

        #[fsm(name = "Crate", app = World, error = Oops)]
        #[reject]
        #[group(Old, timeout("2 days" => Gone))]
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub enum Box1 {
            #[initial]
            #[next(Full)]
            #[parent(Old)]
            #[accepts(Send)]
            Empty,
            #[next(Full, Shipped)]
            #[parent(Old)]
            #[accepts(Send)]
            Full { n: u32 },
            #[terminal]
            Shipped,
            #[terminal]
            Gone,
        }

        #[state]
        async fn empty(_: box1::Empty) -> Result<Next<box1::Empty>, Oops> {
            load("box".into()).await;
            signal::<Send>().await;
            Ok(go(box1::Full { n: 1 }))
        }

        #[state]
        async fn full(state: box1::Full) -> Result<Next<box1::Full>, Oops> {
            signal::<Send>().await;
            if state.n < 3 { Ok(go(box1::Full { n: state.n + 1 })) } else { Ok(go(box1::Shipped)) }
        }
    }

    pub mod second {
        use super::*;

        #[fsm(name = "Crate", app = World, error = Oops)]
        #[ignore]
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub enum Box2 {
            #[initial]
            #[next(Sent)]
            #[accepts(Send)]
            Empty,
            #[terminal]
            Sent,
        }

        #[state]
        async fn empty(_: box2::Empty) -> Result<Next<box2::Empty>, Oops> {
            load("box".into()).await;
            signal::<Send>().await;
            Ok(go(box2::Sent))
        }
    }

    pub mod next_version {
        use super::*;

        #[fsm(name = "Crate", version = 2, app = World, error = Oops)]
        #[reject]
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub enum Box3 {
            #[initial]
            #[next(Empty, Sent)]
            #[accepts(Bill)]
            Empty,
            #[terminal]
            Sent,
        }

        #[state]
        async fn empty(_: box3::Empty) -> Result<Next<box3::Empty>, Oops> {
            signal::<Bill>().await;
            Ok(go(box3::Sent))
        }
    }
}

#[test]
fn a_state_that_is_gone_and_comes_back_and_a_machine_that_is_gone() {
    use versions::first::{Box1, box1};
    use versions::next_version::{Box3, box3};
    use versions::second::Box2;
    let (sim, world) = (Sim::new(1), World::new());
    let plain = || on_sim(&sim, &world);
    sim.run(async {
        let engine = plain().fsm::<Box1>().fsm::<Box3>().open().await.unwrap();
        for id in ["a", "b", "c"] {
            let run = engine.start(box1::Empty).id(id).await.unwrap();
            run.signal(Send).await.unwrap();
            while run.state().unwrap() != (Box1::Full { n: 1 }) {
                sim.sleep(Duration::from_millis(1)).await;
            }
        }
        let newer = engine.start(box3::Empty).id("v2").await.unwrap();
        assert!(matches!(engine.start(box1::Empty).id("v2").await, Err(factum::Error::Conflict { .. })));
        assert!(matches!(engine.signal("v2", Send).await, Err(factum::Error::NotAccepted { .. })));
        assert!(matches!(engine.state::<Box1>("v2").await, Err(factum::Error::Conflict { .. })));
        drop(newer);
        engine.shutdown().await.unwrap();
    });
    sim.run(async {
        // The machine is not there at all.
        assert!(matches!(plain().open().await, Err(factum::Error::UnknownWorkflows { .. })));
        let engine = plain().fsm::<Box3>().keep_unknown_workflows().open().await.unwrap();
        assert!(matches!(engine.state::<Box1>("a").await, Err(factum::Error::NotRegistered { .. })));
        engine.signal("a", Send).await.unwrap();
        engine.pause("b", "who knows").await.unwrap();
        engine.cancel("c").await.unwrap();
        engine.signal("v2", Bill(1)).await.unwrap();
        let run = engine.attach_fsm::<Box3>("v2").await.unwrap();
        assert_eq!(run.outcome().await.unwrap().status(), Status::Completed);
        sim.sleep(Duration::from_secs(60)).await;
        engine.shutdown().await.unwrap();
    });
    sim.run(async {
        // The state is gone.
        let engine = plain().fsm::<Box2>().open().await.unwrap();
        let run = engine.attach_fsm::<Box2>("a").await.unwrap();
        let Outcome::Diverged(diverged) = run.outcome().await.unwrap() else { panic!("not diverged") };
        assert!(diverged.problem().contains("state `Full`"), "{}", diverged.problem());
        assert!(matches!(run.state(), Err(factum::Error::Undecodable { .. })));
        assert!(matches!(engine.signal("a", Send).await, Err(factum::Error::NotActive { .. })));
        // A cancel needs no body.
        let cancelled = engine.attach_fsm::<Box2>("c").await.unwrap().outcome().await.unwrap();
        assert_eq!(cancelled.status(), Status::Cancelled);
        engine.retry("a").await.unwrap();
        assert_eq!(run.outcome().await.unwrap().status(), Status::Diverged);
        drop((run, diverged, cancelled));
        sim.sleep(Duration::from_secs(60)).await;
        engine.shutdown().await.unwrap();
        assert_eq!(plain().fsm::<Box2>().verify().await.unwrap().problems, vec![]);
    });
    sim.run(async {
        // It is back.
        let engine = plain().fsm::<Box1>().fsm::<Box3>().open().await.unwrap();
        assert_eq!(engine.state::<Box1>("a").await.unwrap(), Box1::Full { n: 1 });
        engine.retry("a").await.unwrap();
        let run = engine.attach_fsm::<Box1>("a").await.unwrap();
        while run.state().unwrap() != (Box1::Full { n: 2 }) {
            sim.sleep(Duration::from_millis(1)).await;
        }
        // Its group was never left.
        sim.sleep(2 * DAY).await;
        let Outcome::Completed(done) = run.outcome().await.unwrap() else { panic!("not completed") };
        assert_eq!(done.output(), &Box1::Gone);
        engine.resume("b").await.unwrap();
        let late = engine.attach_fsm::<Box1>("b").await.unwrap();
        assert_eq!(late.outcome().await.unwrap().status(), Status::Completed);
        assert_eq!(late.state().unwrap(), Box1::Gone);
        assert_eq!(world.done()[3..], ["unload box"]);
        engine.shutdown().await.unwrap();
    });
}
