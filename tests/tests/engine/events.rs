//! A body's `tracing` events appear once.

use std::sync::{Arc, Mutex};

use factum::prelude::*;
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

use crate::world::{World, builder, open};

#[step]
async fn first(io: &mut Io<World>) {
    io.app().act("first");
    tracing::info!("inside the step");
}

#[step]
async fn held(io: &mut Io<World>) {
    io.app().act("held");
    io.app().gate.acquire().await.unwrap().forget();
}

#[saga(app = World)]
async fn talks() {
    tracing::info!("before");
    first().await;
    tracing::info!("between");
    held().await;
    tracing::info!("after");
}

/// Collects the messages of events, and the fields of spans.
#[derive(Clone, Default)]
pub struct Ears {
    pub heard: Arc<Mutex<Vec<String>>>,
    spans: Arc<Mutex<Vec<String>>>,
    /// Also what is not said by the tests' own code.
    everything: bool,
}

impl Ears {
    /// Hears also what the engine says.
    pub fn everywhere() -> Ears {
        Ears { everything: true, ..Ears::default() }
    }
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        match field.name() {
            "message" => self.0 = format!("{value:?}"),
            name => self.0.push_str(&format!(" {name}={value:?}")),
        }
    }
}

impl Subscriber for Ears {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        let mut text = Text(attributes.metadata().name().to_owned());
        attributes.record(&mut text);
        let mut spans = self.spans.lock().unwrap();
        spans.push(text.0);
        span::Id::from_u64(spans.len() as u64)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        if self.everything || event.metadata().target().starts_with("engine") {
            let mut text = Text(String::new());
            event.record(&mut text);
            self.heard.lock().unwrap().push(text.0);
        }
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[tokio::test]
async fn replayed_events_are_muted_and_live_ones_are_heard_in_spans_that_say_whose_they_are() {
    let ears = Ears::default();
    // With one subscriber alone `tracing` asks the thread that comes to a place
    // first, which may be another test's; with two it asks the subscribers.
    let _second = tracing::Dispatch::new(Ears::default());
    let _guard = tracing::subscriber::set_default(ears.clone());
    let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
    let engine = open(|| builder(dir.path(), &world).saga(talks)).await;
    engine.start(talks()).id("r").await.unwrap();
    world.happened("held", 1).await;
    drop(engine);
    world.gate.add_permits(1);
    let engine = open(|| builder(dir.path(), &world).saga(talks)).await;
    engine.run(talks()).id("r").await.unwrap();
    engine.shutdown().await.unwrap();
    assert_eq!(*ears.heard.lock().unwrap(), ["before", "inside the step", "between", "after"]);
    let spans = ears.spans.lock().unwrap();
    assert!(spans.iter().any(|s| s == "run run_id=r workflow=talks"), "{spans:?}");
    assert!(spans.iter().any(|s| s == "step run_id=r workflow=talks step=\"first\" attempt=1"), "{spans:?}");
    assert!(spans.iter().any(|s| s == "step run_id=r workflow=talks step=\"held\" attempt=2"), "{spans:?}");
}
