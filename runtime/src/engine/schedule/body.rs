//! The workflow of all schedules.

use std::any::TypeId;
use std::sync::Arc;

use super::{Cron, Scheduled, run_at};
use crate::codec::{self, DecodeError, Payload};
use crate::engine::host::{self, Draw, Host, NewChild, Wake};
use crate::engine::registry::{BodyEnd, Misfit, Workflow};
use crate::id::Position;
use crate::plan::{Plan, WorkflowMeta, fingerprint};
use crate::platform::BoxFuture;
use crate::run::Since;
use crate::step::Site;
use crate::time::Timestamp;

/// Its name on disk.
pub(in crate::engine) const NAME: &str = "factum.schedule";

const VERSION: u32 = 1;
const SITE: Site = Site::new(file!(), line!());
/// What it starts is told by its arguments.
const PLAN: &Plan = &Plan::Dynamic;

static META: WorkflowMeta = WorkflowMeta {
    name: NAME,
    version: VERSION,
    site: SITE,
    identity: TypeId::of::<ScheduleWorkflow>,
    plan: PLAN,
    fingerprint: fingerprint(NAME, VERSION, PLAN),
    concurrency: None,
    strict: false,
    exits: &[],
};

/// The workflow of all schedules.
pub(in crate::engine) struct ScheduleWorkflow;

impl Workflow for ScheduleWorkflow {
    fn meta(&self) -> &'static WorkflowMeta {
        &META
    }

    fn needs(&self, input: &Payload) -> Option<(String, u32)> {
        let scheduled = Scheduled::decode(input).ok()?;
        Some((scheduled.workflow.into_owned(), scheduled.version))
    }

    fn body(
        &self,
        host: Arc<dyn Host>,
        input: &Payload,
        root: Position,
        since: &Since,
    ) -> Result<BoxFuture<'static, BodyEnd>, Misfit> {
        let scheduled = Scheduled::decode(input)?;
        let cron = scheduled.cron().map_err(|error| DecodeError::new("schedule", error))?;
        Ok(Box::pin(turn(host, scheduled, cron, root, since.at)))
    }
}

/// Waits for one moment, starts what is due, and goes on as the next turn.
async fn turn(host: Arc<dyn Host>, scheduled: Scheduled, cron: Cron, root: Position, begun: Timestamp) -> BodyEnd {
    let host = &*host;
    let mut awaits = 0;
    let mut at = || {
        awaits += 1;
        root.child(awaits - 1)
    };
    let after = match scheduled.after {
        Some(after) => after,
        // Since it was asked for: the engine may have ended before the first turn began.
        None => now(host, at()).await.min(begun),
    };
    let Some(tick) = cron.next(after) else {
        // The last of its years is over.
        return BodyEnd::Done(Payload::from_bytes(b"null"));
    };
    host.sleep(at(), SITE, Wake::At(tick)).await;
    let (start, after) = scheduled.due(&cron, tick, now(host, at()).await);
    if let Some(tick) = start {
        let (id, place) = (run_at(&scheduled.id, tick), at());
        let args = match codec::hash(id.as_str()) {
            Ok(args) => args,
            Err(error) => match host.unrecordable(place, SITE, error.to_string()).await {},
        };
        let run = NewChild {
            id: Some(id),
            workflow: scheduled.workflow.clone(),
            version: scheduled.version,
            input: scheduled.input.clone(),
            args,
            key: scheduled.key.clone(),
            linked: false,
        };
        host.spawn(place, SITE, run).await;
    }
    match (Scheduled { after: Some(after), ..scheduled }).encode() {
        Ok(input) => match host.again(at(), SITE, &META, input).await {},
        Err(error) => match host.unrecordable(at(), SITE, error.to_string()).await {},
    }
}

async fn now(host: &dyn Host, at: Position) -> Timestamp {
    let drawn = host.draw(at.clone(), SITE, Draw::Now).await;
    let text: String = host::value(host, &at, SITE, &drawn).await;
    match Timestamp::from_rfc3339(&text) {
        Some(now) => now,
        None => match host.diverge(at, SITE, format!("awaits the time, and `{text}` is none")).await {},
    }
}
