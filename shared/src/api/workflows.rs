//! Automation workflows and their requests (domain.md §7).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::NamedRef;
use crate::explain::PartExplain;
use crate::id::{CallId, RequestId, WorkflowId};
use crate::problem::FieldError;
use crate::request::{RequestState, StepRun};
use crate::time::Timestamp;
use crate::workflow::WorkflowSpec;

/// `POST /v1/workflows`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewWorkflow {
    /// Reference of the team that it belongs to; absent = global, for admins only.
    #[serde(default)]
    pub team: Option<String>,
    /// Name, variables, trigger, steps.
    pub spec: WorkflowSpec,
}

/// `PATCH /v1/workflows/{workflow}`: what is absent stays. Requests that were created before go on with the steps that
/// they were created with.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WorkflowPatch {
    /// Enable or disable it; queued requests of a disabled workflow wait.
    pub enabled: Option<bool>,
    /// The whole workflow anew. Its own `enabled` counts unless `enabled` above is given too.
    pub spec: Option<WorkflowSpec>,
}

/// A workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowView {
    /// Its id.
    pub id: WorkflowId,
    /// What senders name it by in `workflowId`, `w_` and ten letters and digits. Stable, not secret.
    pub public_id: String,
    /// Its team; absent = global.
    pub team: Option<NamedRef>,
    /// `Ops/Restart`, or the bare name where it is global.
    pub full_name: String,
    /// Name, variables, trigger, steps. Services stand there with their full names.
    pub spec: WorkflowSpec,
    /// Why it cannot run as things stand, such as a program that others may write. Empty = it can.
    pub problems: Vec<FieldError>,
    /// Counts every change; the value for `If-Match`.
    pub version: u64,
    /// Requests that are queued.
    pub queued: u32,
    /// Requests that are running.
    pub running: u32,
    /// When it was created.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// By whom.
    pub updated_by: String,
}

/// `POST /v1/workflows/try`: what would become of a request. Nothing is started, changed or logged.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TryWorkflow {
    /// Reference of a saved workflow; either this or `spec`.
    #[serde(default)]
    pub workflow: Option<String>,
    /// A workflow being edited.
    #[serde(default)]
    pub spec: Option<WorkflowSpec>,
    /// With `spec`: reference of the team that it would belong to; absent = global.
    #[serde(default)]
    pub team: Option<String>,
    /// Header names and values as the sender would send them.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The query without its `?`.
    #[serde(default)]
    pub query: String,
    /// The body.
    pub body: String,
}

/// What `workflow try` found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowTrial {
    /// The call would start it without naming it. False where it has no trigger.
    pub matches: bool,
    /// Condition by condition; absent where it has no trigger.
    pub trigger: Option<PartExplain>,
    /// The variables as the steps would see them.
    pub variables: BTreeMap<String, String>,
    /// Variables that are missing or malformed, and steps that could not run. Empty = it would start.
    pub errors: Vec<FieldError>,
}

/// A request. In lists `variables`, `payload` and the steps' `output` are empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestView {
    /// Its id, which programs find in `TOLLGATE_REQUEST_ID`.
    pub id: RequestId,
    /// Its workflow with its full name; `(deleted)` behind it where it is gone.
    pub workflow: NamedRef,
    /// Its workflow's team; absent = global.
    pub team: Option<NamedRef>,
    /// Where it stands.
    pub state: RequestState,
    /// One line: which step runs, why it waits, why it failed, who cancelled it.
    pub detail: String,
    /// The token of the call, with its name while it lives or its tombstone's.
    pub token: NamedRef,
    /// The call.
    pub call: CallId,
    /// The variables as the steps see them.
    pub variables: BTreeMap<String, String>,
    /// The call's body, redacted: what programs read on their standard input. Dropped when the request has succeeded.
    pub payload: String,
    /// Steps that succeeded.
    pub steps_done: u32,
    /// In order.
    pub steps: Vec<StepRun>,
    /// How often an operator retried it.
    pub retries: u32,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When its first step began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// `POST /v1/requests/{request}/retry`, of a failed or cancelled request; the body is optional. The workflow is taken as
/// it is now; steps that succeeded and have not changed are not repeated.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetryRequest {
    /// Repeat them all the same.
    pub from_start: bool,
}

/// `POST /v1/requests/{request}/cancel`, of a queued or running request; the body is optional.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CancelRequest {
    /// Words for its detail and the audit, ≤ 500 characters.
    pub comment: Option<String>,
}

/// The answer of `POST /v1/request` (http.md §1): `request` where one was started or named, else `requests`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestAnswer {
    /// The call's id.
    pub id: CallId,
    /// The one request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<StartedRequest>,
    /// Where several workflows matched, or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<Vec<StartedRequest>>,
}

/// One request as its sender is told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartedRequest {
    /// The request's id; of a duplicate the earlier one's.
    pub id: RequestId,
    /// The workflow's public id.
    #[serde(rename = "workflowId")]
    pub workflow_id: String,
    /// `queued`, or where the earlier one stands.
    pub status: RequestState,
    /// The call is a duplicate and started nothing.
    pub duplicate: bool,
}
