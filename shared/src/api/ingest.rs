//! The answer of `POST /v1/process` (http.md §1): Callgoose's shape plus `results`.

use serde::{Deserialize, Serialize};

use crate::id::{CallId, FilterId, IncidentId, ServiceId};
use crate::outcome::Outcome;
use crate::problem::Problem;

/// What a sender is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessAnswer {
    /// The call's id.
    pub id: CallId,
    /// The resolve phase.
    pub resolved: Phase,
    /// The trigger phase.
    pub triggered: TriggeredPhase,
    /// Service by service, ≤ 100 of them.
    pub results: Vec<ServiceResult>,
    /// How many there are.
    pub results_total: u32,
}

/// The resolve phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phase {
    /// The call is a duplicate.
    pub duplicate: bool,
    /// At least one incident was resolved.
    pub resolved: bool,
}

/// The trigger phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriggeredPhase {
    /// The call is a duplicate.
    pub duplicate: bool,
    /// At least one incident was created.
    pub created: bool,
}

/// What became of a call in one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceResult {
    /// The service.
    pub service: ServiceId,
    /// created, attached, resolved or suppressed.
    pub outcome: Outcome,
    /// The incident, absent where suppressed.
    pub incident: Option<IncidentId>,
    /// The filter that decided.
    pub filter: FilterId,
}

/// The answer of `POST /v2/enqueue`, in the shapes of PagerDuty's Events API v2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnqueueAnswer {
    /// `success`, `invalid event`, `throttle exceeded`, or a problem's slug.
    pub status: String,
    /// One sentence.
    pub message: String,
    /// What later events attach by and resolve by; only with `success`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dedup_key: Option<String>,
    /// What is wrong; only where something is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
}

impl EnqueueAnswer {
    /// The event was taken: 202.
    pub fn success(dedup_key: String) -> Self {
        let (status, message) = ("success".to_owned(), "Event processed".to_owned());
        Self { status, message, dedup_key: Some(dedup_key), errors: Vec::new() }
    }

    /// The event is wrong and shall not be sent again: 400.
    pub fn invalid(errors: Vec<String>) -> Self {
        let (status, message) = ("invalid event".to_owned(), "Event object is invalid".to_owned());
        Self { status, message, dedup_key: None, errors }
    }

    /// Anything else.
    pub fn failed(status: &str, message: &str, problem: &Problem) -> Self {
        let errors = vec![problem.detail.clone()];
        Self { status: status.to_owned(), message: message.to_owned(), dedup_key: None, errors }
    }
}
