//! `tollgate workflow`.

use std::path::Path;

use serde_json::Value;
use tollgate_shared::api::{NewWorkflow, TryWorkflow, WorkflowPatch, WorkflowTrial, WorkflowView};
use tollgate_shared::explain::{Explain, FilterExplain};
use tollgate_shared::workflow::{Step, StepWork, Variable, WorkflowSpec};

use super::args::{Format, WorkflowCreate, WorkflowEdit, WorkflowTry, WorkflowVerb};
use super::call_file::{self, Content};
use super::context::{Context, Done};
use super::exit::{CliError, Exit};
use super::table::{Table, facts, numbers, words};
use super::verdict;
use super::when::When;

pub(super) async fn run(cx: &mut Context<'_>, verb: WorkflowVerb) -> Done {
    let client = cx.client;
    match verb {
        WorkflowVerb::List { team } => {
            cx.list("no workflows yet", workflows, async |page| client.workflows(team.as_deref(), &page).await).await
        }
        WorkflowVerb::Show { workflow } => {
            let workflow = client.workflow(&workflow).await?;
            let when = cx.when();
            cx.object(&workflow, |workflow| workflow_lines(workflow, when))
        }
        WorkflowVerb::Create(create) => self::create(cx, create).await,
        WorkflowVerb::Edit(edit) => self::edit(cx, edit).await,
        WorkflowVerb::Delete { workflow } => delete(cx, &workflow).await,
        WorkflowVerb::Enable { workflow } => switch(cx, &workflow, true).await,
        WorkflowVerb::Disable { workflow } => switch(cx, &workflow, false).await,
        WorkflowVerb::Try(tried) => try_one(cx, tried).await,
    }
}

/// A file holds a workflow, or a whole view of one with its version.
fn read_spec(cx: &mut Context<'_>, file: &Path) -> Result<(WorkflowSpec, Option<u64>), CliError> {
    let text = call_file::read_text(cx.io, file)?;
    let wrong = |error: serde_json::Error| {
        CliError::input(format!("{} is no workflow: {error}", file.display()), "the README shows one")
    };
    let value: Value = serde_json::from_str(&text).map_err(wrong)?;
    let version = value.get("version").and_then(Value::as_u64);
    let spec = match value.get("spec") {
        Some(spec) => WorkflowSpec::from_json(spec.to_string().as_bytes()),
        // The text itself, so that an error names its own line and column.
        None => WorkflowSpec::from_json(text.as_bytes()),
    };
    Ok((spec.map_err(wrong)?, version))
}

async fn create(cx: &mut Context<'_>, create: WorkflowCreate) -> Done {
    let (mut spec, _) = read_spec(cx, &create.file)?;
    spec.name = create.name.unwrap_or(spec.name);
    let workflow = cx.client.create_workflow(&NewWorkflow { team: create.team, spec }).await?;
    cx.changed(&workflow, |workflow| format!("workflow {} created  {}", workflow.full_name, workflow.public_id))
}

async fn edit(cx: &mut Context<'_>, edit: WorkflowEdit) -> Done {
    let (spec, version) = read_spec(cx, &edit.file)?;
    let patch = WorkflowPatch { enabled: None, spec: Some(spec) };
    let workflow = cx.client.edit_workflow(&edit.workflow, &patch, version).await?;
    cx.changed(&workflow, |workflow| format!("workflow {} has version {} now", workflow.full_name, workflow.version))
}

async fn switch(cx: &mut Context<'_>, reference: &str, on: bool) -> Done {
    let patch = WorkflowPatch { enabled: Some(on), spec: None };
    let workflow = cx.client.edit_workflow(reference, &patch, None).await?;
    cx.changed(&workflow, |workflow| {
        let waiting =
            if !on && workflow.queued > 0 { format!("; {} requests wait", workflow.queued) } else { String::new() };
        format!("workflow {} is {}{waiting}", workflow.full_name, state_word(workflow))
    })
}

async fn delete(cx: &mut Context<'_>, reference: &str) -> Done {
    let workflow = cx.client.workflow(reference).await?;
    let line = format!("{} workflow delete {} --yes", cx.tollgate(), workflow.public_id);
    cx.confirm_yes(&format!("delete the workflow {}?", workflow.full_name), &line)?;
    // By id: the name may mean another workflow by now.
    cx.client.delete_workflow(&workflow.id.to_string()).await?;
    if cx.format == Format::Table {
        cx.note(&format!("workflow {} deleted", workflow.full_name));
    }
    Ok(Exit::Ok)
}

async fn try_one(cx: &mut Context<'_>, tried: WorkflowTry) -> Done {
    let spec = tried.spec.as_deref().map(|file| read_spec(cx, file).map(|(spec, _)| spec)).transpose()?;
    let Content { headers, body, .. } = Content::of_body(call_file::read_text(cx.io, &tried.file)?);
    let query = tried.query.unwrap_or_default().trim_start_matches('?').to_owned();
    let question = TryWorkflow { workflow: tried.workflow, spec, team: tried.team, headers, query, body };
    let trial = cx.client.try_workflow(&question).await?;
    cx.object(&trial, trial_lines)?;
    Ok(if trial.errors.is_empty() { Exit::Ok } else { Exit::Attention })
}

fn trial_lines(trial: &WorkflowTrial) -> Vec<String> {
    let mut lines = vec![match (&trial.trigger, trial.matches, trial.errors.is_empty()) {
        (_, _, false) => "WOULD NOT START".to_owned(),
        (None, ..) => "WOULD START  where the call names it in workflowId; it has no trigger".to_owned(),
        (Some(_), true, true) => "WOULD START  by its trigger".to_owned(),
        (Some(_), false, true) => "WOULD START  where the call names it in workflowId; its trigger is false".to_owned(),
    }];
    lines.extend(trial.errors.iter().map(|error| format!("  {}: {}", error.path, error.message)));
    lines.extend(trial.variables.iter().map(|(name, value)| format!("  {name} = {value}")));
    if let Some(trigger) = trial.trigger.clone() {
        let (service_id, filter_id) = (String::new(), String::new());
        let (service, filter) = ("workflow".to_owned(), "trigger".to_owned());
        let one = FilterExplain { service_id, service, filter_id, filter, position: 1, trigger, resolve: None };
        let (matched, nearest_misses) = if trial.matches { (vec![one], vec![]) } else { (vec![], vec![one]) };
        lines.extend(verdict::lines(&Explain { matched, nearest_misses, ..Explain::default() }));
    }
    lines
}

fn state_word(workflow: &WorkflowView) -> &'static str {
    if workflow.spec.enabled { "enabled" } else { "disabled" }
}

fn workflows(rows: &[WorkflowView], _: When) -> Table {
    let columns = [
        words("WORKFLOW"),
        words("PUBLIC ID"),
        words("STATE"),
        words("TRIGGER"),
        words("STEPS"),
        numbers("QUEUED"),
        numbers("RUNNING"),
    ];
    let mut table = Table::new(columns);
    for workflow in rows {
        let state = if workflow.problems.is_empty() { state_word(workflow) } else { "cannot run" };
        table.row([
            workflow.full_name.clone(),
            workflow.public_id.clone(),
            state.to_owned(),
            if workflow.spec.trigger.is_some() { "by trigger" } else { "by id" }.to_owned(),
            workflow.spec.steps.iter().map(|step| step.kind().as_str()).collect::<Vec<_>>().join(", "),
            workflow.queued.to_string(),
            workflow.running.to_string(),
        ]);
    }
    table
}

fn workflow_lines(workflow: &WorkflowView, when: When) -> Vec<String> {
    let spec = &workflow.spec;
    let trigger = spec.trigger.as_ref().map(|trigger| {
        let filter = trigger.as_filter("trigger").trigger;
        super::filter::trigger_words(&filter)
    });
    let mut lines = facts(&[
        ("workflow", workflow.full_name.clone()),
        ("public id", format!("{}  (what senders give as workflowId)", workflow.public_id)),
        ("id", workflow.id.to_string()),
        ("state", state_word(workflow).to_owned()),
        ("team", workflow.team.as_ref().map_or_else(|| "global".to_owned(), |team| team.name.clone())),
        ("trigger", trigger.unwrap_or_else(|| "none: only its id starts it".to_owned())),
        ("requests", format!("{} queued, {} running", workflow.queued, workflow.running)),
        ("version", workflow.version.to_string()),
        ("created", format!("{} by {}", when.full(workflow.created_at), workflow.created_by)),
        ("updated", format!("{} by {}", when.full(workflow.updated_at), workflow.updated_by)),
    ]);
    lines.extend(workflow.problems.iter().map(|problem| format!("cannot run: {}: {}", problem.path, problem.message)));
    lines.extend(spec.variables.iter().map(|variable| format!("variable {}", variable_words(variable))));
    lines
        .extend(spec.steps.iter().enumerate().map(|(place, step)| format!("step {}  {}", place + 1, step_words(step))));
    lines
}

fn variable_words(variable: &Variable) -> String {
    let required = if variable.required { ", required" } else { "" };
    let default = variable.default.as_ref().map(|value| format!(", default {value:?}")).unwrap_or_default();
    let pattern = variable.pattern.as_ref().map(|pattern| format!(", matches {pattern}")).unwrap_or_default();
    format!("{}{required}{default}{pattern}", variable.name)
}

fn step_words(step: &Step) -> String {
    let what = match step.work() {
        Some(StepWork::Run(run)) => {
            let args: Vec<_> = run.args.iter().map(|arg| format!(" {arg:?}")).collect();
            format!("run {}{}, at most {} s, {} retries", run.program, args.concat(), run.timeout_secs, run.retries)
        }
        Some(StepWork::Http(http)) => {
            format!("POST {}, at most {} s, {} retries", http.url, http.timeout_secs, http.retries)
        }
        Some(StepWork::Incident(incident)) => {
            format!("incident {} on {}: {}", incident.priority, incident.service, incident.title)
        }
        None => "nothing".to_owned(),
    };
    format!("{}: {what}", step.name)
}
