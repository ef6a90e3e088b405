//! What is put before the writer, and what it decides: the words that [`super::decide`] and those who answer share.

use std::net::IpAddr;
use std::sync::Arc;

use tollgate_shared::api::{ServiceResult, StartedRequest};
use tollgate_shared::id::{CallId, ServiceId, TokenId};
use tollgate_shared::outcome::Outcome;
use tollgate_shared::problem::FieldError;

use super::authenticate::Denied;
use super::call::Call;
use super::call::fingerprint::Fingerprint;
use super::call::idempotency::Idempotency;
use super::endpoint::Endpoint;
use super::model::{Answered, Mac};
use super::routing::Plan;
use super::workflows::StartPlan;

/// A call that was let in, decoded and matched against a snapshot.
pub struct Proposal {
    /// Its id.
    pub call: CallId,
    /// The token it came with,
    pub token: TokenId,
    /// and the secret it came with: a rotated or revoked one is found out by it.
    pub mac: Mac,
    /// What was noticed of it at the gate, for the token's usage.
    pub seen: Seen,
    /// From where,
    pub source_ip: IpAddr,
    /// and by what program; for the token's usage.
    pub user_agent: Option<String>,
    /// Where the body was declared as JSON and is none: why. Matters only if no filter takes it as text.
    pub json_problem: Option<String>,
    /// Where it came in.
    pub endpoint: Endpoint,
    /// The key under which its sender would send it again, if it gave one.
    pub idempotency: Option<Idempotency>,
    /// Open incidents under these keys are acknowledged, where the token may: PagerDuty's `acknowledge`.
    pub acknowledges: Vec<(ServiceId, String)>,
    /// What an equal call would have, too; `None` where the token's window is off.
    pub fingerprint: Option<Fingerprint>,
    /// What the filters said at snapshot `plan.routing`.
    pub plan: Plan,
    /// What the workflows said, where the call came to `/v1/request`; then no filter is asked.
    pub start: Option<StartPlan>,
    /// The call as it came and its redacted view, for matching again when the filters have changed meanwhile.
    pub content: Arc<Content>,
}

/// What the gate noticed of a call that it let in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// It came with the old secret of a running overlap.
    pub old_secret: bool,
    /// It came with `?token=`.
    pub via_query: bool,
    /// It came from outside the address list, which only reports.
    pub ip_violation: bool,
}

/// A call in both of its forms.
pub struct Content {
    /// As it came: filters see this.
    pub call: Call,
    /// As the log, titles and explanations may show it.
    pub redacted: Call,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The strongest of the results.
    pub outcome: Outcome,
    /// Service by service.
    pub results: Vec<ServiceResult>,
    /// The title of the first incident, for the log's list.
    pub title: Option<String>,
    /// The correlation key of the first incident.
    pub key: Option<String>,
    /// Set where the same call was answered before under its idempotency key; nothing was done then.
    pub replayed: Option<Answered>,
    /// Set where the call was refused after all; nothing was done then.
    pub refused: Option<Denied>,
    /// Field by field, where it was refused for what it holds.
    pub errors: Vec<FieldError>,
    /// Requests that it started, or that an equal call had started.
    pub started: Vec<StartedRequest>,
}

// === impl Decision ===

impl Decision {
    /// An outcome without results.
    pub fn of(outcome: Outcome) -> Self {
        Self {
            outcome,
            results: Vec::new(),
            title: None,
            key: None,
            replayed: None,
            refused: None,
            errors: Vec::new(),
            started: Vec::new(),
        }
    }

    /// Refused: nothing was done.
    pub fn refused(denied: Denied) -> Self {
        Self { refused: Some(denied), ..Self::of(Outcome::Rejected) }
    }
}
