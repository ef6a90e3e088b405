//! `POST /v1/process`: the order of checks of http.md §1; the first failure is the answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::request::Parts;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::sync::oneshot;
use tollgate_shared::id::CallId;
use tollgate_shared::outcome::Outcome;
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::token::Permission;

use super::intake::Intake;
use super::{refusals, request_id};
use crate::core::answer;
use crate::core::authenticate::{self, Denied};
use crate::core::call::credential::{self, CredentialError};
use crate::core::call::decode::{self, RawCall};
use crate::core::call::fingerprint::Fingerprint;
use crate::core::decide::{Content, Decision, Proposal};
use crate::core::model::{Mac, Token};
use crate::core::registry::Registry;
use crate::core::routing;
use crate::daemon::Daemon;
use crate::edge::{Body, Peer, body, respond};
use crate::jobs::{Answer, CallJob, CallWork, Draft};
use crate::lanes::NotQueued;
use crate::usage::Use;

/// A body has this long to arrive (security.md).
const BODY_DEADLINE: Duration = Duration::from_secs(10);

/// What a queued call holds besides its body, bytes: an estimate for the lane's bound.
const JOB_BYTES: usize = 2_048;

/// Seconds that a sender shall wait when the lane is full.
const OVERLOADED_RETRY_SECS: u32 = 1;

/// A call whose token is known.
struct Admitted {
    intake: Intake,
    parts: Parts,
    token: Arc<Token>,
    mac: Mac,
    registry: Arc<Registry>,
    debug: bool,
}

/// A refusal with what the sender is told.
struct Refused(Problem);

/// Takes one call, from its head to its answer.
pub(super) async fn take(daemon: &Arc<Daemon>, request: Request<Incoming>, peer: Peer) -> Response<Body> {
    let now = daemon.clock.now();
    let call = CallId(request_id(&request).unwrap_or_else(|| daemon.ids.new_id(now)));
    let (parts, incoming) = request.into_parts();
    let intake = Intake::new(&parts, peer, call, now, &daemon.redactor);
    let via_query = parts.uri.query().is_some_and(has_credential);
    let mut response = match admit(daemon, intake, parts) {
        Ok(admitted) => proceed(daemon, admitted, incoming).await,
        Err(refused) => refused.response(),
    };
    if via_query {
        let private = http::HeaderValue::from_static("private, no-store");
        response.headers_mut().insert(http::header::CACHE_CONTROL, private);
    }
    response
}

fn has_credential(query: &str) -> bool {
    query.split('&').any(|pair| pair.starts_with("token=") || pair.starts_with("access_token="))
}

/// Credential present → checksum, known, alive → not expired, address, permission. Before the body is read.
fn admit(daemon: &Arc<Daemon>, intake: Intake, parts: Parts) -> Result<Admitted, Refused> {
    let presented = credential::extract(&parts.headers, parts.uri.query()).map_err(|why| {
        let slug = credential_slug(&why);
        refusals::note_target(daemon, intake.target.clone(), intake.peer, slug, why.to_string(), None);
        Refused(Problem::new(slug, why.to_string()))
    })?;
    let registry = daemon.registry.load_full();
    let mac_of = |secret: &str| daemon.mac_key.mac(secret);
    let token = authenticate::identify(&registry, &presented.value, &mac_of).cloned().map_err(|denied| {
        refusals::note_target(
            daemon,
            intake.target.clone(),
            intake.peer,
            denied.slug,
            denied.detail.clone(),
            denied.presented_id.clone(),
        );
        Refused::outside(&denied)
    })?;
    let mac = token.mac;
    let debug = token.debug_until.is_some_and(|until| intake.at < until);
    let admitted = Admitted { intake, parts, token, mac, registry, debug };
    match authenticate::check(&admitted.token, admitted.intake.ip, Permission::IncidentsCreate, admitted.intake.at) {
        Ok(()) => Ok(admitted),
        Err(denied) => Err(admitted.refuse(daemon, denied.slug, &denied.detail, 0, None)),
    }
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
    let call = admitted.intake.call;
    match queue(daemon, admitted, content, json_problem, bytes.len()) {
        Ok(answer) => answered(call, answer.await.unwrap_or(Answer::StorageUnavailable)),
        Err(refused) => refused.response(),
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
    let (registry, token) = (&admitted.registry, &admitted.token);
    let plan = routing::plan(registry, token.scope, &content.call, &content.redacted);
    let draft = admitted.debug.then(|| {
        let explain = routing::explain(registry, token.scope, &content.call, &content.redacted);
        let draft = admitted.draft(daemon, body_bytes, Some(&content));
        Box::new(draft.explained(explain))
    });
    let fingerprint =
        (token.dedup_window_secs > 0).then(|| Fingerprint::of("/v1/process", &content.call, registry.header_names()));
    let proposal = Box::new(Proposal {
        call: admitted.intake.call,
        token: token.id,
        mac: admitted.mac,
        generation: token.generation,
        source_ip: admitted.intake.ip,
        user_agent: admitted.intake.user_agent.clone(),
        json_problem,
        fingerprint,
        plan,
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

fn answered(call: CallId, answer: Answer) -> Response<Body> {
    match answer {
        Answer::Decided(Decision { refused: Some(denied), .. }) => Refused::outside(&denied).response(),
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

fn credential_slug(why: &CredentialError) -> Slug {
    match why {
        CredentialError::Missing(_) => Slug::CredentialMissing,
        CredentialError::Multiple => Slug::MultipleCredentials,
    }
}

impl Admitted {
    fn draft(&self, daemon: &Daemon, body_bytes: usize, content: Option<&Content>) -> Draft {
        self.intake.draft(&self.parts, self.token.id, &daemon.redactor, body_bytes, content)
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
        let by = Use { at: intake.at, ip: intake.ip, user_agent: intake.user_agent.as_deref() };
        daemon.meters.count(Outcome::Rejected, intake.at);
        let may_log = daemon.usage.refused(self.token.id, &by, slug, self.debug);
        daemon.events.changed(crate::events::Kind::Usage);
        if self.debug && may_log {
            let draft = self.draft(daemon, body_bytes, content).refused(slug, detail, intake.arrived);
            log_only(daemon, draft, intake.arrived);
        } else if self.debug {
            daemon.meters.log_rows_not_logged.fetch_add(1, Ordering::Relaxed);
        }
        Refused(problem_of(slug, detail))
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
    /// To a sender without a living token: malformed and unknown look the same.
    fn outside(denied: &Denied) -> Self {
        let detail = match denied.slug {
            Slug::TokenInvalid => "the token is not known here; check that the whole value was copied",
            Slug::TokenRevoked => "the token was revoked and will never work again; ask for a new one",
            _ => denied.detail.as_str(),
        };
        Self(problem_of(denied.slug, detail))
    }

    fn response(self) -> Response<Body> {
        respond::problem(self.0)
    }
}

fn problem_of(slug: Slug, detail: &str) -> Problem {
    let problem = Problem::new(slug, detail);
    if slug == Slug::Overloaded { problem.with_retry_after(OVERLOADED_RETRY_SECS) } else { problem }
}
