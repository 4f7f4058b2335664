//! Orders: placing one, showing one, waiting for one, and all of them.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use factum::{Cursor, Error, Fsm, Run, StateUpdate, Status, Update, WorkflowSig};
use serde::{Deserialize, Serialize};

use super::Api;
use super::problem::{Problem, read};
use super::view::View;
use crate::machine::{Order, order};
use crate::purchase::{Basket, Purchase};

/// How long an answer waits for a state at most.
const PATIENCE: Duration = Duration::from_secs(30);

/// Places an order: 201, and 200 for one that is there already. What makes it the same one is its id.
pub(super) async fn create(State(api): State<Api>, body: Bytes) -> Result<impl IntoResponse, Problem> {
    let basket: Basket = read(&body)?;
    let id = basket.order.clone();
    let status = match api.engine.attach_fsm::<Order>(&id).await {
        Err(Error::UnknownRun { .. }) => StatusCode::CREATED,
        _ => StatusCode::OK,
    };
    let run = api.engine.start(order::Placed { purchase: Purchase::new(basket) }).id(id.as_str()).await?;
    Ok((status, [(header::LOCATION, format!("/orders/{id}"))], Json(View::now(&run).await?)))
}

/// What is waited for: a state of this name, a visit of this number or a later one, or both in one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Until {
    wait: Option<String>,
    visit: Option<u32>,
}

impl Until {
    fn is_reached(&self, seen: &StateUpdate) -> bool {
        let named = self.wait.as_ref().is_none_or(|name| name == seen.name());
        named && self.visit.is_none_or(|visit| seen.visit() >= visit)
    }
}

/// An order as it is now; or when it comes to a state, if that is asked for. If it does not, because it ends
/// elsewhere, cannot go on, or takes too long, it is shown as it is then.
pub(super) async fn show(
    State(mut api): State<Api>,
    Path(id): Path<String>,
    Query(until): Query<Until>,
) -> Result<Json<View>, Problem> {
    if let Some(name) = until.wait.as_deref().filter(|name| !Order::state_names().contains(name)) {
        return Err(Problem::bad(format!("no order is ever `{name}`, but {}", Order::state_names().join(", "))));
    }
    let run = api.engine.attach_fsm::<Order>(&id).await?;
    let mut last = None;
    tokio::select! {
        // First a look at the order, also when the server is to stop already.
        biased;
        () = follow(&run, &until, &mut last) => {}
        _ = api.closing.wait_for(|closing| *closing) => {}
        () = tokio::time::sleep(PATIENCE) => {}
    }
    let seen = last.ok_or_else(Problem::stopped)?;
    Ok(Json(View::of(&run, &seen)?))
}

/// Keeps the last state that was seen, until it is the one that is waited for or no other will come.
async fn follow(run: &Run<Order>, until: &Until, last: &mut Option<StateUpdate>) {
    let mut watch = run.watch();
    while let Some(update) = watch.next().await {
        match update {
            Update::State(seen) => {
                let reached = until.is_reached(&seen);
                *last = Some(seen);
                if reached {
                    return;
                }
            }
            Update::Status(Status::Running | Status::Waiting | Status::Compensating) => {}
            Update::Status(_) => return,
            _ => {}
        }
    }
}

/// Where a page of orders begins, and how many there are on it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    after: Option<String>,
    limit: Option<usize>,
}

/// A page of orders.
#[derive(Debug, Serialize)]
pub(super) struct Listed {
    orders: Vec<View>,
    /// The `after` of the next page, if there is one.
    next: Option<String>,
}

/// The orders, in the order in which they were placed.
pub(super) async fn list(State(api): State<Api>, Query(page): Query<Page>) -> Result<Json<Listed>, Problem> {
    let mut request = api.engine.list().workflow(Order::NAME).limit(page.limit.unwrap_or(100).min(1000));
    if let Some(after) = page.after {
        request = request.after(&after.parse::<Cursor>().map_err(Problem::bad)?);
    }
    let found = request.await?;
    let mut orders = Vec::with_capacity(found.len());
    for run in &found {
        orders.push(View::now(&api.engine.attach_fsm(&run.id).await?).await?);
    }
    Ok(Json(Listed { orders, next: found.next.map(|next| next.to_string()) }))
}
