//! `POST /v1/process` and `POST /v1/request`: the order of checks of http.md §1; the first failure is the answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::request::Parts;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::sync::oneshot;
use tollgate_shared::explain::Explain;
use tollgate_shared::id::CallId;
use tollgate_shared::outcome::Outcome;
use tollgate_shared::problem::{Problem, Slug};

use super::intake::Intake;
use super::marks::Marks;
use super::presented::{self, Holder};
use super::{request_id, start};
use crate::core::answer;
use crate::core::authenticate::{self, Denied, Known, Noticed};
use crate::core::call::decode::{self, RawCall};
use crate::core::call::fingerprint::Fingerprint;
use crate::core::decide::{Content, Decision, Proposal, Seen};
use crate::core::endpoint::Endpoint;
use crate::core::model::Token;
use crate::core::registry::Registry;
use crate::core::routing::{self, Plan};
use crate::core::workflows::{self, StartPlan};
use crate::daemon::Daemon;
use crate::edge::{Body, Peer, body, respond};
use crate::jobs::{Answer, CallJob, CallWork, Draft};
use crate::lanes::NotQueued;
use crate::usage::Use;

/// A body has this long to arrive (security.md).
const BODY_DEADLINE: Duration = Duration::from_secs(10);

/// What a queued call holds besides its body, bytes: an estimate for the lane's bound.
const JOB_BYTES: usize = 2_048;

/// A call whose token is known.
struct Admitted {
    intake: Intake,
    parts: Parts,
    known: Known,
    seen: Seen,
    registry: Arc<Registry>,
    debug: bool,
    marks: Marks,
    endpoint: Endpoint,
}

/// A refusal with what the sender is told.
struct Refused(Problem, Marks);

/// Takes one call, from its head to its answer.
pub(super) async fn take(
    daemon: &Arc<Daemon>,
    request: Request<Incoming>,
    peer: Peer,
    endpoint: Endpoint,
) -> Response<Body> {
    let now = daemon.clock.now();
    let call = CallId(request_id(&request).unwrap_or_else(|| daemon.ids.new_id(now)));
    let (parts, incoming) = request.into_parts();
    let intake = Intake::new(&parts, peer, call, now, &daemon.redactor);
    let via_query = parts.uri.query().is_some_and(has_credential);
    let (mut response, marks) = match admit(daemon, intake, parts, endpoint) {
        Ok(admitted) => {
            let marks = admitted.marks;
            (proceed(daemon, admitted, incoming).await, marks)
        }
        Err(Refused(problem, marks)) => (respond::problem(problem), marks),
    };
    marks.put(response.headers_mut());
    if via_query {
        let private = http::HeaderValue::from_static("private, no-store");
        response.headers_mut().insert(http::header::CACHE_CONTROL, private);
    }
    response
}

fn has_credential(query: &str) -> bool {
    query.split('&').any(|pair| pair.starts_with("token=") || pair.starts_with("access_token="))
}

/// Credential present → checksum, known, alive → not expired, address, permission → quota. Before the body is read.
fn admit(daemon: &Arc<Daemon>, intake: Intake, parts: Parts, endpoint: Endpoint) -> Result<Admitted, Refused> {
    let registry = daemon.registry.load_full();
    let Holder { known, via_query } = presented::holder(daemon, &registry, &parts, intake.peer)
        .map_err(|problem| Refused(problem, Marks::default()))?;
    let debug = known.token.debug_until.is_some_and(|until| intake.at < until);
    let seen = Seen { old_secret: known.old_secret, via_query, ip_violation: false };
    let marks = Marks { quota: None, ends: known.ends_soon(intake.at) };
    let mut admitted = Admitted { intake, parts, known, seen, registry, debug, marks, endpoint };
    match admitted.check() {
        Ok(noticed) => admitted.seen.ip_violation = noticed.ip_violation,
        Err(denied) => return Err(admitted.refuse(daemon, denied.slug, &denied.detail, 0, None)),
    }
    // Said once for each new address: the table of sources bounds how often that can be.
    if admitted.seen.ip_violation && !daemon.usage.has_source(admitted.known.token.id, admitted.intake.ip) {
        tracing::info!(token = %admitted.known.token.id, ip = %admitted.intake.ip,
            "a call from outside the address list; the list only reports");
    }
    admitted.within_quota(daemon)
}

/// Body → decode → match → queue → durable → answer.
async fn proceed(daemon: &Arc<Daemon>, admitted: Admitted, incoming: Incoming) -> Response<Body> {
    let limit = daemon.facts.body_bytes_max as u64;
    let bytes = match body::read_body(incoming, limit, BODY_DEADLINE).await {
        Ok(bytes) => bytes,
        Err(error) => {
            admitted.refuse(daemon, error.slug(), &error.to_string(), 0, None);
            return error.response();
        }
    };
    let raw = RawCall {
        headers: &admitted.parts.headers,
        raw_query: admitted.parts.uri.query(),
        source_ip: admitted.intake.ip,
        body: &bytes,
    };
    let decoded = match decode::decode(raw) {
        Ok(decoded) => decoded,
        Err(error) => {
            return admitted.refuse(daemon, error.slug(), &error.to_string(), bytes.len(), None).response();
        }
    };
    let redacted = daemon.redactor.redact(&decoded.call);
    let content = Arc::new(Content { call: decoded.call, redacted });
    let json_problem = decoded.json_problem.map(|problem| problem.to_string());
    let (call, endpoint) = (admitted.intake.call, admitted.endpoint);
    match queue(daemon, admitted, content, json_problem, bytes.len()) {
        Ok(answer) => answered(call, endpoint, answer.await.unwrap_or(Answer::StorageUnavailable)),
        Err(refused) => refused.response(),
    }
}

/// What the snapshot says of the call: its filters, or for `/v1/request` its workflows.
fn judge(registry: &Registry, token: &Token, endpoint: Endpoint, content: &Content) -> (Plan, Option<StartPlan>) {
    match endpoint {
        Endpoint::Process => (routing::plan_for(registry, token, &content.call, &content.redacted), None),
        Endpoint::Request => {
            let plan = Plan { routing: registry.routing(), services: Vec::new() };
            (plan, Some(workflows::plan(registry, content)))
        }
    }
}

fn explain(registry: &Registry, token: &Token, endpoint: Endpoint, content: &Content) -> Explain {
    match endpoint {
        Endpoint::Process => routing::explain_for(registry, token, &content.call, &content.redacted),
        Endpoint::Request => workflows::explain(registry, &content.call, &content.redacted),
    }
}

/// Headers whose values make calls different ones: those that something there reads.
fn header_names(registry: &Registry, endpoint: Endpoint) -> &[String] {
    match endpoint {
        Endpoint::Process => registry.header_names(),
        Endpoint::Request => registry.workflow_header_names(),
    }
}

/// Matches against the snapshot and gives the proposal to the writer.
fn queue(
    daemon: &Arc<Daemon>,
    admitted: Admitted,
    content: Arc<Content>,
    json_problem: Option<String>,
    body_bytes: usize,
) -> Result<oneshot::Receiver<Answer>, Refused> {
    let (registry, token) = (&admitted.registry, &admitted.known.token);
    let judged = judge(registry, token, admitted.endpoint, &content);
    let draft = admitted.debug.then(|| {
        let explain = explain(registry, token, admitted.endpoint, &content);
        let nothing_asked = explain.matched.is_empty() && explain.nearest_misses.is_empty();
        let draft = admitted.draft(daemon, body_bytes, Some(&content));
        let mut draft = draft.explained(explain);
        if nothing_asked && admitted.endpoint == Endpoint::Request {
            "no workflow was asked: none has a trigger".clone_into(&mut draft.row.summary);
        }
        Box::new(draft)
    });
    let headers = header_names(registry, admitted.endpoint);
    let print = || Fingerprint::of(admitted.endpoint.path(), &content.call, headers, &token.dedup_ignore);
    let fingerprint = (token.dedup_window_secs > 0).then(print);
    let proposal = Box::new(Proposal {
        call: admitted.intake.call,
        token: token.id,
        mac: admitted.known.mac,
        seen: admitted.seen,
        source_ip: admitted.intake.ip,
        user_agent: admitted.intake.user_agent.clone(),
        json_problem,
        fingerprint,
        endpoint: admitted.endpoint,
        plan: judged.0,
        start: judged.1,
        content: content.clone(),
    });
    let (answer, waiting) = oneshot::channel();
    let work = CallWork::Decide { proposal, draft, answer };
    let job = CallJob { bytes: JOB_BYTES + 2 * body_bytes, arrived: admitted.intake.arrived, work };
    daemon.lanes.push_call(job).map_err(|back| {
        let slug = match back {
            NotQueued::Full(_) => Slug::Overloaded,
            NotQueued::Closed(_) => Slug::ShuttingDown,
        };
        daemon.meters.overloaded.fetch_add(1, Ordering::Relaxed);
        admitted.refuse(daemon, slug, "the call was not taken; send it again", body_bytes, Some(&content))
    })?;
    Ok(waiting)
}

fn answered(call: CallId, endpoint: Endpoint, answer: Answer) -> Response<Body> {
    match answer {
        Answer::Decided(decision) if endpoint == Endpoint::Request => start::answered(call, decision),
        Answer::Decided(Decision { refused: Some(denied), .. }) => respond::problem(presented::outside(&denied)),
        Answer::Decided(decision) => {
            let status = StatusCode::from_u16(answer::status_of(&decision)).unwrap_or(StatusCode::OK);
            respond::json(status, &answer::body_of(call, &decision))
        }
        Answer::StorageUnavailable => {
            let detail = "the call may or may not be on disk; send it again, duplicates are discarded";
            respond::problem(Problem::new(Slug::StorageUnavailable, detail))
        }
    }
}

impl Admitted {
    /// Time, owner, suspension, address, permission; and whether the token is taken in the query.
    fn check(&self) -> Result<Noticed, Denied> {
        if self.seen.via_query && !self.known.token.query_token {
            return Err(presented::refused_in_query(&self.known));
        }
        start::in_scope(self.endpoint, &self.known.token)?;
        let needs = Some(self.endpoint.permission());
        authenticate::check(&self.registry, &self.known.token, self.intake.ip, needs, self.intake.at)
    }

    /// The token's own quota, where it has one.
    fn within_quota(mut self, daemon: &Daemon) -> Result<Self, Refused> {
        let Some(limit) = self.known.token.rate_limit else { return Ok(self) };
        let standing = daemon.quotas.take(self.known.token.id, limit, self.intake.at);
        self.marks.quota = Some(standing);
        match standing.retry_after_secs {
            None => Ok(self),
            Some(secs) => {
                let detail = format!("more than {} calls a minute, {} at once", limit.calls_per_min, limit.burst);
                let Refused(problem, marks) = self.refuse(daemon, Slug::RateLimited, &detail, 0, None);
                Err(Refused(problem.with_retry_after(secs), marks))
            }
        }
    }

    fn draft(&self, daemon: &Daemon, body_bytes: usize, content: Option<&Content>) -> Draft {
        self.intake.draft(&self.parts, self.known.token.id, &daemon.redactor, body_bytes, content)
    }

    /// Refuses a call of a known token: counted on the token and, with debug on, logged (at most 10 a second).
    fn refuse(
        &self,
        daemon: &Daemon,
        slug: Slug,
        detail: &str,
        body_bytes: usize,
        content: Option<&Content>,
    ) -> Refused {
        let intake = &self.intake;
        let by = Use { at: intake.at, ip: intake.ip, user_agent: intake.user_agent.as_deref(), seen: self.seen };
        daemon.meters.count(Outcome::Rejected, intake.at);
        let may_log = daemon.usage.refused(self.known.token.id, &by, slug, self.debug);
        daemon.events.changed(crate::events::Kind::Usage);
        if self.debug && may_log {
            let draft = self.draft(daemon, body_bytes, content).refused(slug, detail, intake.arrived);
            log_only(daemon, draft, intake.arrived);
        } else if self.debug {
            daemon.meters.log_rows_not_logged.fetch_add(1, Ordering::Relaxed);
        }
        Refused(presented::problem_of(slug, detail), self.marks)
    }
}

/// Gives a refused call its place in the log. Where even that lane is full the row is counted, the refusal stands.
fn log_only(daemon: &Daemon, draft: Draft, arrived: std::time::Instant) {
    let bytes = JOB_BYTES + draft.row.body.len();
    let job = CallJob { bytes, arrived, work: CallWork::Log(Box::new(draft)) };
    if daemon.lanes.push_call(job).is_err() {
        daemon.meters.log_rows_not_logged.fetch_add(1, Ordering::Relaxed);
    }
}

impl Refused {
    fn response(self) -> Response<Body> {
        respond::problem(self.0)
    }
}
