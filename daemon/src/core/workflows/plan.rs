//! Which workflows a call starts and with what variables, judged by the call alone. Whether an equal call was here
//! already is for the writer to decide.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use tollgate_shared::id::WorkflowId;
use tollgate_shared::limits::REQUESTS_PER_CALL_MAX;
use tollgate_shared::problem::{FieldError, Slug};
use tollgate_shared::workflow::Variable;

use super::entry::WorkflowEntry;
use crate::core::call::Call;
use crate::core::decision::Content;
use crate::core::registry::Registry;

/// Where a call names its workflow.
const WORKFLOW_ID: &str = "workflowId";
/// Where a body holds variables.
const VARIABLES: &str = "variables";

/// What the workflows say of one call.
#[derive(Clone, Debug, PartialEq)]
pub struct StartPlan {
    /// The state of the workflows that it was made with; another one means: make it again.
    pub workflows: u64,
    /// What shall start, or why nothing may.
    pub starts: Result<Starts, StartRefusal>,
}

/// What shall start.
#[derive(Clone, Debug, PartialEq)]
pub struct Starts {
    /// The workflows in the order of their ids, each with its variables.
    pub workflows: Vec<(WorkflowId, BTreeMap<String, String>)>,
}

/// Why a call starts nothing. It is refused whole.
#[derive(Clone, Debug, PartialEq)]
pub struct StartRefusal {
    /// not-found, conflict or validation.
    pub slug: Slug,
    /// What is wrong.
    pub detail: String,
    /// Variable by variable.
    pub errors: Vec<FieldError>,
}

/// Asks the workflow that the call names, or every one with a trigger.
pub fn plan(registry: &Registry, content: &Content) -> StartPlan {
    StartPlan { workflows: registry.workflows_version(), starts: starts(registry, content) }
}

fn starts(registry: &Registry, content: &Content) -> Result<Starts, StartRefusal> {
    let named = named_workflow(&content.call)?;
    let entries = match &named {
        Some(public_id) => vec![enabled(registry, public_id)?],
        None => registry.workflows().filter(|entry| entry.is_started_by(&content.call)).collect(),
    };
    if entries.len() > REQUESTS_PER_CALL_MAX {
        let detail = format!("the call starts {} workflows; {REQUESTS_PER_CALL_MAX} are the limit", entries.len());
        return Err(StartRefusal { slug: Slug::Validation, detail, errors: Vec::new() });
    }
    let (mut workflows, mut errors) = (Vec::new(), Vec::new());
    for entry in entries {
        match values_for(&entry.workflow.spec.variables, content) {
            Ok(values) => workflows.push((entry.workflow.id, values)),
            Err(bad) if named.is_some() => errors.extend(bad),
            // Several workflows may want the same variable: whose it is must be told apart.
            Err(bad) => errors.extend(bad.into_iter().map(|error| FieldError {
                message: format!("workflow {}: {}", entry.workflow.public_id, error.message),
                ..error
            })),
        }
    }
    if errors.is_empty() { Ok(Starts { workflows }) } else { Err(bad_variables(errors)) }
}

fn bad_variables(errors: Vec<FieldError>) -> StartRefusal {
    let count = errors.len();
    let detail = format!(
        "{count} variable{} missing or malformed; nothing was started",
        if count == 1 { " is" } else { "s are" }
    );
    StartRefusal { slug: Slug::Validation, detail, errors }
}

/// The workflow that the call names, in its body or its query.
///
/// # Errors
/// What stands there is no text.
pub fn named_workflow(call: &Call) -> Result<Option<String>, StartRefusal> {
    let malformed = || {
        let message = "the public id of a workflow as a text, such as w_7QmX0c2LrT".to_owned();
        let detail = format!("{WORKFLOW_ID} is malformed: {message}");
        let errors = vec![FieldError::new(WORKFLOW_ID, message)];
        StartRefusal { slug: Slug::Validation, detail, errors }
    };
    match call.json.as_ref().and_then(|json| json.get(WORKFLOW_ID)) {
        Some(Value::String(id)) if !id.trim().is_empty() => Ok(Some(id.trim().to_owned())),
        Some(Value::Null) | None => Ok(query_value(call, WORKFLOW_ID).map(str::to_owned)),
        Some(_) => Err(malformed()),
    }
}

fn query_value<'c>(call: &'c Call, name: &str) -> Option<&'c str> {
    let found = call.query.iter().find(|(known, value)| known == name && !value.is_empty());
    found.map(|(_, value)| value.as_str())
}

fn enabled<'r>(registry: &'r Registry, named: &str) -> Result<&'r Arc<WorkflowEntry>, StartRefusal> {
    let refusal = |slug, detail: &str| StartRefusal { slug, detail: detail.to_owned(), errors: Vec::new() };
    let entry = registry
        .workflow_named(named)
        .ok_or_else(|| refusal(Slug::NotFound, "there is no workflow with this workflowId"))?;
    if entry.workflow.spec.enabled {
        Ok(entry)
    } else {
        Err(refusal(Slug::Conflict, "the workflow is disabled; nothing was started"))
    }
}

/// The values of `variables`: out of the body's `variables`, the body itself, the query, or their defaults. They are kept
/// with the request, so a value that holds a secret is refused instead of being kept half.
///
/// # Errors
/// Every variable that is missing or malformed.
pub fn values_for(variables: &[Variable], content: &Content) -> Result<BTreeMap<String, String>, Vec<FieldError>> {
    let (mut values, mut errors) = (BTreeMap::new(), Vec::new());
    for variable in variables {
        match value_of(variable, content) {
            Ok(Some(value)) => drop(values.insert(variable.name.clone(), value)),
            Ok(None) => {}
            Err(message) => errors.push(FieldError::new(format!("{VARIABLES}.{}", variable.name), message)),
        }
    }
    if errors.is_empty() { Ok(values) } else { Err(errors) }
}

fn value_of(variable: &Variable, content: &Content) -> Result<Option<String>, String> {
    let Some(value) = given(&variable.name, &content.call)? else {
        return match &variable.default {
            Some(default) => Ok(Some(default.clone())),
            None if variable.required => Err("missing".to_owned()),
            None => Ok(None),
        };
    };
    if given(&variable.name, &content.redacted)?.as_ref() != Some(&value) {
        return Err("holds what looks like a secret, and secrets are not kept with a request".to_owned());
    }
    variable.accepts(&value)?;
    Ok(Some(value))
}

/// The text that a call gives for a name. `null` is as good as nothing.
fn given(name: &str, call: &Call) -> Result<Option<String>, String> {
    let body = call.json.as_ref();
    let inside = body.and_then(|body| body.get(VARIABLES)).and_then(|variables| variables.get(name));
    let beside = || body.and_then(|body| body.get(name)).filter(|value| !value.is_null());
    match inside.filter(|value| !value.is_null()).or_else(beside) {
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(Some(value.to_string())),
        Some(_) => Err("a text, a number or a truth value, no object and no list".to_owned()),
        None => Ok(query_value(call, name).map(str::to_owned)),
    }
}
