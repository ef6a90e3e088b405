//! Starting requests: decided by the writer, all of a call's or none.

use tollgate_shared::api::StartedRequest;
use tollgate_shared::id::{RequestId, WorkflowId};
use tollgate_shared::limits::{REQUEST_PAYLOAD_BYTES_MAX, REQUESTS_UNFINISHED_MAX};
use tollgate_shared::outcome::Outcome;
use tollgate_shared::problem::Slug;
use tollgate_shared::request::{RequestState, StepRun};

use super::plan::{self, StartPlan, StartRefusal, Starts};
use super::record::{RequestBrief, RequestRecord};
use crate::core::authenticate::Denied;
use crate::core::decide::Bench;
use crate::core::decision::{Decision, Proposal};
use crate::core::model::Token;

/// Decides a call to `/v1/request` whose token is still good.
pub fn decide(bench: &mut Bench<'_>, proposal: &Proposal, token: &Token, made: &StartPlan) -> Decision {
    if let Some(earlier) = standing(bench, proposal, token) {
        return duplicate(earlier);
    }
    let fresh;
    let plan = if bench.registry.workflows_version() == made.workflows {
        made
    } else {
        fresh = plan::plan(bench.registry, &proposal.content);
        &fresh
    };
    match &plan.starts {
        Err(refusal) => refused(token, refusal),
        Ok(starts) if starts.workflows.is_empty() => Decision::of(Outcome::NoMatch),
        Ok(starts) => match room(bench, proposal, starts) {
            Err(detail) => Decision::refused(Denied::of(token, Slug::Overloaded, detail)),
            Ok(()) => start(bench, proposal, starts),
        },
    }
}

/// What an equal call has started, while its window is open and all of it stands: a failed or cancelled request does not
/// keep the call from starting another, unless the token is strict (domain.md §4).
fn standing(bench: &Bench<'_>, proposal: &Proposal, token: &Token) -> Option<Vec<RequestBrief>> {
    let fingerprint = proposal.fingerprint.as_ref()?;
    let mut earlier = bench.view.started_by(token.id, fingerprint);
    let window = i64::from(token.dedup_window_secs);
    earlier.retain(|brief| bench.now < brief.created_at.plus_secs(window));
    let dead = |brief: &RequestBrief| matches!(brief.state, RequestState::Failed | RequestState::Cancelled);
    let stands = !earlier.is_empty() && (token.dedup_strict || !earlier.iter().any(dead));
    stands.then_some(earlier)
}

fn duplicate(earlier: Vec<RequestBrief>) -> Decision {
    let named: Vec<String> = earlier.iter().map(|brief| format!("{} {}", brief.public_id, brief.id)).collect();
    let started = earlier.into_iter().map(|brief| StartedRequest {
        id: brief.id,
        workflow_id: brief.public_id,
        status: brief.state,
        duplicate: true,
    });
    let title = Some(format!("started already {}", named.join(", ")));
    Decision { started: started.collect(), title, ..Decision::of(Outcome::Duplicate) }
}

fn refused(token: &Token, refusal: &StartRefusal) -> Decision {
    let denied = Denied::of(token, refusal.slug, refusal.detail.clone());
    Decision { errors: refusal.errors.clone(), ..Decision::refused(denied) }
}

/// Bounds of what waits: a queue without end would only hide that nothing is done any more.
fn room(bench: &Bench<'_>, proposal: &Proposal, starts: &Starts) -> Result<(), &'static str> {
    let (requests, bytes) = bench.view.unfinished_load();
    let more = starts.workflows.len();
    if requests + more > REQUESTS_UNFINISHED_MAX {
        return Err("too many requests are queued; send the call again later");
    }
    let payload = u64::try_from(proposal.content.redacted.text.len() * more).unwrap_or(u64::MAX);
    if bytes.saturating_add(payload) > REQUEST_PAYLOAD_BYTES_MAX as u64 {
        return Err("the payloads of queued requests use up their room; send the call again later");
    }
    Ok(())
}

fn start(bench: &mut Bench<'_>, proposal: &Proposal, starts: &Starts) -> Decision {
    let mut decision = Decision::of(Outcome::Started);
    let mut names = Vec::new();
    for (workflow, variables) in &starts.workflows {
        let Some(record) = record_of(bench, proposal, *workflow) else { continue };
        let record = RequestRecord { variables: variables.clone(), ..record };
        names.push(format!("{} {}", record.name, record.id));
        decision.started.push(StartedRequest {
            id: record.id,
            workflow_id: record.public_id.clone(),
            status: record.state,
            duplicate: false,
        });
        bench.view.put_request_payload(record.id, proposal.content.redacted.text.clone());
        bench.view.put_request(record);
    }
    decision.title = Some(format!("started {}", names.join(", ")));
    decision
}

fn record_of(bench: &mut Bench<'_>, proposal: &Proposal, workflow: WorkflowId) -> Option<RequestRecord> {
    let entry = bench.registry.workflow(workflow)?;
    let workflow = &entry.workflow;
    Some(RequestRecord {
        id: RequestId((bench.new_id)()),
        workflow: workflow.id,
        version: workflow.version,
        name: entry.full_name.clone(),
        public_id: workflow.public_id.clone(),
        team: workflow.team,
        steps: entry.steps.clone(),
        state: RequestState::Queued,
        token: proposal.token,
        call: proposal.call,
        source_ip: proposal.source_ip,
        fingerprint: proposal.fingerprint,
        variables: std::collections::BTreeMap::new(),
        runs: entry.steps.iter().map(|step| StepRun::pending(&step.name, step.kind())).collect(),
        failures: 0,
        note: String::new(),
        retries: 0,
        payload_bytes: proposal.content.redacted.text.len() as u64,
        created_at: bench.now,
        started_at: None,
        finished_at: None,
    })
}
