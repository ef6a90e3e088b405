//! Incidents: list, show, acknowledge, resolve.

mod bulk;

use std::collections::BTreeSet;
use std::sync::Arc;

use http::Response;
use tollgate_shared::api::{IncidentView, Page, ResolveIncident};
use tollgate_shared::id::{IncidentId, TokenId};
use tollgate_shared::incident::IncidentState;
use tollgate_shared::priority::Priority;
use tollgate_shared::problem::{Problem, Slug};

use super::answers::{ok, read, reply};
use super::incident_search::IncidentSearch;
use super::params::{Call, Query};
use crate::core::access::{Actor, Operation, Sight, allows, service_target};
use crate::core::admin::Command;
use crate::core::registry::Registry;
use crate::core::views;
use crate::daemon::Daemon;
use crate::edge::Body;
use crate::store::IncidentFilter;

/// A hint shorter than this would be a guess.
const HINT_CHARS_MIN: usize = 4;

/// What a list can be cut to.
const FILTER_PARAMETERS: [&str; 6] = ["state", "service", "priority", "token", "text", "since_secs"];

pub(super) async fn list(call: &Call) -> Result<Response<Body>, Problem> {
    let known: Vec<&str> = FILTER_PARAMETERS.iter().copied().chain(["q", "limit", "cursor"]).collect();
    let query = call.query(&known)?;
    let Some(filter) = filter_of(&call.daemon, &call.actor, &query)? else { return Ok(ok(&nothing())) };
    let (registry, now) = (call.daemon.registry.load_full(), call.daemon.clock.now());
    let Some(search) = IncidentSearch::new(query.get("q").unwrap_or_default(), filter, &registry, now)? else {
        return Ok(ok(&nothing()));
    };
    let (before, limit) = (query.parsed::<IncidentId>("cursor")?, query.limit()?);
    let page = move |daemon: &Daemon| search.page(daemon.reader.as_ref(), &registry, before, limit);
    Ok(ok(&read(&call.daemon, page).await?))
}

fn nothing() -> Page<IncidentView> {
    Page { items: Vec::new(), next: None }
}

/// Cut to the services that the caller sees; `None` where there is none.
fn filter_of(daemon: &Daemon, actor: &Actor, query: &Query<'_>) -> Result<Option<IncidentFilter>, Problem> {
    let registry = daemon.registry.load();
    let filter = IncidentFilter {
        services: BTreeSet::new(),
        states: states_of(query)?,
        priorities: priorities_of(query)?,
        token: query.get("token").map(|token| token_of(&registry, token)).transpose()?,
        text: query.get("text").map(str::to_lowercase),
        since: query.parsed::<u32>("since_secs")?.map(|secs| daemon.clock.now().plus_secs(-i64::from(secs))),
    };
    if let Some(service) = query.get("service") {
        let id = registry.find_service(service)?.service.id;
        allows(actor, Operation::SeeIncidents, service_target(&registry, id))?;
        return Ok(Some(IncidentFilter { services: [id].into(), ..filter }));
    }
    Ok(seen_by(daemon, actor).map(|seen| IncidentFilter { services: seen.services, ..filter }))
}

/// What the caller sees; `None` where that is nothing.
fn seen_by(daemon: &Daemon, actor: &Actor) -> Option<IncidentFilter> {
    let registry = daemon.registry.load();
    let sight = Sight::new(actor, &registry);
    if sight.of_everything(Operation::SeeIncidents) {
        return Some(IncidentFilter::default());
    }
    let all = registry.services().iter().map(|entry| entry.service.id);
    let services: BTreeSet<_> = all.filter(|id| sight.service(Operation::SeeIncidents, *id)).collect();
    (!services.is_empty()).then_some(IncidentFilter { services, ..IncidentFilter::default() })
}

/// A token by its id, also where it is revoked, or by its name while it lives.
fn token_of(registry: &Registry, reference: &str) -> Result<TokenId, Problem> {
    reference.parse::<TokenId>().or_else(|_| Ok(registry.find_token(reference)?.id))
}

fn states_of(query: &Query<'_>) -> Result<Vec<IncidentState>, Problem> {
    Ok(match query.get("state") {
        None => Vec::new(),
        Some("open") => vec![IncidentState::Triggered, IncidentState::Acknowledged],
        Some("triggered") => vec![IncidentState::Triggered],
        Some("acknowledged") => vec![IncidentState::Acknowledged],
        Some("resolved") => vec![IncidentState::Resolved],
        Some(other) => {
            let detail = format!("`{other}` is no state; open, triggered, acknowledged or resolved");
            return Err(Problem::new(Slug::Validation, detail).with_error("state", "unknown"));
        }
    })
}

/// One, or several with commas: `P1,P2`.
fn priorities_of(query: &Query<'_>) -> Result<Vec<Priority>, Problem> {
    let named = query.get("priority").into_iter().flat_map(|list| list.split(','));
    let parse = |text: &str| {
        let known = [Priority::P1, Priority::P2, Priority::P3, Priority::P4, Priority::P5];
        known.into_iter().find(|known| known.to_string().eq_ignore_ascii_case(text.trim())).ok_or_else(|| {
            Problem::new(Slug::Validation, format!("`{text}` is no priority; P1 to P5"))
                .with_error("priority", "unknown")
        })
    };
    named.map(parse).collect()
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

pub(super) use self::bulk::bulk;

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
