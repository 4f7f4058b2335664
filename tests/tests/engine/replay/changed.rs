//! Code that does not fit what is recorded.

use factum::prelude::*;
use factum::testing::Sim;
use factum::{Divergence, ReplayError};

use super::*;

mod now {
    //! The present code of `fails`.
    use super::*;

    #[saga(app = World, name = "fails")]
    pub async fn swapped(what: String) -> Result<(), Oops> {
        inner(what.clone()).await?;
        work("before".to_owned()).await?;
        work(what).await?;
        Ok(())
    }

    #[saga(app = World, name = "fails")]
    pub async fn inserted(what: String) -> Result<(), Oops> {
        work("before".to_owned()).await?;
        sleep(seconds(1)).await;
        inner(what.clone()).await?;
        work(what).await?;
        Ok(())
    }

    #[saga(app = World, name = "fails")]
    pub async fn removed(what: String) -> Result<(), Oops> {
        work("before".to_owned()).await?;
        inner(what).await?;
        Ok(())
    }

    #[saga(app = World, name = "fails")]
    pub async fn added(what: String) -> Result<(), Oops> {
        work("before".to_owned()).await?;
        inner(what.clone()).await?;
        work(what).await?;
        work("more".to_owned()).await?;
        Ok(())
    }

    #[saga(app = World, name = "fails")]
    pub async fn other_arguments(what: String) -> Result<(), Oops> {
        work("beforehand".to_owned()).await?;
        inner(what.clone()).await?;
        work(what).await?;
        Ok(())
    }

    /// Ends otherwise.
    #[saga(app = World, name = "fails")]
    pub async fn other_end(what: String) -> Result<(), Oops> {
        work("before".to_owned()).await?;
        inner(what.clone()).await?;
        work(what).await?;
        Err(Oops::Later)
    }

    #[saga(app = World, name = "inner")]
    async fn shorter(what: String) -> Result<String, Oops> {
        let first = work(format!("{what} 1")).await?;
        Ok(first)
    }

    /// A saga inside it has changed, which has ended: an engine does not come to it again.
    #[saga(app = World, name = "fails")]
    pub async fn shorter_inside(what: String) -> Result<(), Oops> {
        work("before".to_owned()).await?;
        shorter(what.clone()).await?;
        work(what).await?;
        Ok(())
    }

    #[saga(app = World, name = "inner")]
    async fn louder(what: String) -> Result<String, Oops> {
        let (first, second) = (work(format!("{what} 1")).await?, work(format!("{what} 2")).await?);
        Ok(format!("{first}, {second}!"))
    }

    #[saga(app = World, name = "fails")]
    pub async fn louder_inside(what: String) -> Result<(), Oops> {
        work("before".to_owned()).await?;
        louder(what.clone()).await?;
        work(what).await?;
        Ok(())
    }
}

fn recorded() -> Vec<u8> {
    let (sim, world) = (Sim::new(1), World::new());
    sim.run(async {
        let engine = on_sim(&sim, &world).open().await.unwrap();
        engine.run(fails("well".into())).id("r").await.unwrap();
        let lines = exported(&engine, "r").await;
        engine.shutdown().await.unwrap();
        lines
    })
}

macro_rules! told {
    ($saga:path, $lines:expr) => {{
        let untouched = World::new();
        let builder = Engine::builder("").app(untouched.clone()).saga($saga);
        let error = alone(builder.replay(&$lines[..]).all_steps().steps(["nobody"])).unwrap_err();
        error
    }};
}

fn divergence(error: ReplayError) -> (String, String, String) {
    let ReplayError::Diverged { divergence, id } = error else { panic!("{error}") };
    assert_eq!(id, "r");
    let Divergence { at, site, expected, found, .. } = *divergence;
    assert!(site.contains("replay/changed.rs:"), "{site}");
    (at.to_string(), expected, found)
}

#[test]
fn another_order_a_step_more_and_a_step_less_are_told_with_both() {
    let lines = recorded();
    let text = |one: &str, two: &str, three: &str| (one.to_owned(), two.to_owned(), three.to_owned());
    assert_eq!(divergence(told!(now::swapped, lines)), text("0", "step `work`", "awaits saga `inner` version 1"));
    assert_eq!(divergence(told!(now::inserted, lines)), text("1", "saga `inner` version 1", "awaits a timer"));
    let wanted = "ends before it";
    assert_eq!(divergence(told!(now::removed, lines)), text("root", "step `work` at 2", wanted));
    assert_eq!(
        divergence(told!(now::added, lines)),
        text("3", "the end of the body, null", "awaits step `work` at 3, where nothing is recorded")
    );
    let (at, expected, found) = divergence(told!(now::other_arguments, lines));
    assert_eq!((at.as_str(), expected.as_str()), ("0", "step `work` with other arguments"));
    assert!(found.starts_with("awaits step `work` with others"), "{found}");
}

#[test]
fn what_ended_inside_a_run_is_replayed_too() {
    let lines = recorded();
    let (at, expected, found) = {
        let ReplayError::Diverged { divergence, .. } = told!(now::shorter_inside, lines) else { panic!() };
        (divergence.at.to_string(), divergence.expected.clone(), divergence.found.clone())
    };
    assert_eq!((at.as_str(), expected.as_str(), found.as_str()), ("1.1", "step `work`", "ends before it"));
    let ReplayError::OtherOutput { of, expected, found, .. } = told!(now::louder_inside, lines) else { panic!() };
    assert_eq!(of, "saga `inner` at 1");
    assert_eq!((expected.as_str(), found.as_str()), ("\"well 1 done, well 2 done\"", "\"well 1 done, well 2 done!\""));
}

#[test]
fn another_end_of_the_body_is_told_with_both() {
    let ReplayError::OtherOutput { of, expected, found, .. } = told!(now::other_end, recorded()) else { panic!() };
    assert_eq!((of.as_str(), expected.as_str(), found.as_str()), ("its body", "null", "error \"Later\""));
}

#[saga(app = World)]
async fn three() -> String {
    let (one, two, three) = join((held("one".to_owned()), held("two".to_owned()), held("three".to_owned()))).await;
    format!("{one}{two}{three}")
}

mod fewer {
    use super::*;

    #[saga(app = World, name = "three")]
    pub async fn two() -> String {
        let (one, two) = join((held("one".to_owned()), held("two".to_owned()))).await;
        format!("{one}{two}")
    }
}

#[test]
fn a_branch_less_is_told_before_the_others_go_on() {
    let (sim, world) = (Sim::new(3), World::new());
    let plain = || Engine::builder("/data").segment_bytes(64 << 10).app(world.clone()).sim(&sim);
    sim.run(async {
        let engine = plain().saga(three).open().await.unwrap();
        drop(engine.start(three()).id("r").await.unwrap());
        world.happened("held three", 1).await;
    });
    sim.kill();
    sim.run(async {
        let done = world.done();
        let report = plain().saga(fewer::two).verify_replay().await.unwrap();
        let engine = plain().saga(fewer::two).open().await.unwrap();
        let run = engine.attach(fewer::two, "r").await.unwrap();
        let Outcome::Diverged(run) = run.outcome().await.unwrap() else { panic!() };
        assert!(run.problem().contains("recorded step `held`, but the code has no such branch"), "{}", run.problem());
        assert_eq!(run.problem(), report.diverging[0].divergence.to_string());
        assert_eq!(world.done(), done, "nothing was done");
        engine.shutdown().await.unwrap();
    });
}

mod quiet {
    //! The present code of `fails`, which says more.
    use super::*;

    /// The recorded argument is no number.
    #[saga(app = World, name = "fails")]
    pub async fn number(what: u32) -> Result<(), Oops> {
        Err(Oops::Failed(what.to_string()))
    }

    #[saga(app = World, name = "fails")]
    pub async fn panicking(what: String) -> Result<(), Oops> {
        work("before".to_owned()).await?;
        let inside = inner(what.clone()).await;
        let end = work(what.clone()).await;
        panic!("{what} {inside:?} {end:?}")
    }

    #[saga(app = World, name = "fails")]
    pub async fn longer(what: String) -> Result<(), Oops> {
        work("before".to_owned()).await?;
        inner(what.clone()).await?;
        work(what.clone()).await.ok();
        Err(Oops::Failed(format!("{} {what}", "long ".repeat(202))))
    }
}

#[test]
fn secrets_are_hidden_in_what_a_replay_says() {
    const SECRET: &str = "planted-4711";
    // What stands for a secret is one, too: whatever is hidden once more than live is another text.
    let policy = || factum::Redaction::new().pattern("planted-[0-9]+|redacted").unwrap();
    let (sim, world) = (Sim::new(4), World::new());
    let lines = sim.run(async {
        let engine = on_sim(&sim, &world).redaction(policy()).open().await.unwrap();
        world.fail_next(SECRET);
        let run = engine.start(fails(SECRET.into())).id("r").await.unwrap();
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Failed(_)));
        let lines = exported(&engine, "r").await;
        engine.shutdown().await.unwrap();
        lines
    });
    let nowhere = || Engine::builder("").app(World::new()).redaction(policy());
    alone(with_all(Engine::builder(""), &world).redaction(policy()).replay(&lines[..])).unwrap();
    let steps = World::new();
    steps.fail_next(SECRET);
    alone(with_all(Engine::builder(""), &steps).redaction(policy()).replay(&lines[..]).step(work)).unwrap();
    let steps = with_all(Engine::builder(""), &World::new()).redaction(policy());
    let errors = [
        alone(nowhere().saga(quiet::number).replay(&lines[..])).unwrap_err(),
        alone(nowhere().saga(quiet::panicking).replay(&lines[..])).unwrap_err(),
        alone(nowhere().saga(quiet::longer).replay(&lines[..])).unwrap_err(),
        // It fails no more.
        alone(steps.replay(&lines[..]).step(work)).unwrap_err(),
    ];
    for error in errors {
        let told = format!("{error} {error:?}");
        assert!(!told.contains("planted") && told.contains("[redacted]"), "{told}");
    }
}
