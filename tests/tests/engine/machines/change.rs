//! The code changes under runs: states go, fields come, versions stand side by side.

use std::time::Duration;

use factum::prelude::*;
use factum::testing::{Loss, Sim};
use factum::{Builder, Error, Status};
use serde::{Deserialize, Serialize};

use super::{falls_asleep, new_sim};

/// A machine in another version of its code: everything of it stands in a module of its own.
macro_rules! edition {
    ($edition:ident, $version:literal, { $($variants:tt)* }, { $($items:tt)* }) => {
        mod $edition {
            use super::*;

            #[fsm(name = "flow", version = $version)]
            #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
            pub enum Flow { $($variants)* }

            #[signal(name = "step on")]
            #[derive(Debug, Serialize, Deserialize)]
            pub struct On;

            $($items)*
        }
    };
}

edition!(old, 1, {
    #[initial] #[next(Middle)] #[accepts(On)] #[timeout("1h" => Last { n: 0 })]
    First,
    #[next(Last)] #[accepts(On)] #[timeout("5h" => Last { n: 1 })]
    Middle { n: u32 },
    #[terminal]
    Last { n: u32 },
}, {
    #[state]
    async fn first(_: flow::First) -> Next<flow::First> {
        signal::<On>().await;
        go(flow::Middle { n: 7 })
    }
    #[state]
    async fn middle(state: flow::Middle) -> Next<flow::Middle> {
        signal::<On>().await;
        go(flow::Last { n: state.n })
    }
});

edition!(without, 1, {
    #[initial] #[next(Last)] #[accepts(On)]
    First,
    #[terminal]
    Last { n: u32 },
}, {
    #[state]
    async fn first(_: flow::First) -> Next<flow::First> {
        signal::<On>().await;
        go(flow::Last { n: 0 })
    }
});

edition!(with_field, 1, {
    #[initial] #[next(Middle)] #[accepts(On)] #[timeout("1h" => Last { n: 0 })]
    First,
    #[next(Last)] #[accepts(On)] #[timeout("5h" => Last { n: 1 })]
    #[serde(alias = "Old")]
    Middle { n: u32, #[serde(default)] more: Vec<u32> },
    #[terminal]
    Last { n: u32 },
}, {
    #[state]
    async fn first(_: flow::First) -> Next<flow::First> {
        signal::<On>().await;
        go(flow::Middle { n: 7, more: vec![1] })
    }
    #[state]
    async fn middle(state: flow::Middle) -> Next<flow::Middle> {
        signal::<On>().await;
        go(flow::Last { n: state.n + 10 * state.more.len() as u32 })
    }
});

edition!(renamed, 1, {
    #[initial] #[next(Between)] #[accepts(On)] #[timeout("1h" => Last { n: 0 })]
    First,
    #[next(Last)] #[accepts(On)] #[timeout("5h" => Last { n: 1 })]
    #[serde(alias = "Middle")]
    Between { n: u32 },
    #[terminal]
    Last { n: u32 },
}, {
    #[state]
    async fn first(_: flow::First) -> Next<flow::First> {
        signal::<On>().await;
        go(flow::Between { n: 7 })
    }
    #[state]
    async fn between(state: flow::Between) -> Next<flow::Between> {
        signal::<On>().await;
        go(flow::Last { n: state.n + 1 })
    }
});

edition!(second, 2, {
    #[initial] #[next(Last)] #[accepts(On)]
    Other,
    #[terminal]
    Last { text: String },
}, {
    #[state]
    async fn other(_: flow::Other) -> Next<flow::Other> {
        signal::<On>().await;
        go(flow::Last { text: "second".into() })
    }
});

fn builder(sim: &Sim) -> Builder {
    let small = Engine::builder(super::DIR).segment_bytes(64 << 10).sim(sim);
    small.checkpoint_interval(Duration::from_secs(2)).sleep_after(Duration::from_secs(3))
}

/// Leaves a run in `Middle`, asleep or not.
fn in_the_middle(sim: &Sim, asleep: bool) {
    sim.run(async {
        let engine = builder(sim).fsm::<old::Flow>().open().await.unwrap();
        let run = engine.start(old::flow::First).id("f").await.unwrap();
        run.signal(old::On).await.unwrap();
        while run.state().unwrap() != (old::Flow::Middle { n: 7 }) {
            sim.sleep(Duration::from_millis(1)).await;
        }
        super::waits(&run, sim).await;
        drop(run);
        if asleep {
            falls_asleep(&engine, sim).await;
        }
        std::mem::forget(engine);
    });
    sim.crash(Loss::Everything);
}

#[test]
fn a_run_in_a_state_that_is_gone_has_diverged_by_name_and_goes_on_when_it_is_back() {
    for asleep in [false, true] {
        let sim = new_sim(1);
        in_the_middle(&sim, asleep);
        sim.run(async {
            let engine = builder(&sim).fsm::<without::Flow>().open().await.unwrap();
            let run = engine.attach_fsm::<without::Flow>("f").await.unwrap();
            let Outcome::Diverged(diverged) = run.outcome().await.unwrap() else { panic!("not diverged") };
            let problem = diverged.problem();
            assert!(problem.contains("recorded state `Middle`"), "{problem}");
            assert!(problem.contains("has no such state: it has `First`, `Last`"), "{problem}");
            assert!(problem.contains("machine `flow`") && problem.contains("change.rs"), "{problem}");
            assert!(matches!(engine.state::<without::Flow>("f").await, Err(Error::Undecodable { what: "state", .. })));
            // Once more, and no better.
            engine.retry("f").await.unwrap();
            assert_eq!(run.outcome().await.unwrap().status(), Status::Diverged);
            assert!(matches!(engine.signal("f", without::On).await, Err(Error::NotActive { .. })));
            engine.shutdown().await.unwrap();
        });
        sim.run(async {
            let engine = builder(&sim).fsm::<old::Flow>().open().await.unwrap();
            assert_eq!(engine.state::<old::Flow>("f").await.unwrap(), old::Flow::Middle { n: 7 });
            engine.retry("f").await.unwrap();
            engine.signal("f", old::On).await.unwrap();
            let run = engine.attach_fsm::<old::Flow>("f").await.unwrap();
            let Outcome::Completed(done) = run.outcome().await.unwrap() else { panic!("not completed") };
            assert_eq!(done.output(), &old::Flow::Last { n: 7 });
            engine.shutdown().await.unwrap();
        });
    }
}

#[test]
fn a_state_that_diverged_keeps_its_deadline() {
    let sim = new_sim(2);
    in_the_middle(&sim, false);
    sim.run(async {
        let engine = builder(&sim).fsm::<without::Flow>().open().await.unwrap();
        let run = engine.attach_fsm::<without::Flow>("f").await.unwrap();
        assert_eq!(run.outcome().await.unwrap().status(), Status::Diverged);
        engine.shutdown().await.unwrap();
    });
    sim.jump(Duration::from_secs(5 * 3_600));
    sim.run(async {
        let engine = builder(&sim).fsm::<old::Flow>().open().await.unwrap();
        engine.retry("f").await.unwrap();
        let run = engine.attach_fsm::<old::Flow>("f").await.unwrap();
        let Outcome::Completed(done) = run.outcome().await.unwrap() else { panic!("not completed") };
        assert_eq!(done.output(), &old::Flow::Last { n: 1 });
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_new_field_with_a_default_reads_old_states() {
    for asleep in [false, true] {
        let sim = new_sim(3);
        in_the_middle(&sim, asleep);
        sim.run(async {
            let engine = builder(&sim).fsm::<with_field::Flow>().open().await.unwrap();
            let state = engine.state::<with_field::Flow>("f").await.unwrap();
            assert_eq!(state, with_field::Flow::Middle { n: 7, more: vec![] });
            engine.signal("f", with_field::On).await.unwrap();
            let run = engine.attach_fsm::<with_field::Flow>("f").await.unwrap();
            let Outcome::Completed(done) = run.outcome().await.unwrap() else { panic!("not completed") };
            assert_eq!(done.output(), &with_field::Flow::Last { n: 7 });
            engine.shutdown().await.unwrap();
        });
    }
}

#[test]
fn a_state_with_another_name_is_read_by_its_alias_takes_its_signals_and_keeps_its_deadline() {
    for late in [false, true] {
        let sim = new_sim(4);
        in_the_middle(&sim, true);
        if late {
            sim.jump(Duration::from_secs(5 * 3_600));
        }
        sim.run(async {
            let engine = builder(&sim).fsm::<renamed::Flow>().open().await.unwrap();
            if !late {
                assert_eq!(engine.state::<renamed::Flow>("f").await.unwrap(), renamed::Flow::Between { n: 7 });
                engine.signal("f", renamed::On).await.unwrap();
            }
            let run = engine.attach_fsm::<renamed::Flow>("f").await.unwrap();
            let Outcome::Completed(done) = run.outcome().await.unwrap() else { panic!("not completed") };
            assert_eq!(done.output(), &renamed::Flow::Last { n: if late { 1 } else { 8 } });
            engine.shutdown().await.unwrap();
        });
    }
}

#[test]
fn two_versions_of_a_machine_run_side_by_side() {
    let sim = new_sim(5);
    in_the_middle(&sim, false);
    sim.run(async {
        let engine = builder(&sim).fsm::<old::Flow>().fsm::<second::Flow>().open().await.unwrap();
        let new = engine.start(second::flow::Other).id("g").await.unwrap();
        engine.signal("g", second::On).await.unwrap();
        engine.signal("f", second::On).await.unwrap();
        let Outcome::Completed(done) = new.outcome().await.unwrap() else { panic!("not completed") };
        assert_eq!(done.output(), &second::Flow::Last { text: "second".into() });
        let run = engine.attach_fsm::<old::Flow>("f").await.unwrap();
        let Outcome::Completed(done) = run.outcome().await.unwrap() else { panic!("not completed") };
        assert_eq!(done.output(), &old::Flow::Last { n: 7 });
        let error = engine.attach_fsm::<second::Flow>("f").await.unwrap_err();
        assert!(matches!(error, Error::Conflict { differs: "version", .. }), "{error}");
        let error = engine.state::<old::Flow>("g").await.unwrap_err();
        assert!(matches!(error, Error::Conflict { differs: "version", .. }), "{error}");
        engine.shutdown().await.unwrap();
        // Without the old version the old run would be stranded, if it had not ended.
        builder(&sim).fsm::<second::Flow>().open().await.unwrap().shutdown().await.unwrap();
    });
    let sim = new_sim(6);
    in_the_middle(&sim, true);
    sim.run(async {
        let error = builder(&sim).fsm::<second::Flow>().open().await.unwrap_err();
        assert!(matches!(&error, Error::UnknownWorkflows { missing } if missing[0].version == 1), "{error}");
    });
}
