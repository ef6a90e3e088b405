//! Incidents: list, show, acknowledge, resolve.

use std::cell::RefCell;
use std::sync::Arc;

use http::Response;
use tollgate_shared::api::{IncidentView, Page, ResolveIncident};
use tollgate_shared::id::IncidentId;
use tollgate_shared::incident::IncidentState;
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::query::{self, Bound, Cell, FieldId, INCIDENTS, Row, typed_value};

use super::answers::{ok, read, reply};
use super::params::{Call, Query};
use crate::core::access::{Actor, Operation, Sight, allows, service_target};
use crate::core::admin::Command;
use crate::core::asked::{bound, parsed, term};
use crate::core::views;
use crate::daemon::Daemon;
use crate::edge::Body;
use crate::store::{IncidentFilter, StoreError};

/// Incidents that one page looks at; `next` goes on.
const SCAN_ROWS: usize = 20_000;

/// Incidents of one reading.
const CHUNK_ROWS: usize = 500;

/// A hint shorter than this would be a guess.
const HINT_CHARS_MIN: usize = 4;

pub(super) async fn list(call: &Call) -> Result<Response<Body>, Problem> {
    let query = call.query(&["q", "state", "service", "limit", "cursor"])?;
    let asked = asked(&query)?;
    let Some(filter) = filter_of(call, &query, &asked)? else {
        return Ok(ok(&Page::<IncidentView> { items: Vec::new(), next: None }));
    };
    let bound = bound(&asked, &call.daemon.registry.load(), call.daemon.clock.now())?;
    let (before, limit) = (query.parsed::<IncidentId>("cursor")?, query.limit()?);
    let page = read(&call.daemon, move |daemon| search(daemon, &filter, &bound, before, limit)).await?;
    Ok(ok(&page))
}

/// What `q` asks, and `state` with it.
fn asked(query: &Query<'_>) -> Result<query::Query, Problem> {
    let asked = parsed(query.get("q").unwrap_or_default(), &INCIDENTS)?;
    match query.get("state") {
        Some(state) => Ok(asked.and(term("state", &format!("state:{}", typed_value(state)), &INCIDENTS)?)),
        None => Ok(asked),
    }
}

/// A page of what the query asks for, newest first. A scan is bounded: a page may be short although there is more.
fn search(
    daemon: &Daemon,
    filter: &IncidentFilter,
    bound: &Bound,
    mut before: Option<IncidentId>,
    limit: usize,
) -> Result<Page<IncidentView>, StoreError> {
    let registry = daemon.registry.load();
    let (mut items, mut looked_at) = (Vec::new(), 0);
    loop {
        let (heads, next) = daemon.reader.incidents(filter, before, CHUNK_ROWS)?;
        for head in heads {
            let (id, first_seen) = (head.id, head.first_seen);
            if first_seen.as_micros() < *bound.hints().at.start() {
                return Ok(Page { items, next: None });
            }
            let row = WithWords { view: views::incident(&registry, head), daemon, failed: RefCell::default() };
            let fits = bound.passes(&row);
            row.failed.into_inner().map_or(Ok(()), Err)?;
            items.extend(fits.then_some(row.view));
            looked_at += 1;
            if items.len() == limit || looked_at == SCAN_ROWS {
                return Ok(Page { items, next: Some(id.to_string()) });
            }
        }
        before = next;
        if before.is_none() {
            return Ok(Page { items, next: None });
        }
    }
}

/// An incident whose description is read where the query asks for words: lists do not hold it.
struct WithWords<'a> {
    view: IncidentView,
    daemon: &'a Daemon,
    failed: RefCell<Option<StoreError>>,
}

impl Row for WithWords<'_> {
    fn any(&self, field: FieldId, test: &mut dyn FnMut(Cell<'_>) -> bool) -> bool {
        self.view.any(field, test)
    }

    fn any_text(&self, test: &mut dyn FnMut(&str) -> bool) -> bool {
        self.view.any_text(test)
            || match self.daemon.reader.incident(self.view.head.id) {
                Ok(found) => found.is_some_and(|(_, body, _)| test(&body.description)),
                Err(error) => {
                    *self.failed.borrow_mut() = Some(error);
                    false
                }
            }
    }
}

/// Cut to the services that the caller sees; `None` where there is none. Open ones have a table of their own, so the store
/// is told where only they are asked for.
fn filter_of(call: &Call, query: &Query<'_>, asked: &query::Query) -> Result<Option<IncidentFilter>, Problem> {
    let state = asked.required(FieldId::State).map(str::to_ascii_lowercase);
    let states = match state.as_deref() {
        Some("open") => vec![IncidentState::Triggered, IncidentState::Acknowledged],
        Some("triggered") => vec![IncidentState::Triggered],
        Some("acknowledged") => vec![IncidentState::Acknowledged],
        Some("resolved") => vec![IncidentState::Resolved],
        _ => Vec::new(),
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
