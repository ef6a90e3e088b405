//! Workflows: list, create, show, change, delete, try.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::{Response, StatusCode};
use serde_json::json;
use tollgate_shared::api::{NewWorkflow, TryWorkflow, WorkflowPatch, WorkflowTrial, WorkflowView};
use tollgate_shared::filter::FieldError;
use tollgate_shared::id::WorkflowId;
use tollgate_shared::limits::REQUESTS_UNFINISHED_MAX;
use tollgate_shared::problem::{self, Problem, Slug};
use tollgate_shared::request::RequestState;
use tollgate_shared::workflow::WorkflowSpec;

use super::answers::{created, ok, page, read, reply, tagged, unexpected, version_of};
use super::params::Call;
use super::tried::decode_sample;
use crate::core::access::{Operation, Target, allows};
use crate::core::admin::workflows::{bad_fields, checked};
use crate::core::admin::{Command, Reply};
use crate::core::decision::Content;
use crate::core::registry::Registry;
use crate::core::workflows::{self, Workflow, WorkflowEntry};
use crate::daemon::Daemon;
use crate::edge::{Body, respond};
use crate::store::Reader;

/// Queued and running requests by workflow.
type Unfinished = BTreeMap<WorkflowId, (u32, u32)>;

pub(super) async fn list(call: &Call) -> Result<Response<Body>, Problem> {
    let query = call.query(&["team", "limit", "cursor"])?;
    let registry = call.daemon.registry.load_full();
    let team = match query.get("team") {
        None => None,
        Some("global") => Some(None),
        Some(team) => Some(Some(registry.find_team(team)?.id)),
    };
    let wanted = registry.workflows().filter(|entry| team.is_none_or(|team| entry.workflow.team == team));
    let seen = wanted.filter(|entry| allows(&call.actor, Operation::See, entry.target()).is_ok());
    let entries: Vec<_> = seen.cloned().collect();
    let (cursor, limit) = (query.parsed("cursor")?, query.limit()?);
    let views = read(&call.daemon, move |daemon| {
        let counts = unfinished(daemon.reader.as_ref())?;
        Ok(entries.iter().map(|entry| view(daemon, &registry, entry, &counts)).collect::<Vec<_>>())
    });
    let mut views = views.await?;
    views.sort_by_key(|view: &WorkflowView| view.full_name.to_lowercase());
    Ok(page(views, cursor, limit))
}

/// Counts once for all workflows of a list.
fn unfinished(reader: &dyn Reader) -> Result<Unfinished, crate::store::StoreError> {
    let (mut counts, mut before) = (Unfinished::new(), None);
    loop {
        let (records, next) = reader.requests(true, before, REQUESTS_UNFINISHED_MAX, &|_| true)?;
        for record in &records {
            let (queued, running) = counts.entry(record.workflow).or_default();
            if record.state == RequestState::Queued { *queued += 1 } else { *running += 1 }
        }
        before = next;
        if before.is_none() {
            return Ok(counts);
        }
    }
}

fn view(daemon: &Daemon, registry: &Registry, entry: &WorkflowEntry, counts: &Unfinished) -> WorkflowView {
    let problems = daemon.automation.problems(&entry.workflow.spec);
    let counts = counts.get(&entry.workflow.id).copied().unwrap_or_default();
    workflows::view_of_workflow(registry, entry, problems, counts)
}

pub(super) async fn show(call: &Call) -> Result<Response<Body>, Problem> {
    let registry = call.daemon.registry.load_full();
    let entry = registry.find_workflow(call.reference("workflow"))?.clone();
    allows(&call.actor, Operation::See, entry.target())?;
    shown(&call.daemon, entry.workflow.id).await.map(|view| tagged(ok(&view), view.version))
}

async fn shown(daemon: &Arc<Daemon>, id: WorkflowId) -> Result<WorkflowView, Problem> {
    let registry = daemon.registry.load_full();
    let entry = registry.workflow(id).ok_or_else(unexpected)?.clone();
    read(daemon, move |daemon| {
        let counts = unfinished(daemon.reader.as_ref())?;
        Ok(view(daemon, &registry, &entry, &counts))
    })
    .await
}

pub(super) async fn create(call: Call) -> Result<Response<Body>, Problem> {
    let (daemon, actor, _, new) = call.json::<NewWorkflow>().await?;
    host_accepts(&daemon, &new.spec).await?;
    let done = reply(&daemon, actor, Command::CreateWorkflow(Box::new(new))).await?;
    let Reply::Workflow(id) = done else { return Err(unexpected()) };
    shown(&daemon, id).await.map(|view| tagged(created(&view), view.version))
}

pub(super) async fn edit(call: Call) -> Result<Response<Body>, Problem> {
    let version = version_of(call.request.headers())?;
    let (daemon, actor, params, patch) = call.json::<WorkflowPatch>().await?;
    if let Some(spec) = &patch.spec {
        host_accepts(&daemon, spec).await?;
    }
    let command = Command::EditWorkflow(params.get("workflow").to_owned(), Box::new(patch), version);
    let Reply::Workflow(id) = reply(&daemon, actor, command).await? else { return Err(unexpected()) };
    shown(&daemon, id).await.map(|view| tagged(ok(&view), view.version))
}

pub(super) async fn delete(call: Call) -> Result<Response<Body>, Problem> {
    let command = Command::DeleteWorkflow(call.reference("workflow").to_owned());
    reply(&call.daemon, call.actor.clone(), command).await?;
    Ok(respond::empty(StatusCode::NO_CONTENT))
}

/// What this host would not carry out is not saved; nor is a variable that could never be kept. Where the workflow itself
/// is wrong the writer says so, with everything at once.
async fn host_accepts(daemon: &Arc<Daemon>, spec: &WorkflowSpec) -> Result<(), Problem> {
    if spec.validate().is_err() {
        return Ok(());
    }
    let (checking, spec) = (daemon.clone(), spec.clone());
    let errors = tokio::task::spawn_blocking(move || host_errors(&checking, &spec)).await;
    let errors = errors.map_err(|_| Problem::new(Slug::Internal, "the check ended unexpectedly; the log says why"))?;
    bad_fields(errors).map_or(Ok(()), Err)
}

fn host_errors(daemon: &Daemon, spec: &WorkflowSpec) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (place, variable) in spec.variables.iter().enumerate() {
        let mut probe = json!({ variable.name.clone(): "probe" });
        if daemon.redactor().redact_value(&mut probe) {
            let message =
                "values under this name are secrets, and secrets are not kept with a request; name it otherwise";
            errors.push(FieldError { path: format!("variables[{place}].name"), message: message.to_owned() });
        }
    }
    errors.extend(daemon.automation.problems(spec));
    errors
}

pub(super) async fn try_one(call: Call) -> Result<Response<Body>, Problem> {
    let (daemon, actor, _, tried) = call.json::<TryWorkflow>().await?;
    let registry = daemon.registry.load_full();
    let entry = match (&tried.workflow, tried.spec) {
        (Some(reference), None) => registry.find_workflow(reference)?.clone(),
        (None, Some(spec)) => Arc::new(unsaved(&registry, tried.team.as_deref(), spec)?),
        _ => {
            let detail = "give either a workflow or a spec";
            return Err(Problem::new(Slug::Validation, detail).with_error("workflow", detail));
        }
    };
    allows(&actor, Operation::See, entry.target())?;
    let decoded = decode_sample(&tried.headers, &tried.query, &tried.body)?;
    let redacted = daemon.redactor().redact(&decoded.call);
    let content = Content { call: decoded.call, redacted };
    let mut trial = WorkflowTrial {
        matches: entry.trigger.as_ref().is_some_and(|trigger| trigger.triggers(&content.call)),
        trigger: workflows::part_of(&entry, &content.call, &content.redacted),
        variables: BTreeMap::new(),
        errors: Vec::new(),
    };
    match workflows::values_for(&entry.workflow.spec.variables, &content) {
        Ok(values) => trial.variables = values,
        Err(errors) => trial.errors = errors,
    }
    let (checking, asked) = (daemon.clone(), entry.clone());
    let host = tokio::task::spawn_blocking(move || host_errors(&checking, &asked.workflow.spec)).await;
    let host = host.map_err(|_| Problem::new(Slug::Internal, "the check ended unexpectedly; the log says why"))?;
    let host = host.into_iter().map(|error| problem::FieldError::new(error.path, error.message));
    trial.errors.extend(host);
    Ok(ok(&trial))
}

/// A workflow being edited, as if it were saved.
fn unsaved(registry: &Registry, team: Option<&str>, spec: WorkflowSpec) -> Result<WorkflowEntry, Problem> {
    let team = team.map(|team| registry.find_team(team).map(|team| team.id)).transpose()?;
    // The name may be taken, by the very workflow that is being edited.
    let own = registry.workflows().find(|entry| {
        entry.workflow.team == team && entry.workflow.spec.name.to_lowercase() == spec.name.to_lowercase()
    });
    let spec = checked(registry, team, spec, own.map(|entry| entry.workflow.id))?;
    let never = tollgate_shared::time::Timestamp::default();
    let workflow = Workflow {
        id: WorkflowId(uuid::Uuid::nil()),
        public_id: String::new(),
        team,
        spec,
        version: 0,
        created_at: never,
        created_by: String::new(),
        updated_at: never,
        updated_by: String::new(),
    };
    let name = team.and_then(|team| registry.team(team)).map(|team| team.name.as_str());
    WorkflowEntry::new(workflow, name).map_err(|why| Problem::new(Slug::Validation, why))
}

/// What access is asked about a request of a team, or of none.
pub(super) fn target_of(team: Option<tollgate_shared::id::TeamId>) -> Target {
    workflows::target_of(team)
}
