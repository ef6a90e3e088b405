//! What operators do to a request: stop it, or have it tried again.

use std::collections::BTreeMap;
use std::sync::Arc;

use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::request::{RequestState, StepRun, StepState};
use tollgate_shared::time::Timestamp;

use super::entry::WorkflowEntry;
use super::record::RequestRecord;

/// Stops a queued or running request.
///
/// # Errors
/// It has ended already.
pub fn cancel(record: &mut RequestRecord, note: String, now: Timestamp) -> Result<(), Problem> {
    if record.state.is_finished() {
        let detail = format!("the request has {} already", ended(record.state));
        return Err(Problem::new(Slug::Conflict, detail));
    }
    if let Some(at) = record.current()
        && let Some(run) = record.runs.get_mut(at)
        && run.state != StepState::Pending
    {
        run.state = StepState::Cancelled;
        run.next_at = None;
        run.finished_at.get_or_insert(now);
    }
    record.state = RequestState::Cancelled;
    record.finished_at = Some(now);
    record.note = note;
    Ok(())
}

/// Queues a failed or cancelled request again, with the workflow as it is now. Steps that succeeded are not repeated while
/// they and all before them are as they were, unless it shall begin `from_start`.
///
/// # Errors
/// It is not failed or cancelled; its workflow is disabled, or wants variables that the request has not.
pub fn retry(record: &mut RequestRecord, entry: &WorkflowEntry, from_start: bool) -> Result<(), Problem> {
    if !matches!(record.state, RequestState::Failed | RequestState::Cancelled) {
        let detail = match record.state {
            RequestState::Succeeded => "the request has succeeded; send the call again to start another",
            _ => "the request has not ended; cancel it first",
        };
        return Err(Problem::new(Slug::Conflict, detail));
    }
    if !entry.workflow.spec.enabled {
        return Err(Problem::new(Slug::Conflict, "the workflow is disabled; enable it first"));
    }
    let variables = variables_now(record, entry)?;
    let kept = if from_start { 0 } else { unchanged(record, entry) };
    let anew = entry.steps.iter().enumerate().map(|(at, step)| {
        let old = record.runs.get(at).filter(|run| run.name == step.name && run.kind == step.kind());
        if at < kept { old.cloned() } else { None }.unwrap_or_else(|| StepRun {
            // The count of tries goes on, so that a program can tell them apart.
            attempts: old.map_or(0, |run| run.attempts),
            ..StepRun::pending(&step.name, step.kind())
        })
    });
    record.runs = anew.collect();
    record.steps = Arc::clone(&entry.steps);
    record.version = entry.workflow.version;
    record.name.clone_from(&entry.full_name);
    record.variables = variables;
    record.state = RequestState::Queued;
    record.failures = 0;
    record.note.clear();
    record.finished_at = None;
    record.retries += 1;
    Ok(())
}

/// How many steps at the beginning have succeeded and are still the same.
fn unchanged(record: &RequestRecord, entry: &WorkflowEntry) -> usize {
    let pairs = record.steps.iter().zip(entry.steps.iter()).zip(&record.runs);
    pairs.take_while(|((old, new), run)| old == new && run.state == StepState::Succeeded).count()
}

/// The request's variables under the rules of the workflow as it is now.
fn variables_now(record: &RequestRecord, entry: &WorkflowEntry) -> Result<BTreeMap<String, String>, Problem> {
    let mut values = BTreeMap::new();
    let mut problem = Problem::new(Slug::Validation, "the workflow wants other variables now; send the call again");
    for variable in &entry.workflow.spec.variables {
        let value = record.variables.get(&variable.name).or(variable.default.as_ref());
        let fault = match value {
            Some(value) => variable.accepts(value).err(),
            None => variable.required.then(|| "missing".to_owned()),
        };
        match (fault, value) {
            (Some(fault), _) => problem = problem.with_error(format!("variables.{}", variable.name), fault),
            (None, Some(value)) => drop(values.insert(variable.name.clone(), value.clone())),
            (None, None) => {}
        }
    }
    if problem.errors.is_empty() { Ok(values) } else { Err(problem) }
}

fn ended(state: RequestState) -> &'static str {
    match state {
        RequestState::Succeeded => "succeeded",
        RequestState::Failed => "failed",
        RequestState::Cancelled | RequestState::Queued | RequestState::Running => "been cancelled",
    }
}
