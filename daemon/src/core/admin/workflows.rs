//! Workflows: validated whole, every bad field named at once (domain.md §7). What needs the host (the actions directory,
//! the allowlist) was checked by the door before the command came here, and is checked again when a step runs.

use tollgate_shared::api::{NewWorkflow, WorkflowPatch};
use tollgate_shared::filter::FieldError;
use tollgate_shared::id::{TeamId, WorkflowId};
use tollgate_shared::limits::WORKFLOWS_MAX;
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::workflow::WorkflowSpec;

use super::{Done, Office, Reply};
use crate::core::access::Actor;
use crate::core::model::RegistryChange;
use crate::core::registry::Registry;
use crate::core::workflows::{Workflow, WorkflowEntry, public_id_of};

pub(super) fn create(office: &mut Office<'_>, actor: &Actor, new: NewWorkflow) -> Result<Done, Problem> {
    let team = new.team.as_deref().map(|team| office.registry.find_team(team).map(|team| team.id)).transpose()?;
    if office.registry.workflows().len() >= WORKFLOWS_MAX {
        let detail = format!("there are {WORKFLOWS_MAX} workflows, which is the limit");
        return Err(Problem::new(Slug::Validation, detail));
    }
    let spec = checked(office.registry, team, new.spec, None)?;
    let id = WorkflowId((office.new_id)());
    // Ids of one batch are told apart by more than ten characters hold: a public id that is taken is made anew.
    let mut public_id = public_id_of((office.new_id)());
    while office.registry.workflow_named(&public_id).is_some() {
        public_id = public_id_of((office.new_id)());
    }
    let workflow = Workflow {
        id,
        public_id,
        team,
        spec,
        version: 1,
        created_at: office.now,
        created_by: actor.name.clone(),
        updated_at: office.now,
        updated_by: actor.name.clone(),
    };
    let detail = format!("{} steps", workflow.spec.steps.len());
    put(office, actor, workflow, "workflow.create", detail)
}

pub(super) fn edit(
    office: &mut Office<'_>,
    actor: &Actor,
    reference: &str,
    patch: WorkflowPatch,
    version: Option<u64>,
) -> Result<Done, Problem> {
    let entry = office.registry.find_workflow(reference)?.clone();
    let before = entry.workflow.as_ref();
    if version.is_some_and(|version| version != before.version) {
        let detail = format!("the workflow has version {} by now; read it again", before.version);
        return Err(Problem::new(Slug::VersionMismatch, detail));
    }
    let (whole, enabled) = (patch.spec.is_some(), patch.enabled);
    let mut spec = match patch.spec {
        Some(spec) => checked(office.registry, before.team, spec, Some(before.id))?,
        None => before.spec.clone(),
    };
    spec.enabled = enabled.unwrap_or(spec.enabled);
    if spec == before.spec {
        return Ok(Done { changes: Vec::new(), reply: Reply::Workflow(before.id) });
    }
    let action = match (whole, spec.enabled) {
        (true, _) => "workflow.edit",
        (false, true) => "workflow.enable",
        (false, false) => "workflow.disable",
    };
    let detail = changed_words(&before.spec, &spec);
    let (version, by) = (before.version + 1, actor.name.clone());
    let workflow = Workflow { spec, version, updated_at: office.now, updated_by: by, ..before.clone() };
    put(office, actor, workflow, action, detail)
}

pub(super) fn delete(office: &mut Office<'_>, actor: &Actor, reference: &str) -> Result<Done, Problem> {
    let entry = office.registry.find_workflow(reference)?.clone();
    let id = entry.workflow.id;
    let unfinished = office.view.unfinished().into_iter().filter_map(|id| office.view.request(id));
    let of_it = unfinished.filter(|record| record.workflow == id).count();
    if of_it > 0 {
        let detail =
            format!("workflow `{}` has {of_it} queued or running requests; cancel them first", entry.full_name);
        return Err(Problem::new(Slug::InUse, detail).with_error("requests", format!("{of_it} unfinished")));
    }
    let changes = vec![RegistryChange::DeleteWorkflow(id)];
    office.write(actor, &changes, "workflow.delete", target(&entry), String::new());
    Ok(Done { changes, reply: Reply::Deleted })
}

/// Names of workflows whose steps open incidents on a service: it cannot go before them.
pub(super) fn naming_service(registry: &Registry, service: &str) -> Vec<(&'static str, String)> {
    let naming = registry.workflows().filter(|entry| entry.names_service(service));
    naming.map(|entry| ("workflows", entry.full_name.clone())).collect()
}

/// Workflows of a team.
pub(super) fn of_team(registry: &Registry, team: TeamId) -> Vec<(&'static str, String)> {
    let of_it = registry.workflows().filter(|entry| entry.workflow.team == Some(team));
    of_it.map(|entry| ("workflows", entry.full_name.clone())).collect()
}

fn put(
    office: &mut Office<'_>,
    actor: &Actor,
    workflow: Workflow,
    action: &str,
    detail: String,
) -> Result<Done, Problem> {
    let team = workflow.team.and_then(|team| office.registry.team(team)).map(|team| team.name.as_str());
    let entry = WorkflowEntry::new(workflow.clone(), team).map_err(|why| Problem::new(Slug::Validation, why))?;
    let id = workflow.id;
    let changes = vec![RegistryChange::PutWorkflow(Box::new(workflow))];
    office.write(actor, &changes, action, target(&entry), detail);
    Ok(Done { changes, reply: Reply::Workflow(id) })
}

fn target(entry: &WorkflowEntry) -> String {
    format!("workflow {} {}", entry.workflow.public_id, entry.full_name)
}

/// The spec with its services by their ids, or everything that is wrong with it.
///
/// # Errors
/// 422 with every bad field; 409 where the name is taken.
pub fn checked(
    registry: &Registry,
    team: Option<TeamId>,
    mut spec: WorkflowSpec,
    own: Option<WorkflowId>,
) -> Result<WorkflowSpec, Problem> {
    let mut errors = spec.validate().err().unwrap_or_default();
    for (place, step) in spec.steps.iter_mut().enumerate() {
        let Some(incident) = step.incident.as_mut().filter(|incident| !incident.service.is_empty()) else { continue };
        match service_id(registry, team, &incident.service) {
            Ok(id) => incident.service = id,
            Err(message) => errors.push(FieldError { path: format!("steps[{place}].incident.service"), message }),
        }
    }
    if let Some(problem) = bad_fields(errors) {
        return Err(problem);
    }
    let taken = registry.workflows().find(|entry| {
        let other = &entry.workflow;
        other.team == team && Some(other.id) != own && other.spec.name.to_lowercase() == spec.name.to_lowercase()
    });
    match taken {
        Some(other) => Err(Problem::new(Slug::Conflict, format!("there is already a workflow `{}`", other.full_name))),
        None => Ok(spec),
    }
}

/// A problem that names every field; `None` where there is none.
pub fn bad_fields(errors: Vec<FieldError>) -> Option<Problem> {
    let first = errors.first()?;
    let plural = if errors.len() == 1 { "" } else { "s" };
    let detail = format!("the workflow has {} bad field{plural}: {}: {}", errors.len(), first.path, first.message);
    let problem = Problem::new(Slug::Validation, detail);
    Some(errors.into_iter().fold(problem, |problem, error| problem.with_error(error.path, error.message)))
}

fn service_id(registry: &Registry, team: Option<TeamId>, reference: &str) -> Result<String, String> {
    let entry = registry.find_service(reference).map_err(|error| error.to_string())?;
    if team.is_some_and(|team| team != entry.service.team) {
        return Err(format!("`{}` is of another team; a team's workflow reaches its own services", entry.full_name));
    }
    Ok(entry.service.id.to_string())
}

/// Before → after in words; never a value of a header or a body.
fn changed_words(before: &WorkflowSpec, after: &WorkflowSpec) -> String {
    let mut words = Vec::new();
    if before.name != after.name {
        words.push(format!("name {} → {}", before.name, after.name));
    }
    if before.enabled != after.enabled {
        words.push(format!("enabled {} → {}", before.enabled, after.enabled));
    }
    if before.variables != after.variables {
        words.push(format!("variables {} → {}", before.variables.len(), after.variables.len()));
    }
    if before.trigger != after.trigger {
        words.push("trigger".to_owned());
    }
    if before.steps != after.steps {
        words.push(format!("steps {} → {}", before.steps.len(), after.steps.len()));
    }
    words.join(", ")
}
