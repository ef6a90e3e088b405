//! Teams and services (domain.md §1).

use tollgate_shared::api::{NewService, NewTeam, ServicePatch};
use tollgate_shared::id::{ServiceId, TeamId};
use tollgate_shared::problem::{Problem, Slug};

use super::{Done, Office, Reply, name_of};
use crate::core::access::Actor;
use crate::core::model::{RegistryChange, Service, Team};

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
