//! Faults that were found, each as a test.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};

use factum::prelude::*;
use factum::{Error, Failure, RunError, Status, StorageError};
use serde::{Deserialize, Serialize, Serializer};

use crate::events::Ears;
use crate::world::{Oops, World, builder, events, open};

#[signal]
#[derive(Debug, Serialize, Deserialize)]
struct Approve {}

#[signal]
#[derive(Debug, Serialize, Deserialize)]
struct Pay {}

#[saga(app = World)]
async fn two_kinds() -> u32 {
    signal::<Approve>().await;
    signal::<Pay>().await;
    7
}

#[tokio::test]
async fn one_senders_id_for_two_kinds_of_signal_is_two_signals() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).saga(two_kinds).open().await.unwrap();
    let run = engine.start(two_kinds()).id("r").await.unwrap();
    engine.signal("r", Approve {}).sender_id("order-42").await.unwrap();
    engine.signal("r", Pay {}).sender_id("order-42").await.unwrap();
    assert_eq!(run.outcome().await.unwrap().status(), Status::Completed);
    // One whose acknowledgement was lost is sent again, and was delivered.
    engine.signal("r", Pay {}).sender_id("order-42").await.unwrap();
    assert!(matches!(engine.signal("r", Pay {}).await, Err(Error::NotActive { .. })));
    engine.shutdown().await.unwrap();
}

#[saga(app = World)]
async fn wei(amount: u128) -> String {
    amount.to_string()
}

#[tokio::test]
async fn inputs_that_differ_beyond_64_bits_are_two_inputs() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).saga(wei).open().await.unwrap();
    let amount = 100_000_000_000_000_000_000;
    assert_eq!(engine.run(wei(amount)).id("r").await.unwrap(), amount.to_string());
    assert!(matches!(engine.start(wei(amount + 1)).id("r").await, Err(Error::Conflict { differs: "input", .. })));
    engine.shutdown().await.unwrap();
}

#[step(compensate = give_back())]
async fn take(io: &mut Io<World>) {
    io.app().act("take");
}

#[step]
async fn give_back(io: &mut Io<World>) {
    tracing::info!("giving back");
    io.app().act("give back");
}

#[step]
async fn held(io: &mut Io<World>) {
    io.app().act("held");
    io.app().gate.acquire().await.unwrap().forget();
}

#[saga(app = World)]
async fn takes_and_holds() {
    take().await;
    held().await;
}

#[tokio::test]
async fn the_events_of_an_undo_are_heard_after_a_crash() {
    let ears = Ears::default();
    let _second = tracing::Dispatch::new(Ears::default());
    let _guard = tracing::subscriber::set_default(ears.clone());
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = open(|| builder(dir.path(), &world).saga(takes_and_holds)).await;
    engine.start(takes_and_holds()).id("r").await.unwrap();
    world.happened("held", 1).await;
    engine.cancel("r").await.unwrap();
    drop(engine);
    let engine = open(|| builder(dir.path(), &world).saga(takes_and_holds)).await;
    let outcome = engine.attach(takes_and_holds, "r").await.unwrap().outcome().await.unwrap();
    assert_eq!(outcome.status(), Status::Cancelled);
    assert_eq!(*ears.heard.lock().unwrap(), ["giving back"]);
    engine.shutdown().await.unwrap();
}

/// Its JSON is not what it is read from.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct OneWay {
    #[serde(serialize_with = "as_text")]
    cents: u64,
}

fn as_text<S: Serializer>(cents: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&cents.to_string())
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Nest {
    inner: Option<Box<Nest>>,
}

#[step(compensate = give_back())]
async fn charge(io: &mut Io<World>) -> OneWay {
    io.app().act("charge");
    OneWay { cents: 5 }
}

#[step(compensate = give_back())]
async fn nests(io: &mut Io<World>) -> Nest {
    io.app().act("nests");
    (0..200).fold(Nest { inner: None }, |nest, _| Nest { inner: Some(Box::new(nest)) })
}

#[saga(app = World)]
async fn unreadable(deep: bool) -> u64 {
    if deep { u64::from(nests().await.inner.is_some()) } else { charge().await.cents }
}

#[saga(app = World)]
async fn takes_one_way(value: OneWay) -> u64 {
    value.cents
}

#[tokio::test]
async fn a_value_that_could_not_be_read_back_is_refused_and_what_made_it_is_undone() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).saga(unreadable).saga(takes_one_way).open().await.unwrap();
    for (deep, wanted) in [(false, ["charge", "give back"]), (true, ["nests", "give back"])] {
        let before = world.done().len();
        let error = engine.run(unreadable(deep)).await.unwrap_err();
        assert!(matches!(&error, RunError::Failed(Failure::Unrecordable { .. })), "{error:?}");
        assert_eq!(world.done()[before..], wanted);
    }
    let error = engine.start(takes_one_way(OneWay { cents: 1 })).id("r").await.unwrap_err();
    assert!(error.to_string().contains("cannot be read back"), "{error}");
    assert!(matches!(engine.attach(takes_one_way, "r").await, Err(Error::UnknownRun { .. })));
    engine.shutdown().await.unwrap();
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "bomb");
    }
}

#[saga(app = World)]
async fn holds_a_bomb() {
    let _bomb = Bomb;
    take().await;
    sleep(days(1)).await;
}

#[tokio::test]
async fn a_body_that_panics_while_it_is_dropped_is_cancelled_all_the_same() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).saga(holds_a_bomb).open().await.unwrap();
    let run = engine.start(holds_a_bomb()).id("r").await.unwrap();
    while run.info().status != Status::Waiting {
        tokio::task::yield_now().await;
    }
    engine.cancel("r").await.unwrap();
    assert_eq!(run.outcome().await.unwrap().status(), Status::Cancelled);
    assert_eq!(world.done(), ["take", "give back"]);
    engine.shutdown().await.unwrap();
}

#[step(compensate = give_back())]
async fn acquire(io: &mut Io<World>) {
    io.app().act("acquire");
    io.app().gate.acquire().await.unwrap().forget();
}

#[saga(app = World)]
async fn acquires() {
    acquire().await;
}

mod renamed {
    use super::*;

    #[step(compensate = give_back())]
    async fn acquire_otherwise(io: &mut Io<World>) {
        io.app().act("acquire otherwise");
    }

    #[saga(app = World, name = "acquires")]
    pub async fn acquires() {
        acquire_otherwise().await;
    }
}

#[tokio::test]
async fn an_undo_that_a_step_in_the_air_will_need_is_missed_at_open() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = open(|| builder(dir.path(), &world).saga(acquires)).await;
    engine.start(acquires()).id("r").await.unwrap();
    world.happened("acquire", 1).await;
    engine.cancel("r").await.unwrap();
    drop(engine);
    let error = loop {
        match builder(dir.path(), &world).saga(renamed::acquires).open().await.unwrap_err() {
            Error::Storage(StorageError::DirectoryInUse { .. }) => tokio::task::yield_now().await,
            error => break error,
        }
    };
    assert!(error.to_string().contains("`acquire` (run r)"), "{error}");

    // A refused open leaves the directory as the crash has left it.
    let engine = builder(dir.path(), &world).saga(acquires).open().await.unwrap();
    assert!(!engine.open_report().clean);
    let outcome = engine.attach(acquires, "r").await.unwrap().outcome().await.unwrap();
    assert_eq!(outcome.status(), Status::Cancelled);
    assert_eq!(world.done(), ["acquire", "give back"]);
    engine.shutdown().await.unwrap();
}

#[saga(app = World, name = "versioned")]
async fn first_version(n: u32) -> u32 {
    n
}

mod second {
    use super::*;

    #[saga(app = World, name = "versioned", version = 2)]
    pub async fn version(n: u32) -> String {
        n.to_string()
    }
}

#[tokio::test]
async fn two_versions_run_side_by_side_and_a_handle_is_of_one() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).saga(first_version).saga(second::version).open().await.unwrap();
    assert_eq!(engine.run(first_version(1)).id("r").await.unwrap(), 1);
    assert_eq!(engine.run(second::version(1)).id("s").await.unwrap(), "1");
    assert!(matches!(engine.attach(second::version, "r").await, Err(Error::Conflict { differs: "version", .. })));
    let started = engine.start(second::version(1)).id("r").await;
    assert!(matches!(started, Err(Error::Conflict { differs: "version", .. })));
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_run_that_is_left_alone_cannot_be_attached_to_and_waited_for() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = open(|| builder(dir.path(), &world).saga(takes_and_holds)).await;
    engine.start(takes_and_holds()).id("r").await.unwrap();
    world.happened("held", 1).await;
    drop(engine);
    let engine = open(|| builder(dir.path(), &world).saga(first_version).keep_unknown_workflows()).await;
    assert!(matches!(engine.attach(takes_and_holds, "r").await, Err(Error::NotRegistered { .. })));
    engine.shutdown().await.unwrap();
}

#[saga(app = World)]
async fn deeper(n: u32) -> u32 {
    if n == 0 { 0 } else { deeper(n - 1).await + 1 }
}

#[tokio::test]
async fn sagas_that_nest_too_deep_fail_and_are_undone() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).saga(deeper).open().await.unwrap();
    assert_eq!(engine.run(deeper(100)).await.unwrap(), 100);
    let error = engine.run(deeper(200)).id("r").await.unwrap_err();
    assert!(error.to_string().contains("nested too deep"), "{error}");
    engine.shutdown().await.unwrap();
    // What was recorded of it can be read.
    builder(dir.path(), &world).saga(deeper).open().await.unwrap().shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_engine_that_is_dropped_records_no_end_of_its_attempts() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = open(|| builder(dir.path(), &world).saga(takes_and_holds)).await;
    for i in 0..20 {
        engine.start(takes_and_holds()).id(format!("r{i}")).await.unwrap();
    }
    world.happened("held", 20).await;
    drop(engine);
    let engine = open(|| builder(dir.path(), &world).saga(takes_and_holds)).await;
    for i in 0..20 {
        let events = events(&engine, &format!("r{i}")).await;
        assert!(!events.contains(&"attempt failed"), "{events:?}");
    }
}

macro_rules! providers {
    ($($name:ident: $durable:literal),*) => {
        $(mod $name {
            use super::*;

            #[step(name = $durable, compensate = refund())]
            pub async fn bill(io: &mut Io<World>) {
                io.app().act(concat!("bill ", stringify!($name)));
            }

            #[step]
            async fn refund(io: &mut Io<World>) {
                io.app().act(concat!("refund ", stringify!($name)));
            }
        })*
    };
}

providers!(stripe: "bill", paypal: "bill");

#[step]
async fn refuse() -> Result<(), Oops> {
    Err(Oops::Later)
}

#[saga(app = World)]
async fn bills_both() -> Result<(), Oops> {
    stripe::bill().await;
    paypal::bill().await;
    refuse().await
}

#[tokio::test]
async fn two_steps_of_one_name_from_one_line_are_two_steps() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let error = builder(dir.path(), &world).saga(bills_both).open().await.unwrap_err();
    assert!(matches!(&error, Error::DuplicateName { name, .. } if name == "bill"), "{error}");
}

type Look = Box<dyn Fn() + Send + Sync>;

/// Looks at the run whenever a span of one is made.
#[derive(Clone, Default)]
struct Nosy(std::sync::Arc<std::sync::Mutex<Option<Look>>>);

impl tracing::Subscriber for Nosy {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        if attributes.metadata().name() == "run"
            && let Some(look) = &*self.0.lock().unwrap()
        {
            look();
        }
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, _: &tracing::Event<'_>) {}

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

#[tokio::test]
async fn a_subscriber_may_look_at_the_run() {
    let nosy = Nosy::default();
    let _second = tracing::Dispatch::new(Ears::default());
    let _guard = tracing::subscriber::set_default(nosy.clone());
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).saga(first_version).open().await.unwrap();
    let looker = engine.clone();
    *nosy.0.lock().unwrap() = Some(Box::new(move || {
        let mut attached = Box::pin(looker.attach(first_version, "t"));
        // It is in memory: nothing is to be waited for.
        let polled = attached.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(Ok(run)) = polled {
            drop(run.info());
        }
    }));
    assert_eq!(engine.run(first_version(2)).id("t").await.unwrap(), 2);
    nosy.0.lock().unwrap().take();
    engine.shutdown().await.unwrap();
}

#[step]
async fn ship(io: &mut Io<World>, item: String) -> String {
    io.app().act(format!("ship {item}"));
    if item == "held" {
        io.app().gate.acquire().await.unwrap().forget();
    }
    item
}

/// Something that is another thing in each process, as the order of a `HashMap` is.
static TURN: AtomicU32 = AtomicU32::new(0);

#[saga(app = World)]
async fn ships(held: String) -> String {
    let item = format!("item {}", TURN.fetch_add(1, Ordering::Relaxed));
    ship(item).await + &ship(held).await
}

#[tokio::test]
async fn a_replay_with_other_arguments_diverges_and_gives_nobody_anothers_output() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = open(|| builder(dir.path(), &world).saga(ships)).await;
    engine.start(ships("held".into())).id("r").await.unwrap();
    world.happened("ship held", 1).await;
    drop(engine);
    let engine = open(|| builder(dir.path(), &world).saga(ships)).await;
    let outcome = engine.attach(ships, "r").await.unwrap().outcome().await.unwrap();
    let Outcome::Diverged(run) = outcome else { panic!("{outcome:?}") };
    assert!(run.problem().contains("recorded step `ship` with other arguments"), "{}", run.problem());
    assert_eq!(world.done(), ["ship item 0", "ship held"]);
    engine.shutdown().await.unwrap();
}

#[step]
async fn counts(io: &mut Io<World>, of: HashMap<String, u32>) -> usize {
    io.app().act(format!("counts {}", of.len()));
    io.app().gate.acquire().await.unwrap().forget();
    of.len()
}

#[saga(app = World)]
async fn passes_a_map(of: HashMap<String, u32>) -> usize {
    counts(of).await
}

#[tokio::test]
async fn the_order_of_a_map_makes_no_other_argument() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let map: HashMap<String, u32> = (0..50).map(|n| (n.to_string(), n)).collect();
    for _ in 0..5 {
        let engine = open(|| builder(dir.path(), &world).saga(passes_a_map)).await;
        let before = world.count("counts 50");
        engine.start(passes_a_map(map.clone())).id("r").await.unwrap();
        world.happened("counts 50", before + 1).await;
        drop(engine);
    }
    world.gate.add_permits(1);
    let engine = open(|| builder(dir.path(), &world).saga(passes_a_map)).await;
    assert_eq!(engine.run(passes_a_map(map)).id("r").await.unwrap(), 50);
    engine.shutdown().await.unwrap();
}

macro_rules! pause {
    () => {
        std::future::pending::<()>().await
    };
}

#[saga(app = World)]
async fn waits_unseen() {
    take().await;
    pause!();
}

#[tokio::test]
async fn a_body_that_awaits_what_the_macro_could_not_see_diverges() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).saga(waits_unseen).open().await.unwrap();
    let outcome = engine.start(waits_unseen()).id("r").await.unwrap().outcome().await.unwrap();
    let Outcome::Diverged(run) = outcome else { panic!("{outcome:?}") };
    assert!(run.problem().contains("no durable operation"), "{}", run.problem());
    engine.shutdown().await.unwrap();
}

#[step(pivot, unknown_when = Oops::is_later)]
async fn risky(io: &mut Io<World>) -> Result<(), Oops> {
    io.app().act("risky");
    Err(Oops::Later)
}

#[saga(app = World)]
async fn handles_its_pivot() -> bool {
    take().await;
    risky().await.is_ok()
}

#[tokio::test]
async fn a_pivot_whose_end_stays_unknown_is_stuck_though_the_body_would_go_on() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = builder(dir.path(), &world).saga(handles_its_pivot).open().await.unwrap();
    let outcome = engine.start(handles_its_pivot()).id("r").await.unwrap().outcome().await.unwrap();
    assert_eq!(outcome.status(), Status::Stuck);
    assert_eq!(world.done(), ["take", "risky"], "nothing is undone behind anybody's back");
    let history = engine.history("r").await.unwrap();
    let [.., failed, stuck] = &history[..] else { panic!("{history:?}") };
    assert_eq!((failed.event.name(), stuck.event.name()), ("step failed", "stuck"));
    engine.shutdown().await.unwrap();
}

/// Blocks its thread until it gets a permit.
#[step]
async fn blocks(io: &mut Io<World>) {
    io.app().act("blocks");
    while io.app().gate.try_acquire().is_err() {
        std::thread::yield_now();
    }
}

#[saga(app = World)]
async fn never_yields() {
    blocks().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_under_a_body_that_blocks_keeps_the_directory_until_it_ends() {
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let build = || builder(dir.path(), &world).saga(never_yields);
    let engine = build().shutdown_timeout(std::time::Duration::from_millis(5)).open().await.unwrap();
    engine.start(never_yields()).id("r").await.unwrap();
    world.happened("blocks", 1).await;
    assert!(matches!(engine.shutdown().await, Err(Error::StillRunning { .. })));
    let second = build().open().await;
    assert!(matches!(second, Err(Error::Storage(StorageError::DirectoryInUse { .. }))));
    world.gate.add_permits(1);
    let engine = open(build).await;
    world.gate.add_permits(1);
    engine.run(never_yields()).id("r").await.unwrap();
    engine.shutdown().await.unwrap();
}
