//! One change to many incidents: those that are named, or those that a query finds, once their number was typed.

use std::sync::Arc;

use http::Response;
use tollgate_shared::api::{BulkIncidents, BulkIncidentsResult};
use tollgate_shared::id::IncidentId;
use tollgate_shared::incident::{IncidentHead, IncidentState};
use tollgate_shared::limits::BULK_INCIDENTS_MAX;
use tollgate_shared::problem::{Problem, Slug};

use super::super::answers::{ok, read, reply, unexpected};
use super::super::incident_search::IncidentSearch;
use super::super::params::Call;
use super::{find, seen_by};
use crate::core::access::{Actor, Operation, Sight, allows, service_target};
use crate::core::admin::{Command, IncidentAction, Reply};
use crate::core::registry::Registry;
use crate::core::views;
use crate::daemon::Daemon;
use crate::edge::Body;
use crate::store::{IncidentFilter, StoreError};

/// Incidents that the answer shows; all of them are changed.
const SHOWN_MAX: usize = 100;

pub(in crate::local) async fn bulk(call: Call) -> Result<Response<Body>, Problem> {
    let (daemon, actor, _, bulk) = call.json::<BulkIncidents>().await?;
    let action = action_of(&bulk)?;
    let heads = wanted(&daemon, &actor, &bulk, &action).await?;
    let (count, seer) = (u32::try_from(heads.len()).unwrap_or(u32::MAX), actor.clone());
    if let Some(confirmed) = bulk.confirm_count {
        if confirmed != count {
            let detail = format!("{count} incidents fit, {confirmed} were confirmed; nothing was changed: look again");
            return Err(Problem::new(Slug::Conflict, detail).with_error("confirm_count", count.to_string()));
        }
        let ids = heads.iter().map(|head| head.id).collect();
        let Reply::Incidents(changed) = reply(&daemon, actor, Command::BulkIncidents(ids, action)).await? else {
            return Err(unexpected());
        };
        return answer(&daemon, &seer, &heads, Some(changed), count).await;
    }
    answer(&daemon, &seer, &heads, None, count).await
}

/// As they are now, those that the caller sees: some may have been resolved meanwhile by somebody else.
async fn answer(
    daemon: &Arc<Daemon>,
    seer: &Actor,
    heads: &[IncidentHead],
    changed: Option<u32>,
    count: u32,
) -> Result<Response<Body>, Problem> {
    let ids: Vec<IncidentId> = heads.iter().take(SHOWN_MAX).map(|head| head.id).collect();
    let now = read(daemon, move |daemon| {
        ids.into_iter()
            .map(|id| Ok(daemon.reader.incident(id)?.map(|(head, _, _)| head)))
            .collect::<Result<Vec<_>, _>>()
    })
    .await?;
    let registry = daemon.registry.load();
    let sight = Sight::new(seer, &registry);
    let seen = now.into_iter().flatten().filter(|head| sight.service(Operation::SeeIncidents, head.service));
    let incidents = seen.map(|head| views::incident(&registry, head)).collect();
    Ok(ok(&BulkIncidentsResult { done: changed.is_some(), count: changed.unwrap_or(count), incidents }))
}

fn action_of(bulk: &BulkIncidents) -> Result<IncidentAction, Problem> {
    match bulk.action.as_str() {
        "acknowledge" => Ok(IncidentAction::Acknowledge),
        "unacknowledge" => Ok(IncidentAction::Unacknowledge),
        "resolve" => Ok(IncidentAction::Resolve(bulk.comment.clone())),
        _ => {
            let detail = "action: acknowledge, unacknowledge or resolve";
            Err(Problem::new(Slug::Validation, detail).with_error("action", "unknown"))
        }
    }
}

/// The states that an action changes anything in.
fn states_of(action: &IncidentAction) -> &'static [IncidentState] {
    match action {
        IncidentAction::Acknowledge => &[IncidentState::Triggered],
        IncidentAction::Unacknowledge => &[IncidentState::Acknowledged],
        IncidentAction::Resolve(_) => &[IncidentState::Triggered, IncidentState::Acknowledged],
    }
}

/// The open incidents that are named, or that the query finds: never both, and never silently all.
async fn wanted(
    daemon: &Arc<Daemon>,
    actor: &Actor,
    bulk: &BulkIncidents,
    action: &IncidentAction,
) -> Result<Vec<IncidentHead>, Problem> {
    let mut heads = match (bulk.incidents.is_empty(), bulk.q.is_empty()) {
        (true, false) => found(daemon, actor, &bulk.q, action).await?,
        (false, true) => named(daemon, actor, &bulk.incidents).await?,
        _ => {
            let detail = "name incidents, or give a query: one of them";
            return Err(Problem::new(Slug::Validation, detail).with_error("incidents", "or q"));
        }
    };
    heads.retain(|head| states_of(action).contains(&head.state));
    heads.sort_by_key(|head| head.id);
    heads.dedup_by_key(|head| head.id);
    if heads.len() > BULK_INCIDENTS_MAX {
        let detail = format!("more than {BULK_INCIDENTS_MAX} incidents fit; narrow the query, or take a part first");
        return Err(Problem::new(Slug::Validation, detail).with_error("q", "too many"));
    }
    Ok(heads)
}

async fn named(daemon: &Arc<Daemon>, actor: &Actor, references: &[String]) -> Result<Vec<IncidentHead>, Problem> {
    if references.len() > BULK_INCIDENTS_MAX {
        let detail = format!("{} incidents are named; {BULK_INCIDENTS_MAX} at once", references.len());
        return Err(Problem::new(Slug::Validation, detail).with_error("incidents", "too many"));
    }
    let mut heads = Vec::new();
    for reference in references {
        let id = find(daemon, reference).await?;
        let head = read(daemon, move |daemon| daemon.reader.incident(id)).await?.map(|(head, _, _)| head);
        let head = head.ok_or_else(|| Problem::new(Slug::NotFound, format!("there is no incident {id}")))?;
        let target = service_target(&daemon.registry.load(), head.service);
        allows(actor, Operation::ChangeIncidents, target)?;
        heads.push(head);
    }
    Ok(heads)
}

async fn found(
    daemon: &Arc<Daemon>,
    actor: &Actor,
    q: &str,
    action: &IncidentAction,
) -> Result<Vec<IncidentHead>, Problem> {
    let (registry, now) = (daemon.registry.load_full(), daemon.clock.now());
    let Some(filter) = seen_by(daemon, actor) else { return Ok(Vec::new()) };
    let filter = IncidentFilter { states: states_of(action).to_vec(), ..filter };
    let Some(search) = IncidentSearch::new(q, filter, &registry, now)? else { return Ok(Vec::new()) };
    read(daemon, move |daemon| all(daemon, &registry, &search)).await
}

/// Every incident that fits, one more than may be changed at most.
fn all(daemon: &Daemon, registry: &Registry, search: &IncidentSearch) -> Result<Vec<IncidentHead>, StoreError> {
    let (mut heads, mut before) = (Vec::new(), None);
    loop {
        let page = search.page(daemon.reader.as_ref(), registry, before, BULK_INCIDENTS_MAX + 1 - heads.len())?;
        heads.extend(page.items.into_iter().map(|view| view.head));
        before = page.next.and_then(|next| next.parse().ok());
        if before.is_none() || heads.len() > BULK_INCIDENTS_MAX {
            return Ok(heads);
        }
    }
}
