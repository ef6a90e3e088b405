//! Teams and services (domain.md §1).

use tollgate_shared::api::{NewService, NewTeam, ServicePatch};
use tollgate_shared::id::{ServiceId, TeamId};
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::token::Scope;

use super::{Done, Office, Reply, name_of, workflows};
use crate::core::access::Actor;
use crate::core::model::{RegistryChange, Service, Team};
use crate::core::registry::{Registry, ServiceEntry};

/// What stands in the way of a deletion: this much in words,
const USES_IN_DETAIL: usize = 5;

/// and this much as a list.
const USES_LISTED: usize = 100;

pub(super) fn create_team(office: &mut Office<'_>, actor: &Actor, new: &NewTeam) -> Result<Done, Problem> {
    let name = name_of("name", &new.name)?;
    if office.registry.teams().any(|team| team.name.key() == name.key()) {
        return Err(Problem::new(Slug::Conflict, format!("there is already a team `{name}`")));
    }
    let team = Team { id: TeamId((office.new_id)()), name, created_at: office.now };
    let (id, target) = (team.id, format!("team {} {}", team.id, team.name));
    let changes = vec![RegistryChange::PutTeam(team)];
    office.write(actor, &changes, "team.create", target, String::new());
    Ok(Done { changes, reply: Reply::Team(id) })
}

pub(super) fn create_service(office: &mut Office<'_>, actor: &Actor, new: &NewService) -> Result<Done, Problem> {
    let name = name_of("name", &new.name)?;
    let team = office.registry.find_team(&new.team)?;
    let siblings = office.registry.services().iter().filter(|entry| entry.service.team == team.id);
    if siblings.into_iter().any(|entry| entry.service.name.key() == name.key()) {
        return Err(Problem::new(Slug::Conflict, format!("team `{}` has already a service `{name}`", team.name)));
    }
    let service =
        Service { id: ServiceId((office.new_id)()), team: team.id, name, enabled: true, created_at: office.now };
    let (id, target) = (service.id, format!("service {} {}/{}", service.id, team.name, service.name));
    let changes = vec![RegistryChange::PutService(service)];
    office.write(actor, &changes, "service.create", target, String::new());
    Ok(Done { changes, reply: Reply::Service(id) })
}

pub(super) fn edit_service(
    office: &mut Office<'_>,
    actor: &Actor,
    reference: &str,
    patch: &ServicePatch,
) -> Result<Done, Problem> {
    let entry = office.registry.find_service(reference)?.clone();
    let mut service = entry.service.as_ref().clone();
    let id = service.id;
    let Some(enabled) = patch.enabled.filter(|enabled| *enabled != service.enabled) else {
        return Ok(Done { changes: Vec::new(), reply: Reply::Service(id) });
    };
    service.enabled = enabled;
    let changes = vec![RegistryChange::PutService(service)];
    let action = if enabled { "service.enable" } else { "service.disable" };
    office.write(actor, &changes, action, format!("service {id} {}", entry.full_name), String::new());
    Ok(Done { changes, reply: Reply::Service(id) })
}

/// A team goes with its operators' roles in it; whatever else is of it must go before.
pub(super) fn delete_team(office: &mut Office<'_>, actor: &Actor, reference: &str) -> Result<Done, Problem> {
    let team = office.registry.find_team(reference)?.clone();
    let registry = office.registry;
    let mut uses: Vec<(&str, String)> = Vec::new();
    for entry in registry.reached(Scope::Team(team.id)) {
        uses.push(("services", entry.full_name.clone()));
        uses.extend(uses_of_service(office, entry));
    }
    uses.extend(tokens_of(registry, Scope::Team(team.id)));
    uses.extend(workflows::of_team(registry, team.id));
    unused("team", team.name.as_str(), uses)?;
    let mut changes = vec![RegistryChange::DeleteTeam(team.id)];
    for operator in registry.operators().filter(|op| op.team_roles.iter().any(|(id, _)| *id == team.id)) {
        let mut operator = operator.as_ref().clone();
        operator.team_roles.retain(|(id, _)| *id != team.id);
        operator.version += 1;
        changes.push(RegistryChange::PutOperator(Box::new(operator)));
    }
    let without_role = changes.len() - 1;
    let detail =
        if without_role > 0 { format!("{without_role} operators lost their role in it") } else { String::new() };
    office.write(actor, &changes, "team.delete", format!("team {} {}", team.id, team.name), detail);
    Ok(Done { changes, reply: Reply::Deleted })
}

pub(super) fn delete_service(office: &mut Office<'_>, actor: &Actor, reference: &str) -> Result<Done, Problem> {
    let entry = office.registry.find_service(reference)?.clone();
    unused("service", &entry.full_name, uses_of_service(office, &entry))?;
    let planned = office.registry.maintenances_of(entry.service.id).iter();
    let mut changes: Vec<_> = planned.map(|one| RegistryChange::DeleteMaintenance(one.id)).collect();
    changes.push(RegistryChange::DeleteService(entry.service.id));
    let target = format!("service {} {}", entry.service.id, entry.full_name);
    office.write(actor, &changes, "service.delete", target, String::new());
    Ok(Done { changes, reply: Reply::Deleted })
}

fn uses_of_service(office: &Office<'_>, entry: &ServiceEntry) -> Vec<(&'static str, String)> {
    let id = entry.service.id;
    let filters = entry.records.iter().map(|record| ("filters", format!("{}/{}", entry.full_name, record.spec.name)));
    let open = office.view.open_count(id);
    let incidents = (open > 0).then(|| ("incidents", format!("{open} open in {}", entry.full_name)));
    let workflows = workflows::naming_service(office.registry, &id.to_string());
    let tokens = tokens_of(office.registry, Scope::Service(id)).into_iter();
    tokens.chain(filters).chain(incidents).chain(workflows).collect()
}

fn tokens_of(registry: &Registry, scope: Scope) -> Vec<(&'static str, String)> {
    let tokens = registry.tokens().filter(|token| token.scope == scope);
    tokens.map(|token| ("tokens", format!("{} {}", token.id, token.name))).collect()
}

/// 409 `in-use` with everything that stands in the way, or nothing does.
pub(super) fn unused(kind: &str, name: &str, mut uses: Vec<(&str, String)>) -> Result<(), Problem> {
    if uses.is_empty() {
        return Ok(());
    }
    uses.sort();
    let listed: Vec<_> = uses.iter().take(USES_IN_DETAIL).map(|(_, what)| what.as_str()).collect();
    let more = uses.len() - listed.len();
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    let detail = format!("{kind} `{name}` is still used: {}{rest}; delete or revoke them first", listed.join(", "));
    let problem = Problem::new(Slug::InUse, detail);
    let listed = uses.into_iter().take(USES_LISTED);
    Err(listed.fold(problem, |problem, (path, what)| problem.with_error(path, what)))
}
