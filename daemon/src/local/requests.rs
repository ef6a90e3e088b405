//! Requests: list, show, retry, cancel.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::Response;
use tollgate_shared::api::{CancelRequest, Page, RequestView, RetryRequest};
use tollgate_shared::id::{RequestId, TeamId};
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::request::RequestState;

use super::answers::{ok, read, reply};
use super::params::Call;
use super::workflows::target_of;
use crate::core::access::{Actor, Operation, Target, allows};
use crate::core::admin::Command;
use crate::core::workflows;
use crate::daemon::Daemon;
use crate::edge::Body;

/// A hint shorter than this would be a guess.
const HINT_CHARS_MIN: usize = 4;
/// Pages of the store that one page of a list may walk: a filter that fits nothing must come to an end.
const WALKS_MAX: usize = 100;

pub(super) async fn list(call: &Call) -> Result<Response<Body>, Problem> {
    let query = call.query(&["state", "workflow", "since_secs", "limit", "cursor"])?;
    let state: Option<RequestState> = query.parsed("state")?;
    let since_secs: Option<u32> = query.parsed("since_secs")?;
    let since = since_secs.map(|secs| call.daemon.clock.now().plus_secs(-i64::from(secs)));
    let registry = call.daemon.registry.load_full();
    let workflow = query.get("workflow").map(|w| registry.find_workflow(w)).transpose()?.map(|e| e.workflow.id);
    let (teams, global) = sight(call);
    let (before, limit) = (query.parsed::<RequestId>("cursor")?, query.limit()?);
    let only_unfinished = matches!(state, Some(RequestState::Queued | RequestState::Running));
    let (records, next) = read(&call.daemon, move |daemon| {
        let pass = |record: &workflows::RequestRecord| {
            let seen = record.team.map_or(global, |team| teams.contains(&team));
            let wanted = state.is_none_or(|state| record.state == state);
            let of_it = workflow.is_none_or(|workflow| record.workflow == workflow);
            seen && wanted && of_it && since.is_none_or(|since| record.created_at >= since)
        };
        let (mut records, mut next) = daemon.reader.requests(only_unfinished, before, limit, &pass)?;
        // A scan is bounded: a page may come back short although there is more.
        for _ in 0..WALKS_MAX {
            let Some(from) = next.filter(|_| records.len() < limit) else { break };
            let (more, after) = daemon.reader.requests(only_unfinished, Some(from), limit - records.len(), &pass)?;
            records.extend(more);
            next = after;
        }
        Ok((records, next))
    })
    .await?;
    let items: Vec<_> = records.iter().map(|record| workflows::view_of_request(&registry, record)).collect();
    Ok(ok(&Page { items, next: next.map(|id| id.to_string()) }))
}

/// Whose requests the caller sees: these teams', and those that are of no team.
fn sight(call: &Call) -> (BTreeSet<TeamId>, bool) {
    let registry = call.daemon.registry.load();
    let may = |target| allows(&call.actor, Operation::SeeRequests, target).is_ok();
    let teams = registry.teams().map(|team| team.id).filter(|team| may(Target::Team(*team))).collect();
    (teams, may(Target::Global))
}

pub(super) async fn show(call: &Call) -> Result<Response<Body>, Problem> {
    let id = find(&call.daemon, call.reference("request")).await?;
    view(&call.daemon, &call.actor, id).await
}

async fn view(daemon: &Arc<Daemon>, actor: &Actor, id: RequestId) -> Result<Response<Body>, Problem> {
    let found = read(daemon, move |daemon| daemon.reader.request(id)).await?;
    let whole = found.ok_or_else(|| Problem::new(Slug::NotFound, format!("there is no request {id}")))?;
    allows(actor, Operation::SeeRequests, target_of(whole.record.team))?;
    let mut view: RequestView = workflows::view_of_request(&daemon.registry.load(), &whole.record);
    view.variables = whole.record.variables;
    view.payload = whole.payload.unwrap_or_default();
    for (place, output) in whole.outputs {
        if let Some(step) = view.steps.get_mut(place) {
            step.output = output.text;
            step.truncated = output.truncated;
        }
    }
    Ok(ok(&view))
}

pub(super) async fn retry(call: Call) -> Result<Response<Body>, Problem> {
    let (daemon, actor, params, retry) = call.json_or_nothing::<RetryRequest>().await?;
    let id = find(&daemon, params.get("request")).await?;
    let command = Command::RetryRequest(id, retry.unwrap_or_default().from_start);
    reply(&daemon, actor.clone(), command).await?;
    view(&daemon, &Actor::daemon(), id).await
}

pub(super) async fn cancel(call: Call) -> Result<Response<Body>, Problem> {
    let (daemon, actor, params, cancel) = call.json_or_nothing::<CancelRequest>().await?;
    let id = find(&daemon, params.get("request")).await?;
    reply(&daemon, actor.clone(), Command::CancelRequest(id, cancel.unwrap_or_default().comment)).await?;
    view(&daemon, &Actor::daemon(), id).await
}

/// A request by its id, or by a piece of it that no other has.
async fn find(daemon: &Arc<Daemon>, reference: &str) -> Result<RequestId, Problem> {
    if let Ok(id) = reference.parse::<RequestId>() {
        return Ok(id);
    }
    let missing = || {
        let shown: String = reference.chars().take(80).collect();
        Problem::new(Slug::NotFound, format!("there is no request `{shown}`"))
    };
    let hint = reference.to_lowercase().replace('-', "");
    if hint.chars().count() < HINT_CHARS_MIN || !hint.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err(missing());
    }
    let found = read(daemon, move |daemon| daemon.reader.request_ids_like(&hint, 2)).await?;
    match found.as_slice() {
        [] => Err(missing()),
        [id] => Ok(*id),
        _ => Err(Problem::new(Slug::Conflict, format!("`{reference}` fits several requests; give more of the id"))),
    }
}
