//! Maintenances: list, add, end.

use http::{Response, StatusCode};
use tollgate_shared::api::{MaintenanceView, NewMaintenance};
use tollgate_shared::id::MaintenanceId;
use tollgate_shared::problem::{Problem, Slug};

use super::answers::{created, page, reply, unexpected};
use super::params::Call;
use crate::core::access::{Operation, Sight};
use crate::core::admin::{Command, Reply};
use crate::core::registry::Registry;
use crate::core::views;
use crate::edge::{Body, respond};

/// A hint shorter than this would be a guess.
const HINT_CHARS_MIN: usize = 4;

pub(super) fn list(call: &Call) -> Result<Response<Body>, Problem> {
    let query = call.query(&["service", "limit", "cursor"])?;
    let registry = call.daemon.registry.load();
    let service = query.get("service").map(|service| registry.find_service(service)).transpose()?;
    let sight = Sight::new(&call.actor, &registry);
    let wanted = registry.maintenances().filter(|one| {
        service.is_none_or(|only| only.service.id == one.service) && sight.service(Operation::See, one.service)
    });
    let now = call.daemon.clock.now();
    let mut all: Vec<MaintenanceView> = wanted.map(|one| views::maintenance(&registry, one, now)).collect();
    all.sort_by_key(|one| (one.from, one.id));
    Ok(page(all, query.parsed("cursor")?, query.limit()?))
}

pub(super) async fn add(call: Call) -> Result<Response<Body>, Problem> {
    let (daemon, actor, _, new) = call.json::<NewMaintenance>().await?;
    let Reply::Maintenance(id) = reply(&daemon, actor, Command::AddMaintenance(new)).await? else {
        return Err(unexpected());
    };
    let registry = daemon.registry.load();
    let one = registry.maintenance(id).ok_or_else(unexpected)?;
    Ok(created(&views::maintenance(&registry, one, daemon.clock.now())))
}

pub(super) async fn end(call: Call) -> Result<Response<Body>, Problem> {
    let id = find(&call.daemon.registry.load(), call.reference("maintenance"))?;
    reply(&call.daemon, call.actor.clone(), Command::EndMaintenance(id)).await?;
    Ok(respond::empty(StatusCode::NO_CONTENT))
}

/// One by its id, or by a piece of it that no other has.
fn find(registry: &Registry, reference: &str) -> Result<MaintenanceId, Problem> {
    if let Ok(id) = reference.parse() {
        return Ok(id);
    }
    let hint = reference.to_lowercase().replace('-', "");
    let is_hint = hint.chars().count() >= HINT_CHARS_MIN && hint.chars().all(|c| c.is_ascii_hexdigit());
    let mut found = registry.maintenances().filter(|one| is_hint && one.id.0.simple().to_string().contains(&hint));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one.id),
        (None, _) => {
            let shown: String = reference.chars().take(80).collect();
            Err(Problem::new(Slug::NotFound, format!("there is no maintenance `{shown}`; ended ones are in the audit")))
        }
        _ => Err(Problem::new(Slug::Conflict, format!("`{reference}` fits several maintenances; give more of the id"))),
    }
}
