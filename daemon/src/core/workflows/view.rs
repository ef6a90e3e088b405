//! Workflows and requests as operators see them.

use tollgate_shared::api::{NamedRef, RequestView, WorkflowView};
use tollgate_shared::filter::FieldError;
use tollgate_shared::id::{ServiceId, TeamId};
use tollgate_shared::problem;
use tollgate_shared::request::{RequestState, StepState};
use tollgate_shared::workflow::WorkflowSpec;

use super::entry::WorkflowEntry;
use super::record::RequestRecord;
use crate::core::registry::Registry;

/// A workflow. `problems` is what the host says of it, `unfinished` how many of its requests are queued and running.
pub fn workflow(
    registry: &Registry,
    entry: &WorkflowEntry,
    problems: Vec<FieldError>,
    (queued, running): (u32, u32),
) -> WorkflowView {
    let workflow = &entry.workflow;
    let problems = problems.into_iter().map(|error| problem::FieldError::new(error.path, error.message));
    WorkflowView {
        id: workflow.id,
        public_id: workflow.public_id.clone(),
        team: team_ref(registry, workflow.team),
        full_name: entry.full_name.clone(),
        spec: with_service_names(registry, workflow.spec.clone()),
        problems: problems.collect(),
        version: workflow.version,
        queued,
        running,
        created_at: workflow.created_at,
        created_by: workflow.created_by.clone(),
        updated_at: workflow.updated_at,
        updated_by: workflow.updated_by.clone(),
    }
}

/// A request without what is stored apart from it: variables, payload and outputs are for one that is shown alone.
pub fn request(registry: &Registry, record: &RequestRecord) -> RequestView {
    let name = match registry.workflow(record.workflow) {
        Some(entry) => entry.full_name.clone(),
        None => format!("{} (deleted)", record.name),
    };
    RequestView {
        id: record.id,
        workflow: NamedRef { id: record.workflow.to_string(), name },
        team: team_ref(registry, record.team),
        state: record.state,
        detail: detail(registry, record),
        token: NamedRef { id: record.token.to_string(), name: registry.token_name(record.token) },
        call: record.call,
        variables: std::collections::BTreeMap::new(),
        payload: String::new(),
        steps_done: u32::try_from(record.steps_done()).unwrap_or(u32::MAX),
        steps: record.runs.clone(),
        retries: record.retries,
        created_at: record.created_at,
        started_at: record.started_at,
        finished_at: record.finished_at,
    }
}

fn team_ref(registry: &Registry, team: Option<TeamId>) -> Option<NamedRef> {
    let team = team?;
    let name = registry.team(team).map_or_else(|| "(deleted)".to_owned(), |team| team.name.to_string());
    Some(NamedRef { id: team.to_string(), name })
}

/// Steps are stored with ids of services; a person reads and writes names.
fn with_service_names(registry: &Registry, mut spec: WorkflowSpec) -> WorkflowSpec {
    for incident in spec.steps.iter_mut().filter_map(|step| step.incident.as_mut()) {
        let entry = incident.service.parse::<ServiceId>().ok().and_then(|id| registry.service(id));
        if let Some(entry) = entry {
            incident.service.clone_from(&entry.full_name);
        }
    }
    spec
}

fn detail(registry: &Registry, record: &RequestRecord) -> String {
    let total = record.runs.len();
    let at = record.current().unwrap_or_else(|| total.saturating_sub(1));
    let step = record.runs.get(at).map_or_else(String::new, |run| format!("step {} of {total}, {}", at + 1, run.name));
    let run = record.runs.get(at);
    let error = run.and_then(|run| run.error.as_deref()).unwrap_or("");
    match record.state {
        RequestState::Queued if registry.workflow(record.workflow).is_some_and(|e| !e.workflow.spec.enabled) => {
            "waits until its workflow is enabled".to_owned()
        }
        RequestState::Queued => format!("waits for its turn; {step} is next"),
        RequestState::Running => match run.filter(|run| run.state == StepState::Waiting).and_then(|run| run.next_at) {
            Some(next) => format!("{step}: {error}; next try at {next}"),
            None => format!("{step}: try {}", run.map_or(1, |run| run.attempts)),
        },
        RequestState::Succeeded => format!("{total} steps done"),
        RequestState::Failed => format!("{step}: {error}"),
        RequestState::Cancelled => record.note.clone(),
    }
}
