//! The runner's turn: it tells how a step went and asks for the next one. What becomes of the request is decided here, by
//! the writer, in one transaction.
//!
//! A step that stands as running and is in nobody's hands was cut off, by a crash or by a commit whose answer was lost: it
//! is handed out again (at least once). Steps that open an incident need no runner: the writer does them itself, so that
//! they happen exactly once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tollgate_shared::id::{FilterId, IncidentId, RequestId, ServiceId};
use tollgate_shared::request::{RequestState, StepRun, StepState};
use tollgate_shared::time::Timestamp;
use tollgate_shared::workflow::{IncidentStep, Step, StepWork, render};

use super::record::{RequestRecord, StepOutput};
use crate::core::call::Call;
use crate::core::decide::{Bench, Origin, fire_once};
use crate::core::routing::TriggerPlan;

/// The longest pause between two tries, seconds.
const PAUSE_SECS_MAX: i64 = 300;
/// Characters of an incident's title, bytes of its description and key: as for calls.
const TITLE_CHARS_MAX: usize = 1_024;
const DESCRIPTION_BYTES_MAX: usize = 4_096;
const KEY_BYTES_MAX: usize = 255;

/// What the runner says.
#[derive(Clone, Debug, Default)]
pub struct Turn {
    /// How a step went.
    pub done: Option<StepDone>,
    /// Requests with a step in its hands, without that one.
    pub in_hand: BTreeSet<RequestId>,
    /// It has a free place.
    pub claim: bool,
}

/// How one try of a step went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepDone {
    /// Which request's,
    pub request: Option<RequestId>,
    /// which step,
    pub step: usize,
    /// which try.
    pub attempt: u32,
    /// Why it failed; `None` = it succeeded.
    pub error: Option<String>,
    /// It failed in a way that trying again cannot mend.
    pub final_failure: bool,
    /// `run`: the exit status,
    pub exit_status: Option<i32>,
    /// or the signal that ended it.
    pub signal: Option<i32>,
    /// `http`: the answer's status.
    pub http_status: Option<u16>,
    /// What it wrote or what was answered, redacted and cut.
    pub output: StepOutput,
}

/// What the runner is told.
#[derive(Clone, Debug, Default)]
pub struct Turned {
    /// The step to carry out now.
    pub order: Option<Box<StepOrder>>,
    /// Without one: when there may be one at the latest.
    pub next_due: Option<Timestamp>,
    /// A request changed.
    pub changed: bool,
    /// An incident was opened or attached to.
    pub incidents: bool,
}

/// A step to carry out.
#[derive(Clone, Debug)]
pub struct StepOrder {
    /// The request: what programs find in `TOLLGATE_REQUEST_ID`.
    pub request: RequestId,
    /// The workflow's full name.
    pub workflow: String,
    /// The steps, and which of them.
    pub steps: Arc<Vec<Step>>,
    /// Its place.
    pub at: usize,
    /// Counts from 1 over crashes and retries.
    pub attempt: u32,
    /// The variables.
    pub variables: BTreeMap<String, String>,
}

/// Takes note of what was done, and finds what is due.
pub fn turn(bench: &mut Bench<'_>, turn: &Turn) -> Turned {
    let mut turned = Turned::default();
    if let Some(done) = &turn.done
        && let Some(record) = done.request.and_then(|id| bench.view.request(id))
    {
        turned.changed |= note(bench, &record, done);
    }
    if turn.claim {
        claim(bench, turn, &mut turned);
    }
    turned
}

/// True where the request changed.
fn note(bench: &mut Bench<'_>, before: &RequestRecord, done: &StepDone) -> bool {
    let mut record = before.clone();
    let Some(run) = record.runs.get_mut(done.step).filter(|run| run.attempts == done.attempt) else { return false };
    if !matches!(run.state, StepState::Running | StepState::Cancelled) {
        return false;
    }
    run.exit_status = done.exit_status;
    run.signal = done.signal;
    run.http_status = done.http_status;
    run.truncated = done.output.truncated;
    bench.view.put_request_output(record.id, done.step, done.output.clone());
    // A step that was cancelled under way keeps its state: only how it ended is added.
    if run.state == StepState::Running {
        run.finished_at = Some(bench.now);
        run.error.clone_from(&done.error);
        match done.error {
            None => succeeded(bench, &mut record, done.step),
            Some(_) => failed(bench, &mut record, done.step, done.final_failure),
        }
    }
    bench.view.put_request(record);
    true
}

fn succeeded(bench: &mut Bench<'_>, record: &mut RequestRecord, at: usize) {
    record.runs[at].state = StepState::Succeeded;
    record.failures = 0;
    if record.current().is_none() {
        record.state = RequestState::Succeeded;
        record.finished_at = Some(bench.now);
        // Nothing will read it any more.
        record.payload_bytes = 0;
        bench.view.drop_request_payload(record.id);
    }
}

/// A failed step stops its request once its tries are used up.
fn failed(bench: &Bench<'_>, record: &mut RequestRecord, at: usize, final_failure: bool) {
    record.failures += 1;
    let retries = record.steps.get(at).map_or(0, Step::retries);
    let run = &mut record.runs[at];
    if final_failure || record.failures > retries {
        run.state = StepState::Failed;
        record.state = RequestState::Failed;
        record.finished_at = Some(bench.now);
    } else {
        run.state = StepState::Waiting;
        run.next_at = Some(bench.now.plus_secs(pause_secs(record.failures)));
    }
}

/// 1, 2, 4, 8 … s after the first, second … failure.
fn pause_secs(failures: u32) -> i64 {
    1_i64.checked_shl(failures.saturating_sub(1)).filter(|secs| *secs > 0).unwrap_or(PAUSE_SECS_MAX).min(PAUSE_SECS_MAX)
}

/// Finds the oldest request whose step is due, and does those that need no runner on the way.
fn claim(bench: &mut Bench<'_>, turn: &Turn, turned: &mut Turned) {
    for id in bench.view.unfinished() {
        if turn.in_hand.contains(&id) {
            continue;
        }
        // Several incident steps may follow each other; each turn of this loop does one.
        while let Some(record) = bench.view.request(id).filter(|record| !record.state.is_finished()) {
            match due(bench, &record) {
                Due::Held => break,
                Due::At(at) => {
                    turned.next_due = Some(turned.next_due.map_or(at, |known| known.min(at)));
                    break;
                }
                Due::Now(step) => {
                    turned.changed = true;
                    if let Some(order) = begin(bench, &record, step, turned) {
                        turned.order = Some(Box::new(order));
                        return;
                    }
                }
            }
        }
    }
}

enum Due {
    /// This step, now.
    Now(usize),
    /// Its next try is due then.
    At(Timestamp),
    /// Its workflow is disabled.
    Held,
}

fn due(bench: &Bench<'_>, record: &RequestRecord) -> Due {
    let Some(at) = record.current() else { return Due::Held };
    let disabled = bench.registry.workflow(record.workflow).is_some_and(|entry| !entry.workflow.spec.enabled);
    if record.state == RequestState::Queued && disabled {
        return Due::Held;
    }
    match &record.runs[at] {
        StepRun { state: StepState::Waiting, next_at: Some(next), .. } if bench.now < *next => Due::At(*next),
        _ => Due::Now(at),
    }
}

/// Marks a step as running and gives it out; one that opens an incident is done at once.
fn begin(bench: &mut Bench<'_>, before: &RequestRecord, at: usize, turned: &mut Turned) -> Option<StepOrder> {
    let mut record = before.clone();
    record.state = RequestState::Running;
    record.started_at.get_or_insert(bench.now);
    let run = &mut record.runs[at];
    let attempt = run.attempts.saturating_add(1);
    *run = StepRun { attempts: attempt, started_at: Some(bench.now), ..StepRun::pending(&run.name, run.kind) };
    run.state = StepState::Running;
    let steps = Arc::clone(&record.steps);
    if let Some(StepWork::Incident(step)) = steps.get(at).and_then(Step::work) {
        turned.incidents |= open_incident(bench, &mut record, at, step);
        bench.view.put_request(record);
        return None;
    }
    let order = StepOrder {
        request: record.id,
        workflow: record.name.clone(),
        steps,
        at,
        attempt,
        variables: record.variables.clone(),
    };
    bench.view.put_request(record);
    Some(order)
}

/// True where an incident was opened or attached to; otherwise the step has failed.
fn open_incident(bench: &mut Bench<'_>, record: &mut RequestRecord, at: usize, step: &IncidentStep) -> bool {
    record.runs[at].finished_at = Some(bench.now);
    match service_of(bench, record, step) {
        Ok(service) => {
            record.runs[at].incident = fire(bench, record, service, step);
            if record.runs[at].incident.is_none() {
                let text = "suppressed: the service is under maintenance".to_owned();
                bench.view.put_request_output(record.id, at, StepOutput { text, truncated: false });
            }
            succeeded(bench, record, at);
            true
        }
        Err(why) => {
            record.runs[at].error = Some(why.to_owned());
            failed(bench, record, at, true);
            false
        }
    }
}

/// The service, if it still is what the workflow may reach.
fn service_of(bench: &Bench<'_>, record: &RequestRecord, step: &IncidentStep) -> Result<ServiceId, &'static str> {
    let id = step.service.parse::<ServiceId>().map_err(|_| "the step names no service")?;
    let entry = bench.registry.service(id).ok_or("the service is gone")?;
    if record.team.is_some_and(|team| team != entry.service.team) {
        return Err("the service is of another team than the workflow");
    }
    if entry.service.enabled { Ok(id) } else { Err("the service is disabled") }
}

fn fire(bench: &mut Bench<'_>, record: &RequestRecord, service: ServiceId, step: &IncidentStep) -> Option<IncidentId> {
    let title: String = render(&step.title, &record.variables).chars().take(TITLE_CHARS_MAX).collect();
    let description = render(&step.description, &record.variables);
    let key = step.key.as_ref().map(|key| render(key, &record.variables)).filter(|key| !key.is_empty());
    let trigger = TriggerPlan {
        // Where a filter would stand: what opened it is the workflow.
        filter: FilterId(record.workflow.0),
        key: key.map(|key| cut(key, KEY_BYTES_MAX)),
        title: if title.trim().is_empty() { format!("Incident from workflow {}", record.name) } else { title },
        description: cut(description, DESCRIPTION_BYTES_MAX),
        priority: step.priority,
    };
    // What a call of its own would have said.
    let payload = Call {
        headers: Vec::new(),
        query: Vec::new(),
        source_ip: record.source_ip,
        text: format!("{}\n{}", trigger.title, trigger.description),
        json: None,
    };
    let origin = Origin { call: record.call, token: record.token, source_ip: record.source_ip, payload: &payload };
    fire_once(bench, &origin, service, &trigger)
}

fn cut(mut text: String, bytes_max: usize) -> String {
    text.truncate(text.floor_char_boundary(bytes_max));
    text
}
