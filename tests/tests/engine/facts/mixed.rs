//! Calls that are under way together, that fail before others, and that look alike: each keeps its answer and its key.

use std::collections::{BTreeMap, BTreeSet};

use factum::prelude::*;
use factum::testing::{Loss, Sim};
use factum::{Call, Transport};
use serde::Serialize;

use super::scene::{Act, Asking, End, NoAnswer, Oops, Outside, ask, builder, facts, keys};

/// Two branches; one asks for two things, one after the other.
#[step(retry(attempts = 9, initial = "1s"))]
async fn branches(io: &mut Io<Outside>) -> Result<(String, String, String), Oops> {
    let transport = Asking(io.app().clone());
    let io = &*io;
    let one = async {
        let a = io.call(&transport, ask("a")).await?;
        Ok::<_, Oops>((a, io.call(&transport, ask("c")).await?))
    };
    let (one, b) = tokio::join!(one, io.call(&transport, ask("b")));
    let (a, c) = one?;
    let all = (a.text, b?.text, c.text);
    io.app().end().await?;
    Ok(all)
}

#[saga(app = Outside)]
async fn branching() -> Result<(String, String, String), Oops> {
    branches().await
}

/// Of each thing that was asked, the keys that it was asked with.
fn keys_of(world: &Outside) -> BTreeMap<String, BTreeSet<String>> {
    let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in world.done_of("key ") {
        let (what, key) = line["key ".len()..].rsplit_once(' ').unwrap();
        keys.entry(what.to_owned()).or_default().insert(key.to_owned());
    }
    keys
}

/// What was asked has one key, whenever it was asked, and nothing else has it.
fn one_key_each(world: &Outside) {
    let keys = keys_of(world);
    assert!(keys.values().all(|keys| keys.len() == 1), "{keys:?}");
    let different: BTreeSet<&String> = keys.values().flatten().collect();
    assert_eq!(different.len(), keys.len(), "{keys:?}");
}

#[test]
fn calls_of_branches_keep_their_answers_and_keys_whichever_of_them_failed() {
    // What the calls of the first attempt come to, in the order in which they are made: a, b, c.
    let ends = [Act::Answer, Act::Later, Act::Unclear];
    for n in 0..27 {
        let (a, b, c) = (ends[n / 9], ends[n / 3 % 3], ends[n % 3]);
        let sim = Sim::new(1);
        let world = Outside::new(&sim);
        world.script([a, b, c]);
        world.ends([End::Fails]);
        sim.run(async {
            let engine = builder(&sim, &world).saga(branching).open().await.unwrap();
            let (told_a, told_b, told_c) = engine.run(branching()).id("r").await.unwrap();
            one_key_each(&world);
            assert!(told_a.starts_with("a ") && told_b.starts_with("b ") && told_c.starts_with("c "));
            assert_eq!(keys(&engine, "r").await.len(), 3);
            engine.shutdown().await.unwrap();
        });
    }
}

/// Asks whom it may, until somebody answers, and then for what matters.
#[step(retry(attempts = 9, initial = "1s"))]
async fn tolerates(io: &mut Io<Outside>) -> Result<String, Oops> {
    let transport = Asking(io.app().clone());
    for of in ["first", "second", "third"] {
        if io.call(&transport, ask(of)).await.is_ok() {
            break;
        }
    }
    let charge = io.call(&transport, ask("charge")).await?.text;
    io.app().end().await?;
    Ok(charge)
}

#[saga(app = Outside)]
async fn tolerating() -> Result<String, Oops> {
    tolerates().await
}

#[test]
fn what_matters_has_its_key_however_many_before_it_have_failed() {
    for failed in 0..3 {
        for charge in [Act::Answer, Act::Unclear] {
            let sim = Sim::new(2);
            let world = Outside::new(&sim);
            world.script(
                std::iter::repeat_n(Act::Refused, failed)
                    .chain(std::iter::once(Act::Answer).take(3 - failed))
                    .chain([charge]),
            );
            world.ends([End::Fails]);
            sim.run(async {
                let engine = builder(&sim, &world).saga(tolerating).open().await.unwrap();
                engine.run(tolerating()).id("r").await.unwrap();
                one_key_each(&world);
                let charges = if charge == Act::Answer { 1 } else { 2 };
                assert_eq!(world.count("ask charge"), charges, "{failed} {charge:?}");
                engine.shutdown().await.unwrap();
            });
        }
    }
}

/// Two facts of one name at once, of which the second is faster.
#[step(retry(attempts = 2, initial = "1s"))]
async fn two_prices(io: &mut Io<Outside>) -> Result<(u32, u32), Oops> {
    let world = io.app().clone();
    let hangs = io.attempt() == 1;
    let io = &*io;
    let first = io.fact("price", || async {
        world.act("first");
        if hangs {
            world.wait().await;
        }
        Ok::<_, Oops>(1)
    });
    let second = io.fact("price", || async {
        world.act("second");
        Ok::<_, Oops>(2)
    });
    tokio::select! {
        both = futures_of(first, second) => both,
        () = world.fail_when(hangs, "second") => Err(Oops("too slow".into())),
    }
}

async fn futures_of(
    first: impl Future<Output = Result<u32, Oops>>,
    second: impl Future<Output = Result<u32, Oops>>,
) -> Result<(u32, u32), Oops> {
    let (first, second) = tokio::join!(first, second);
    Ok((first?, second?))
}

#[saga(app = Outside)]
async fn prices() -> Result<(u32, u32), Oops> {
    two_prices().await
}

#[test]
fn the_first_of_two_facts_of_one_name_is_not_given_the_second_ones_value() {
    let sim = Sim::new(3);
    let world = Outside::new(&sim);
    sim.run(async {
        let engine = builder(&sim, &world).saga(prices).open().await.unwrap();
        assert_eq!(engine.run(prices()).id("r").await.unwrap(), (1, 2));
        assert_eq!((world.count("first"), world.count("second")), (2, 1));
        assert_eq!(keys(&engine, "r").await, ["fact:price#1", "fact:price#0"]);
        engine.shutdown().await.unwrap();
    });
}

/// Charges cards, which are not recorded: all requests look the same.
struct Cards(Outside);

#[derive(Serialize)]
struct Charge {
    token: String,
    cents: u32,
}

impl Transport for Cards {
    const NAMESPACE: &'static str = "cards/eu#1";
    type Request = Charge;
    type Response = String;
    type Error = NoAnswer;

    async fn call(&self, request: &Charge, call: &Call) -> Result<String, NoAnswer> {
        self.0.act(format!("key {} {}", request.token, call.key()));
        self.0.act(format!("charge {}", request.token));
        match self.0.next_act() {
            Act::Answer => Ok(format!("charged {} {}", request.token, request.cents)),
            _ => Err(NoAnswer::Unclear),
        }
    }

    fn is_unknown(_: &NoAnswer) -> bool {
        true
    }
}

#[step(retry(attempts = 9, initial = "1s"))]
async fn charges(io: &mut Io<Outside>) -> Result<Vec<String>, Oops> {
    let cards = Cards(io.app().clone());
    let mut all = Vec::new();
    let mut failed = None;
    for token in ["card-one", "card-two", "card-three"] {
        match io.call(&cards, Charge { token: token.into(), cents: 999 }).await {
            Ok(answer) => all.push(answer),
            Err(error) => failed = Some(error),
        }
    }
    match failed {
        Some(error) => Err(error.into()),
        None => io.app().end().await.map(|()| all),
    }
}

#[saga(app = Outside)]
async fn charging() -> Result<Vec<String>, Oops> {
    charges().await
}

#[test]
fn requests_that_look_alike_without_their_secrets_keep_their_answers_and_keys() {
    for script in
        [[Act::Unclear, Act::Answer, Act::Answer], [Act::Answer, Act::Unclear, Act::Answer], [Act::Unclear; 3]]
    {
        let sim = Sim::new(4);
        let world = Outside::new(&sim);
        world.script(script);
        world.ends([End::Hangs]);
        sim.run(async {
            let engine = builder(&sim, &world).saga(charging).open().await.unwrap();
            engine.start(charging()).id("r").await.unwrap();
            world.hear().await;
            std::mem::forget(engine);
        });
        sim.crash(Loss::Any);
        sim.run(async {
            let engine = builder(&sim, &world).saga(charging).open().await.unwrap();
            let outcome = engine.attach(charging, "r").await.unwrap().outcome().await.unwrap();
            let Outcome::Completed(run) = outcome else { panic!("{outcome:?}") };
            assert_eq!(*run.output(), ["charged card-one 999", "charged card-two 999", "charged card-three 999"]);
            one_key_each(&world);
            let unclear = script.iter().filter(|act| **act == Act::Unclear).count();
            assert_eq!(world.done_of("charge ").len(), 3 + unclear, "nobody is charged again who was");
            let asked = facts(&engine, "r").await;
            assert!(asked.iter().all(|(_, key, asked, _)| {
                key.starts_with("call:cards%2Feu%231#") && asked == r#"{"cents":999,"token":"[redacted]"}"#
            }));
            engine.shutdown().await.unwrap();
        });
    }
}
