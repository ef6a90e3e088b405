//! Incidents: list, show, acknowledge, resolve.

use std::sync::Arc;

use http::Response;
use tollgate_shared::api::{IncidentView, Page, ResolveIncident};
use tollgate_shared::id::IncidentId;
use tollgate_shared::incident::IncidentState;
use tollgate_shared::problem::{Problem, Slug};

use super::answers::{ok, read, reply};
use super::params::{Call, Query};
use crate::core::access::{Actor, Operation, Sight, allows, service_target};
use crate::core::admin::Command;
use crate::core::views;
use crate::daemon::Daemon;
use crate::edge::Body;
use crate::store::IncidentFilter;

/// A hint shorter than this would be a guess.
const HINT_CHARS_MIN: usize = 4;

pub(super) async fn list(call: &Call) -> Result<Response<Body>, Problem> {
    let query = call.query(&["state", "service", "limit", "cursor"])?;
    let Some(filter) = filter_of(call, &query)? else {
        return Ok(ok(&Page::<IncidentView> { items: Vec::new(), next: None }));
    };
    let (before, limit) = (query.parsed::<IncidentId>("cursor")?, query.limit()?);
    let (heads, next) = read(&call.daemon, move |daemon| {
        let (mut heads, mut next) = daemon.reader.incidents(&filter, before, limit)?;
        // A scan is bounded: a page may come back short although there is more.
        while let Some(from) = next.filter(|_| heads.len() < limit) {
            let (more, after) = daemon.reader.incidents(&filter, Some(from), limit - heads.len())?;
            heads.extend(more);
            next = after;
        }
        Ok((heads, next))
    })
    .await?;
    let registry = call.daemon.registry.load();
    let items = heads.into_iter().map(|head| views::incident(&registry, head)).collect::<Vec<_>>();
    Ok(ok(&Page { items, next: next.map(|id| id.to_string()) }))
}

/// Cut to the services that the caller sees; `None` where there is none.
fn filter_of(call: &Call, query: &Query<'_>) -> Result<Option<IncidentFilter>, Problem> {
    let states = match query.get("state") {
        None => Vec::new(),
        Some("open") => vec![IncidentState::Triggered, IncidentState::Acknowledged],
        Some("triggered") => vec![IncidentState::Triggered],
        Some("acknowledged") => vec![IncidentState::Acknowledged],
        Some("resolved") => vec![IncidentState::Resolved],
        Some(other) => {
            let detail = format!("`{other}` is no state; open, triggered, acknowledged or resolved");
            return Err(Problem::new(Slug::Validation, detail).with_error("state", "unknown"));
        }
    };
    let registry = call.daemon.registry.load();
    if let Some(service) = query.get("service") {
        let id = registry.find_service(service)?.service.id;
        allows(&call.actor, Operation::SeeIncidents, service_target(&registry, id))?;
        return Ok(Some(IncidentFilter { services: vec![id], states }));
    }
    let sight = Sight::new(&call.actor, &registry);
    if sight.of_everything(Operation::SeeIncidents) {
        return Ok(Some(IncidentFilter { services: Vec::new(), states }));
    }
    let all = registry.services().iter().map(|entry| entry.service.id);
    let services: Vec<_> = all.filter(|id| sight.service(Operation::SeeIncidents, *id)).collect();
    Ok((!services.is_empty()).then_some(IncidentFilter { services, states }))
}

pub(super) async fn show(call: &Call) -> Result<Response<Body>, Problem> {
    let id = find(&call.daemon, call.reference("incident")).await?;
    view(&call.daemon, &call.actor, id).await
}

async fn view(daemon: &Arc<Daemon>, actor: &Actor, id: IncidentId) -> Result<Response<Body>, Problem> {
    let found = read(daemon, move |daemon| daemon.reader.incident(id)).await?;
    let (head, body, timeline) =
        found.ok_or_else(|| Problem::new(Slug::NotFound, format!("there is no incident {id}")))?;
    let registry = daemon.registry.load();
    allows(actor, Operation::SeeIncidents, service_target(&registry, head.service))?;
    Ok(ok(&views::incident_whole(&registry, head, body.description, timeline)))
}

pub(super) async fn acknowledge(call: Call) -> Result<Response<Body>, Problem> {
    let id = find(&call.daemon, call.reference("incident")).await?;
    reply(&call.daemon, call.actor.clone(), Command::Acknowledge(id)).await?;
    view(&call.daemon, &call.actor, id).await
}

pub(super) async fn unacknowledge(call: Call) -> Result<Response<Body>, Problem> {
    let id = find(&call.daemon, call.reference("incident")).await?;
    reply(&call.daemon, call.actor.clone(), Command::Unacknowledge(id)).await?;
    view(&call.daemon, &call.actor, id).await
}

pub(super) async fn resolve(call: Call) -> Result<Response<Body>, Problem> {
    let (daemon, actor, params, resolve) = call.json::<ResolveIncident>().await?;
    let id = find(&daemon, params.get("incident")).await?;
    reply(&daemon, actor.clone(), Command::Resolve(id, resolve.comment)).await?;
    view(&daemon, &actor, id).await
}

/// An incident by its id, or by a piece of it that no other has.
async fn find(daemon: &Arc<Daemon>, reference: &str) -> Result<IncidentId, Problem> {
    if let Ok(id) = reference.parse::<IncidentId>() {
        return Ok(id);
    }
    let missing = || {
        let shown: String = reference.chars().take(80).collect();
        Problem::new(Slug::NotFound, format!("there is no incident `{shown}`"))
    };
    let hint = reference.to_lowercase().replace('-', "");
    if hint.chars().count() < HINT_CHARS_MIN || !hint.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err(missing());
    }
    let found = read(daemon, move |daemon| daemon.reader.incident_ids_like(&hint, 2)).await?;
    match found.as_slice() {
        [] => Err(missing()),
        [id] => Ok(*id),
        _ => Err(Problem::new(Slug::Conflict, format!("`{reference}` fits several incidents; give more of the id"))),
    }
}
