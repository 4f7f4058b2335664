//! The rules over whole sagas, as `#[saga]` writes their plans.

use std::collections::BTreeSet;

use factum::__private::WorkflowSig;
use factum::SagaFn;
use factum::prelude::*;

use super::signals::Accepts;
use super::*;

#[step]
async fn release(n: u32) {
    let _ = n;
}

#[step(compensate = release(n))]
async fn reserve(n: u32) {
    let _ = n;
}

#[step(pivot)]
async fn charge(n: u32) {
    let _ = n;
}

#[step]
async fn tell(n: u32) {
    let _ = n;
}

#[factum::signal]
#[derive(serde::Serialize, serde::Deserialize)]
struct Approval;

#[factum::signal]
#[derive(serde::Serialize, serde::Deserialize)]
struct Refusal;

fn meta<Shape, F: SagaFn<Shape>>(_: F) -> &'static WorkflowMeta {
    <F::Saga as WorkflowSig>::meta()
}

fn reached<Shape, F: SagaFn<Shape>>(saga: F) -> Reached {
    let mut reached = Reached::default();
    reach(&mut reached, meta(saga));
    reached
}

/// What registration says of a saga, and of which.
fn refused<Shape, F: SagaFn<Shape>>(saga: F) -> Option<(&'static str, String)> {
    check_across(&reached(saga)).err().map(|problem| (problem.saga, problem.problem))
}

#[saga]
async fn pays(n: u32) {
    charge(n).await;
}

#[saga]
async fn reserves(n: u32) {
    reserve(n).await;
}

#[saga]
async fn both(n: u32) {
    reserve(n).await;
    charge(n).await;
}

/// Pays, two sagas further in, and calls itself.
#[saga]
async fn pays_deeply(n: u32) {
    if n > 0 {
        pays_deeply(n - 1).await;
    }
    pays(n).await;
}

#[test]
fn a_pivot_of_a_nested_saga_bars_what_can_be_undone() {
    #[saga]
    async fn then_a_step(n: u32) {
        pays_deeply(n).await;
        reserve(n).await;
    }
    #[saga]
    async fn then_a_saga(n: u32) {
        pays(n).await;
        tell(n).await;
        reserves(n).await;
    }
    #[saga]
    async fn in_a_loop(n: u32) {
        for n in 0..n {
            both(n).await;
        }
    }
    #[saga]
    async fn in_turns(n: u32) {
        both(n).await;
        again(in_turns(n)).await
    }
    for (name, refused) in [
        ("then_a_step", refused(then_a_step)),
        ("then_a_saga", refused(then_a_saga)),
        ("in_a_loop", refused(in_a_loop)),
        ("in_turns", refused(in_turns)),
    ] {
        let (saga, problem) = refused.expect(name);
        assert_eq!(saga, name);
        assert!(problem.starts_with("a step after a `pivot` cannot be compensatable: once `charge` is"), "{problem}");
        assert!(problem.contains("`reserve` has a `compensate`"), "{problem}");
    }
}

#[test]
fn a_pivot_of_a_nested_saga_stands_in_no_race_and_beside_nothing_undoable() {
    #[saga]
    async fn in_a_race(n: u32) {
        race((sleep(days(1)), join((tell(n), pays_deeply(n))))).await;
    }
    #[saga]
    async fn beside(n: u32) {
        let _ = join((pays(n), reserves(n))).await;
    }
    #[saga]
    async fn beside_itself(n: u32) {
        all((0..n).map(both)).await;
    }
    let (_, problem) = refused(in_a_race).expect("is refused");
    assert!(problem.starts_with("a `pivot` cannot stand in a `race`"), "{problem}");
    for refused in [refused(beside), refused(beside_itself)] {
        let (_, problem) = refused.expect("is refused");
        assert!(
            problem.starts_with("a `pivot` cannot run beside a step that is compensatable: `reserve`"),
            "{problem}"
        );
    }
}

#[test]
fn sagas_that_go_together_are_taken() {
    #[saga]
    async fn in_order(n: u32) {
        reserves(n).await;
        let _ = join((pays(n), tell(n), spawn(reserves(n)))).await;
        pays_deeply(n).await;
        let _ = spawn(both(n)).await;
    }
    #[saga]
    async fn on_paths_that_end(n: u32) {
        if n == 1 {
            pays(n).await;
            return;
        }
        if n == 2 {
            pays(n).await;
            again(pays(n)).await
        } else {
            reserves(n).await;
        }
    }
    assert_eq!(refused(in_order), None);
    assert_eq!(refused(on_paths_that_end), None);
}

#[test]
fn what_is_spawned_is_named_and_what_it_does_is_its_own() {
    #[saga]
    async fn spawns(n: u32) {
        tell(n).await;
        let _ = spawn(reserves(n)).linked().await;
    }
    #[saga]
    async fn goes_on(n: u32) {
        again(pays(n)).await
    }
    let found = reached(spawns);
    assert_eq!(found.spawned.keys().collect::<Vec<_>>(), [&("reserves", 1)]);
    assert_eq!(found.steps.keys().collect::<Vec<_>>(), [&"tell"]);
    assert_eq!(found.sagas.keys().collect::<Vec<_>>(), [&("spawns", 1)]);
    let found = reached(goes_on);
    assert_eq!(found.spawned.keys().collect::<Vec<_>>(), [&("pays", 1)]);
    assert_eq!(found.steps.keys().collect::<Vec<_>>(), [&"charge"]);
}

#[test]
fn a_saga_takes_the_signals_of_the_sagas_inside_it() {
    #[saga]
    async fn asks(n: u32) {
        if n > 0 {
            race((signal::<Approval>(), sleep(days(1)))).await;
            asks(n - 1).await;
        }
    }
    #[saga]
    async fn outer(n: u32) {
        asks(n).await;
        let _ = spawn(refuses(n)).await;
    }
    #[saga]
    async fn refuses(n: u32) {
        signal::<Refusal>().await;
        tell(n).await;
    }
    #[saga]
    async fn open(n: u32) {
        let call = asks(n);
        call.await;
    }
    assert_eq!(signals(meta(outer)), Accepts { names: BTreeSet::from(["Approval"]), open: false });
    assert_eq!(signals(meta(open)), Accepts { names: BTreeSet::new(), open: true });
    assert!(!signals(meta(outer)).may_receive("Refusal") && signals(meta(open)).may_receive("Refusal"));
    // The compiler cannot look into a nested saga.
    assert!(may_receive(meta(outer).plan, "Refusal") && may_receive(meta(open).plan, "Refusal"));
    assert!(may_receive(meta(refuses).plan, "Refusal") && !may_receive(meta(refuses).plan, "Approval"));
    assert!(!may_receive(meta(refuses).plan, "Refusal2") && !may_receive(meta(refuses).plan, "Refusa"));
}

/// The words of a plan's nodes, in their order.
fn words(plan: &Plan) -> String {
    let list = |plans: &[Plan]| plans.iter().map(words).collect::<Vec<_>>().join(", ");
    match plan {
        Plan::Seq(plans) => list(plans),
        Plan::Branch(plans) => format!("branch({})", list(plans)),
        Plan::Join(plans) => format!("join({})", list(plans)),
        Plan::Race(plans) => format!("race({})", list(plans)),
        Plan::Loop(plan) => format!("loop({})", words(plan)),
        Plan::All(plan) => format!("all({})", words(plan)),
        Plan::TryAll(plan) => format!("try_all({})", words(plan)),
        Plan::Step(step) => step.name.to_owned(),
        Plan::Saga(saga) => format!("saga {}", saga.name),
        Plan::Spawn(saga) => format!("spawn {}", saga.name),
        Plan::Again(saga) => format!("again {}", saga.name),
        Plan::Signal(signal) => format!("signal {signal}"),
        Plan::Sleep => "sleep".to_owned(),
        Plan::Dynamic => "?".to_owned(),
        Plan::Child => "child".to_owned(),
        Plan::Now => "now".to_owned(),
        Plan::Random => "random".to_owned(),
        Plan::Uuid => "uuid".to_owned(),
        Plan::Pause => "pause".to_owned(),
        Plan::Publish => "publish".to_owned(),
        Plan::Machine(graph) => {
            let states = graph.states.iter().map(|state| format!("{}({})", state.name, words(state.plan)));
            states.collect::<Vec<_>>().join(", ")
        }
    }
}

#[test]
fn the_plan_has_every_operation_of_the_body() {
    #[step]
    async fn tried(n: u32) -> Result<u32, u32> {
        Ok(n)
    }
    #[saga]
    async fn everything(numbers: Vec<u32>) {
        let _ = join((tell(1), factum::sleep_until(now().await), pays(2), random::<u64>(), uuid())).await;
        match race((signal::<Approval>().timeout(days(2)), sleep(days(2)))).await {
            First(_) => publish(&numbers).await,
            Second(()) => pause("for long").await,
        }
        let many = all(numbers.iter().map(|n| join((tell(*n), tried(*n))))).concurrency(2).await;
        let _ = try_all(numbers.iter().copied().map(tried)).await;
        let _ = try_all(vec![tried(1), tried(2)]).concurrency(1).await;
        let _ = all([tell(1)].into_iter().rev().collect::<Vec<_>>()).await;
        let child = spawn(both(1)).linked().id("child").await;
        let _ = (&child).await;
        for (n, _) in numbers.iter().zip(many) {
            let call = tell(*n);
            let _ = join((call, tell(2))).await;
            let pair = (tell(3), tell(4));
            let _ = join(pair).await;
            let child = tell(4);
            child.await;
        }
        again(everything(numbers)).await
    }
    let expected = "now, join(tell, sleep, saga pays, random, uuid), race(signal Approval, sleep), \
                    branch(publish, pause), all(join(tell, tried)), try_all(tried), try_all(tried), all(tell), \
                    spawn both, child, loop(join(?, tell), ?, ?), again everything";
    assert_eq!(words(meta(everything).plan), expected);
}

#[test]
fn plans_that_differ_have_fingerprints_that_differ() {
    const SAGA: WorkflowRef = WorkflowRef { name: "pays", version: 1, meta: || broken() };
    const PLANS: &[Plan] = &[
        Plan::Seq(&[]),
        Plan::Branch(&[]),
        Plan::Loop(&Plan::Sleep),
        Plan::Saga(SAGA),
        Plan::Sleep,
        Plan::Signal("pays"),
        Plan::Dynamic,
        Plan::Join(&[]),
        Plan::Join(&[Plan::Now]),
        Plan::Join(&[Plan::Now, Plan::Now]),
        Plan::Seq(&[Plan::Join(&[Plan::Now]), Plan::Now]),
        Plan::Race(&[]),
        Plan::All(&Plan::Sleep),
        Plan::TryAll(&Plan::Sleep),
        Plan::Spawn(SAGA),
        Plan::Child,
        Plan::Again(SAGA),
        Plan::Now,
        Plan::Random,
        Plan::Uuid,
        Plan::Pause,
        Plan::Publish,
    ];
    fn broken() -> &'static WorkflowMeta {
        panic!("a fingerprint does not look into sagas")
    }
    let different: BTreeSet<u64> = PLANS.iter().map(|plan| fingerprint("a", 1, plan)).collect();
    assert_eq!(different.len(), PLANS.len());
    // Runs in flight have recorded it.
    assert_eq!(meta(both).fingerprint, 17_462_358_918_319_260_247);
}
