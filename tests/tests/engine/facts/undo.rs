//! Facts of an undo, and of a step that is tried again after its end.

use factum::prelude::*;
use factum::testing::{Loss, Sim};

use super::scene::{Act, Asking, End, Oops, Outside, ask, builder, facts};

#[step(retry(attempts = 9, initial = "1s"))]
async fn give_back(io: &mut Io<Outside>, what: String) -> Result<(), Oops> {
    let transport = Asking(io.app().clone());
    let asks = io.app().asks.lock().unwrap().clone();
    let rate = io.call(&transport, ask(&format!("back{asks} {what}"))).await?.text;
    let at: u64 = io.random().await;
    io.app().act(format!("gave back {rate} {at}"));
    io.app().end().await
}

#[step(compensate = give_back(what.clone()))]
async fn take(io: &mut Io<Outside>, what: String) -> Result<String, Oops> {
    let transport = Asking(io.app().clone());
    Ok(io.call(&transport, ask(&format!("take {what}"))).await?.text)
}

#[step(pivot, retry(attempts = 1))]
async fn ship(io: &mut Io<Outside>) -> Result<String, Oops> {
    let transport = Asking(io.app().clone());
    let label = io.call(&transport, ask("label")).await?.text;
    let shipped = io.call(&transport, ask("ship")).await?.text;
    Ok(format!("{label}, {shipped}"))
}

#[step]
async fn refuse(_io: &mut Io<Outside>) -> Result<(), Oops> {
    Err(Oops("refused".into()))
}

#[saga(app = Outside)]
async fn undone() -> Result<(), Oops> {
    take("a".into()).await?;
    take("b".into()).await?;
    refuse().await
}

#[saga(app = Outside)]
async fn shipping() -> Result<String, Oops> {
    ship().await
}

#[test]
fn an_undo_gets_the_same_facts_in_every_attempt_and_after_a_crash() {
    let sim = Sim::new(1);
    let world = Outside::new(&sim);
    // The undo of `b` fails once, panics once, and is under way at the crash.
    world.ends([End::Fails, End::Panics, End::Hangs]);
    sim.run(async {
        let engine = builder(&sim, &world).saga(undone).open().await.unwrap();
        engine.start(undone()).id("r").await.unwrap();
        world.hear().await;
        std::mem::forget(engine);
    });
    sim.crash(Loss::Any);
    sim.run(async {
        let engine = builder(&sim, &world).saga(undone).open().await.unwrap();
        let outcome = engine.attach(undone, "r").await.unwrap().outcome().await.unwrap();
        assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
        assert_eq!((world.count("ask back b"), world.count("ask back a")), (1, 1));
        let gave = world.done_of("gave back back b");
        assert!(gave.len() == 4 && gave.iter().all(|line| *line == gave[0]), "{gave:?}");
        let places: Vec<(String, String)> =
            facts(&engine, "r").await.into_iter().map(|(at, key, ..)| (at, key)).collect();
        let of = |at: &str, key: &str| (at.to_owned(), key.to_owned());
        let wanted = [
            of("0", "call:ask#0"),
            of("1", "call:ask#0"),
            of("1~", "call:ask#0"),
            of("1~", "random#0"),
            of("0~", "call:ask#0"),
            of("0~", "random#0"),
        ];
        assert_eq!(places, wanted);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_pivot_that_is_tried_again_by_hand_has_what_it_had_bound() {
    let sim = Sim::new(2);
    let world = Outside::new(&sim);
    world.script([Act::Answer, Act::Unclear]);
    sim.run(async {
        let engine = builder(&sim, &world).saga(shipping).open().await.unwrap();
        let run = engine.start(shipping()).id("r").await.unwrap();
        let Outcome::Stuck(run) = run.outcome().await.unwrap() else { panic!("it is not stuck") };
        let run = run.retry().await.unwrap();
        let Outcome::Completed(run) = run.outcome().await.unwrap() else { panic!("it is not completed") };
        assert_eq!(run.output(), "label 1, ship 2");
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn an_undo_that_asks_for_something_else_diverges_and_goes_backwards_when_it_is_mended() {
    let sim = Sim::new(3);
    let world = Outside::new(&sim);
    world.ends([End::Hangs]);
    sim.run(async {
        let engine = builder(&sim, &world).saga(undone).open().await.unwrap();
        engine.start(undone()).id("r").await.unwrap();
        world.hear().await;
        std::mem::forget(engine);
    });
    sim.crash(Loss::Any);
    " otherwise".clone_into(&mut world.asks.lock().unwrap());
    sim.run(async {
        let engine = builder(&sim, &world).saga(undone).open().await.unwrap();
        let run = engine.attach(undone, "r").await.unwrap();
        let Outcome::Diverged(run) = run.outcome().await.unwrap() else { panic!("it has not diverged") };
        let problem = run.info().problem.unwrap();
        assert!(
            problem.contains(r#"{"what":"back b"}"#) && problem.contains(r#"{"what":"back otherwise b"}"#),
            "{problem}"
        );
        assert_eq!(world.done_of("ask back").len(), 1);
        world.asks.lock().unwrap().clear();
        let outcome = run.retry().await.unwrap().outcome().await.unwrap();
        assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
        assert_eq!((world.count("ask back b"), world.count("ask back a")), (1, 1));
        engine.shutdown().await.unwrap();
    });
}
