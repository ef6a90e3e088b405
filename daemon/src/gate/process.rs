//! `POST /v1/process` and `POST /v1/request`: the order of checks of http.md §1; the first failure is the answer.

use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::sync::oneshot;
use tollgate_shared::id::{CallId, ServiceId};
use tollgate_shared::outcome::Outcome;
use tollgate_shared::problem::{FieldError, Problem, Slug};
use tollgate_shared::time::Timestamp;

use super::intake::Intake;
use super::marks::Marks;
use super::presented::{self, Holder};
use super::{request_id, shape, start};
use crate::core::answer;
use crate::core::authenticate::{self, Denied, Known, Noticed};
use crate::core::call::decode::{self, DecodeError, RawCall};
use crate::core::call::fingerprint::Fingerprint;
use crate::core::call::idempotency::{self, BadKey, Idempotency};
use crate::core::call::{Call, inflate};
use crate::core::decision::{Content, Decision, Proposal, Seen};
use crate::core::endpoint::Endpoint;
use crate::core::model::Answered;
use crate::core::registry::Registry;
use crate::core::routing;
use crate::daemon::Daemon;
use crate::edge::{Body, Peer, body, respond};
use crate::jobs::{Answer, CallJob, CallWork, Draft};
use crate::lanes::NotQueued;
use crate::talkers::Talk;
use crate::usage::Use;

/// A body has this long to arrive (security.md).
const BODY_DEADLINE: Duration = Duration::from_secs(10);

/// What a queued call holds besides its body, bytes: an estimate for the lane's bound.
const JOB_BYTES: usize = 2_048;

/// A call whose token is known.
pub(super) struct Admitted {
    pub(super) intake: Intake,
    parts: Parts,
    known: Known,
    seen: Seen,
    registry: Arc<Registry>,
    debug: bool,
    pub(super) marks: Marks,
    endpoint: Endpoint,
}

/// A call that was read and decoded.
pub(super) struct Arrived {
    pub(super) content: Arc<Content>,
    json_problem: Option<String>,
    pub(super) body_bytes: usize,
}

/// A refusal with what the sender is told.
pub(super) struct Refused(pub(super) Problem, pub(super) Marks);

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
    let intake = Intake::new(&parts, peer, call, now, &daemon.redactor());
    let via_query = parts.uri.query().is_some_and(has_credential);
    let (mut response, marks) = match admit(daemon, intake, parts, endpoint) {
        Ok(admitted) => {
            let marks = admitted.marks;
            (proceed(daemon, admitted, incoming).await, marks)
        }
        Err(Refused(problem, marks)) => (respond::problem(problem), marks),
    };
    tracing::debug!(%call, status = response.status().as_u16(), via_query, "a call is answered");
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

/// Credential present → checksum, known, alive; then everything that is asked of a known token.
fn admit(daemon: &Arc<Daemon>, intake: Intake, parts: Parts, endpoint: Endpoint) -> Result<Admitted, Refused> {
    let registry = daemon.registry.load_full();
    let holder = presented::holder(daemon, &registry, &parts, intake.peer)
        .map_err(|problem| Refused(problem, Marks::default()))?;
    let_in(daemon, intake, parts, holder, endpoint)
}

/// Not expired, address, permission → quota. Before the body is read, where the token is not inside it.
pub(super) fn let_in(
    daemon: &Arc<Daemon>,
    intake: Intake,
    parts: Parts,
    holder: Holder,
    endpoint: Endpoint,
) -> Result<Admitted, Refused> {
    let registry = daemon.registry.load_full();
    let Holder { known, via_query } = holder;
    tracing::trace!(call = %intake.call, ip = %intake.ip, token = %known.token.id, known.old_secret, "the token is known");
    let debug = is_logged(daemon, &registry, &known, intake.at);
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

/// Whether a call becomes a row: its token's debug is on, and where one call in so many is logged, it is that one.
fn is_logged(daemon: &Daemon, registry: &Registry, known: &Known, at: Timestamp) -> bool {
    let token = &known.token;
    let one_in = || registry.measures(token.id).and_then(|measures| measures.debug_one_in);
    token.debug_until.is_some_and(|until| at < until)
        && one_in().is_none_or(|one_in| daemon.samplers.takes(token.id, one_in))
}

/// Body → gzip → decode → match → queue → durable → answer.
async fn proceed(daemon: &Arc<Daemon>, admitted: Admitted, incoming: Incoming) -> Response<Body> {
    let limit = daemon.facts.body_bytes_max;
    let bytes = match body::read_body(incoming, limit as u64, BODY_DEADLINE).await {
        Ok(bytes) => bytes,
        Err(error) => {
            admitted.refuse(daemon, error.slug(), &error.to_string(), 0, None);
            return error.response();
        }
    };
    tracing::trace!(call = %admitted.intake.call, bytes = bytes.len(), "the body is read");
    let decoded =
        inflate::inflated(&admitted.parts.headers, &bytes, limit).and_then(|plain| admitted.content_of(daemon, &plain));
    match decoded {
        Ok(arrived) => {
            let content = arrived.content.clone();
            admitted.finish(daemon, arrived, &content.call).await
        }
        Err(error) => admitted.refuse(daemon, error.slug(), &error.to_string(), bytes.len(), None).response(),
    }
}

async fn answered(
    daemon: &Arc<Daemon>,
    endpoint: Endpoint,
    call: CallId,
    content: &Content,
    answer: Answer,
) -> Response<Body> {
    match answer {
        Answer::Decided(Decision { refused: Some(denied), errors, .. }) => {
            let named = |problem: Problem, error: FieldError| problem.with_error(error.path, error.message);
            shape::refusal(endpoint, errors.into_iter().fold(presented::outside(&denied), named))
        }
        Answer::Decided(Decision { replayed: Some(answered), .. }) => replayed(daemon, endpoint, answered).await,
        Answer::Decided(decision) => {
            let status = StatusCode::from_u16(answer::status_at(endpoint, &decision)).unwrap_or(StatusCode::OK);
            let document = answer::document(endpoint, call, content, &decision);
            respond::bytes_response(status, "application/json", document.into())
        }
        Answer::StorageUnavailable => {
            let detail = "the call may or may not be on disk; send it again, duplicates are discarded";
            shape::refusal(endpoint, Problem::new(Slug::StorageUnavailable, detail))
        }
    }
}

/// The answer that the first call got under the same idempotency key.
async fn replayed(daemon: &Arc<Daemon>, endpoint: Endpoint, answered: Answered) -> Response<Body> {
    let reading = daemon.clone();
    let read = tokio::task::spawn_blocking(move || reading.reader.stored_answer(answered.place)).await;
    let Ok(Ok(Some(document))) = read else {
        // It was forgotten in this very moment, or the disk does not read: the sender asks again in either case.
        let detail = "the first answer to this idempotency key could not be read; send the call again";
        return shape::refusal(endpoint, Problem::new(Slug::StorageUnavailable, detail));
    };
    let status = StatusCode::from_u16(answered.status).unwrap_or(StatusCode::OK);
    let mut response = respond::bytes_response(status, "application/json", document.into());
    response.headers_mut().insert("idempotency-replayed", http::HeaderValue::from_static("true"));
    response
}

impl Admitted {
    /// Decodes a body that has no content encoding any more, and makes its redacted view.
    pub(super) fn content_of(&self, daemon: &Daemon, body: &[u8]) -> Result<Arrived, DecodeError> {
        let raw = RawCall {
            headers: &self.parts.headers,
            raw_query: self.parts.uri.query(),
            source_ip: self.intake.ip,
            body,
        };
        let decoded = decode::decode(raw)?;
        let redacted = daemon.redactor().redact(&decoded.call);
        Ok(Arrived {
            content: Arc::new(Content { call: decoded.call, redacted }),
            json_problem: decoded.json_problem.map(|problem| problem.to_string()),
            body_bytes: body.len(),
        })
    }

    /// Queues the call and waits for its answer. `compared` is what makes it the same call as another one.
    pub(super) async fn finish(self, daemon: &Arc<Daemon>, arrived: Arrived, compared: &Call) -> Response<Body> {
        let (call, endpoint, content) = (self.intake.call, self.endpoint, arrived.content.clone());
        match self.queue(daemon, arrived, compared) {
            Ok(waiting) => {
                let answer = waiting.await.unwrap_or(Answer::StorageUnavailable);
                answered(daemon, endpoint, call, &content, answer).await
            }
            Err(Refused(problem, _)) => shape::refusal(endpoint, problem),
        }
    }

    /// Matches against the snapshot and gives the proposal to the writer.
    fn queue(self, daemon: &Daemon, arrived: Arrived, compared: &Call) -> Result<oneshot::Receiver<Answer>, Refused> {
        let Arrived { content, json_problem, body_bytes } = arrived;
        let idempotency = self
            .idempotency(compared)
            .map_err(|why| self.refuse(daemon, Slug::Validation, &why.to_string(), body_bytes, Some(&content)))?;
        let (registry, token) = (&self.registry, &self.known.token);
        let draft =
            self.debug.then(|| Box::new(self.explained(self.draft(daemon, body_bytes, Some(&content)), &content)));
        let headers = start::header_names(registry, self.endpoint);
        let print = || Fingerprint::of(self.endpoint.path(), compared, headers, &token.dedup_ignore);
        let (plan, start) = start::judge(registry, token, self.endpoint, &content);
        let proposal = Box::new(Proposal {
            call: self.intake.call,
            token: token.id,
            mac: self.known.mac,
            seen: self.seen,
            source_ip: self.intake.ip,
            user_agent: self.intake.user_agent.clone(),
            json_problem,
            endpoint: self.endpoint,
            idempotency,
            acknowledges: self.acknowledges(&content.call),
            fingerprint: (token.dedup_window_secs > 0).then(print),
            plan,
            start,
            content: content.clone(),
        });
        let (answer, waiting) = oneshot::channel();
        let (call, logged) = (proposal.call, draft.is_some());
        tracing::trace!(%call, snapshot = registry.version(), logged, "matched, and given to the writer");
        let work = CallWork::Decide { proposal, draft, answer };
        let job = CallJob { bytes: JOB_BYTES + 2 * body_bytes, arrived: self.intake.arrived, work };
        daemon.lanes.push_call(job).map_err(|back| {
            let slug = match back {
                NotQueued::Full(_) => Slug::Overloaded,
                NotQueued::Closed(_) => Slug::ShuttingDown,
            };
            daemon.meters.dropped(&daemon.meters.overloaded, 1, self.intake.at);
            self.refuse(daemon, slug, "the call was not taken; send it again", body_bytes, Some(&content))
        })?;
        Ok(waiting)
    }

    /// Under which keys an event acknowledges.
    fn acknowledges(&self, call: &Call) -> Vec<(ServiceId, String)> {
        let action = call.json.as_ref().and_then(|event| event.get("event_action")).and_then(|action| action.as_str());
        if self.endpoint != Endpoint::Enqueue || action != Some("acknowledge") {
            return Vec::new();
        }
        routing::keys_for(&self.registry, &self.known.token, call)
    }

    /// The key that its sender gave the call, if any.
    fn idempotency(&self, compared: &Call) -> Result<Option<Idempotency>, BadKey> {
        let token = &self.known.token;
        let delivery_ids = self.registry.token_options(token.id).delivery_ids;
        let found = idempotency::find(&self.parts.headers, delivery_ids)?;
        Ok(found.map(|key| Idempotency::of(&key, token.id, self.endpoint, compared, &token.dedup_ignore)))
    }

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
        let timed = self.registry.measures(self.known.token.id).and_then(|measures| measures.limit_at(self.intake.at));
        let Some(limit) = timed.map(|timed| timed.limit).or(self.known.token.rate_limit) else { return Ok(self) };
        let standing = daemon.quotas.take(self.known.token.id, limit, self.intake.at);
        self.marks.quota = Some(standing);
        match standing.retry_after_secs {
            None => Ok(self),
            Some(secs) => {
                let until = timed.map_or_else(String::new, |timed| format!("; this limit ends at {}", timed.until));
                let detail =
                    format!("more than {} calls a minute, {} at once{until}", limit.calls_per_min, limit.burst);
                let Refused(problem, marks) = self.refuse(daemon, Slug::RateLimited, &detail, 0, None);
                Err(Refused(problem.with_retry_after(secs), marks))
            }
        }
    }

    /// The row with the verdict of the filters, or of the workflows.
    fn explained(&self, draft: Draft, content: &Content) -> Draft {
        let (registry, token) = (&self.registry, &self.known.token);
        if self.endpoint == Endpoint::Request {
            let (explain, nothing_asked) = start::explain(registry, content);
            let mut draft = draft.explained(explain);
            if let Some(summary) = nothing_asked {
                summary.clone_into(&mut draft.row.summary);
            }
            return draft;
        }
        let explain = routing::explain_for(registry, token, &content.call, &content.redacted);
        draft.explained(routing::with_maintenance(explain, registry, &content.call, self.intake.at))
    }

    fn draft(&self, daemon: &Daemon, body_bytes: usize, content: Option<&Content>) -> Draft {
        self.intake.draft(&self.parts, self.known.token.id, &daemon.redactor(), body_bytes, content)
    }

    /// Refuses a call of a known token: counted on the token and, with debug on, logged (at most 10 a second).
    pub(super) fn refuse(
        &self,
        daemon: &Daemon,
        slug: Slug,
        detail: &str,
        body_bytes: usize,
        content: Option<&Content>,
    ) -> Refused {
        let intake = &self.intake;
        tracing::debug!(call = %intake.call, token = %self.known.token.id, slug = slug.as_str(), "a call is refused");
        let by = Use { body_bytes, ..self.intake.used(self.seen) };
        daemon.meters.count(Outcome::Rejected, intake.at);
        let talk = Talk { at: intake.at, token: self.known.token.id, ip: intake.ip, outcome: Outcome::Rejected };
        daemon.meters.talkers.count(talk, self.known.token.scope.service().into_iter());
        let may_log = daemon.usage.refused(self.known.token.id, &by, slug, self.debug);
        daemon.events.changed(crate::events::Kind::Usage);
        if self.debug && may_log {
            let mut draft = self.draft(daemon, body_bytes, content).refused(slug, detail, intake.arrived);
            draft.row.status = answer::refused_status(self.endpoint, slug);
            log_only(daemon, draft, intake.arrived);
        } else if self.debug {
            daemon.meters.dropped(&daemon.meters.log_rows_not_logged, 1, intake.at);
        }
        Refused(presented::problem_of(slug, detail), self.marks)
    }
}

/// Gives a refused call its place in the log. Where even that lane is full the row is counted, the refusal stands.
fn log_only(daemon: &Daemon, draft: Draft, arrived: std::time::Instant) {
    let (bytes, at) = (JOB_BYTES + draft.row.body.len(), draft.row.at);
    let job = CallJob { bytes, arrived, work: CallWork::Log(Box::new(draft)) };
    if daemon.lanes.push_call(job).is_err() {
        daemon.meters.dropped(&daemon.meters.log_rows_not_logged, 1, at);
    }
}

impl Refused {
    fn response(self) -> Response<Body> {
        respond::problem(self.0)
    }
}
