//! Whether somebody may carry out a command: asked with the command's real target, before anything is looked at closer.

use tollgate_shared::problem::Problem;

use super::{Command, Office, requests};
use crate::core::access::{Actor, Operation, Sight, Target, allows, service_target};
use crate::core::registry::Registry;
use crate::core::workflows::target_of as target_of_team;

/// # Errors
/// The refusal of [`allows`], or that the target is not to be found.
pub(super) fn authorise(office: &Office<'_>, actor: &Actor, command: &Command) -> Result<(), Problem> {
    let Some(operation) = command.operation() else { return Ok(()) };
    allows(actor, operation, Target::Any)?;
    let target = target_of(office, actor, command)?;
    allows(actor, operation, target)
}

fn target_of(office: &Office<'_>, actor: &Actor, command: &Command) -> Result<Target, Problem> {
    let registry = office.registry;
    match command {
        Command::CreateTeam(_)
        | Command::DeleteTeam(_)
        | Command::CreateOperator(_)
        | Command::EditOperator(..)
        | Command::DeleteOperator(_)
        | Command::SetPassphrase(..)
        | Command::SetLockdown(_)
        | Command::ReviewRestore(_)
        | Command::NoteBackup(..)
        | Command::AddRedaction(_)
        | Command::RemoveRedaction(_) => Ok(Target::Global),
        Command::CreateService(new) => Ok(Target::Team(registry.find_team(&new.team)?.id)),
        Command::EditService(service, _) | Command::DeleteService(service) => service_named(registry, actor, service),
        Command::CreateFilter(new) => service_named(registry, actor, &new.service),
        Command::EditFilter(filter, ..) | Command::DeleteFilter(filter) => {
            let entry = registry.find_filter(filter)?.0;
            Ok(service_target(registry, entry.service.id))
        }
        Command::Acknowledge(id) | Command::Unacknowledge(id) | Command::Resolve(id, _) => {
            let head = office.view.incident(*id);
            Ok(head.map_or(Target::Any, |head| service_target(registry, head.service)))
        }
        Command::CreateWorkflow(new) => {
            let team = new.team.as_deref().map(|team| registry.find_team(team)).transpose()?;
            Ok(target_of_team(team.map(|team| team.id)))
        }
        Command::EditWorkflow(workflow, ..) | Command::DeleteWorkflow(workflow) => {
            let target = registry.find_workflow(workflow)?.target();
            // Whoever does not even see it is told so, whatever he wanted to do to it.
            allows(actor, Operation::See, target)?;
            Ok(target)
        }
        Command::RetryRequest(id, _) | Command::CancelRequest(id, _) => {
            let target = target_of_team(requests::found(office, *id)?.team);
            allows(actor, Operation::SeeRequests, target)?;
            Ok(target)
        }
        // Tokens are asked about where they are found; a note has no target, and a kept query no team.
        // So are the incidents of a bulk change, each by its own service.
        Command::Token(_)
        | Command::Note(_)
        | Command::BulkIncidents(..)
        | Command::SaveQuery(_)
        | Command::DeleteQuery(..) => Ok(Target::Any),
        Command::AddMaintenance(new) => service_named(registry, actor, &new.service),
        Command::EndMaintenance(id) => {
            let one = registry.maintenance(*id).ok_or_else(|| super::maintenance::missing(*id))?;
            Ok(service_target(registry, one.service))
        }
        Command::SweepMaintenances => Ok(Target::Global),
    }
}

fn service_named(registry: &Registry, actor: &Actor, reference: &str) -> Result<Target, Problem> {
    let id = registry.find_service(reference)?.service.id;
    // Whoever does not even see it is told so, whatever he wanted to do to it.
    if !Sight::new(actor, registry).service(Operation::See, id) {
        allows(actor, Operation::See, service_target(registry, id))?;
    }
    Ok(service_target(registry, id))
}
