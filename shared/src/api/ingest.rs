//! The answer of `POST /v1/process` (http.md §1): Callgoose's shape plus `results`.

use serde::{Deserialize, Serialize};

use crate::id::{CallId, FilterId, IncidentId, ServiceId};
use crate::outcome::Outcome;

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
