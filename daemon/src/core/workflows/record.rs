//! The records of workflows and requests.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tollgate_shared::id::{CallId, RequestId, TeamId, TokenId, WorkflowId};
use tollgate_shared::request::{RequestState, StepRun, StepState};
use tollgate_shared::time::Timestamp;
use tollgate_shared::workflow::{Step, WorkflowSpec};

use crate::core::call::fingerprint::Fingerprint;

/// A workflow as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workflow {
    /// Its id.
    pub id: WorkflowId,
    /// What senders name it by.
    pub public_id: String,
    /// Its team; `None` = global.
    pub team: Option<TeamId>,
    /// Name, variables, trigger, steps. Stored as JSON bytes: its wire form is its only form. Services stand by their ids.
    pub spec: WorkflowSpec,
    /// Counts every change.
    pub version: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// By whom.
    pub updated_by: String,
}

/// A request: one run of a workflow. Its payload and the outputs of its steps are stored apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRecord {
    /// Its id, made of the moment of its start: ids sort by age.
    pub id: RequestId,
    /// Its workflow,
    pub workflow: WorkflowId,
    /// in this version,
    pub version: u64,
    /// which had this full name
    pub name: String,
    /// and this public id,
    pub public_id: String,
    /// and belongs to this team; `None` = global.
    pub team: Option<TeamId>,
    /// The steps of that version. Shared among the requests of one version.
    pub steps: Arc<Vec<Step>>,
    /// Where it stands.
    pub state: RequestState,
    /// The token of the call.
    pub token: TokenId,
    /// The call.
    pub call: CallId,
    /// From where it came.
    pub source_ip: IpAddr,
    /// What an equal call would have, too; `None` where the token's window was off.
    pub fingerprint: Option<Fingerprint>,
    /// The variables, with defaults taken in.
    pub variables: BTreeMap<String, String>,
    /// Step by step, as many as `steps`; outputs are stored apart and empty here.
    pub runs: Vec<StepRun>,
    /// Failed tries of the step whose turn it is, since it began or an operator retried it.
    pub failures: u32,
    /// Who cancelled it and why.
    pub note: String,
    /// How often an operator retried it.
    pub retries: u32,
    /// Bytes of its payload; 0 once that is dropped.
    pub payload_bytes: u64,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When its first step began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// What deduplication needs to know of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestBrief {
    /// Its id.
    pub id: RequestId,
    /// Its workflow's public id.
    pub public_id: String,
    /// Where it stands.
    pub state: RequestState,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// What an equal call has, too.
    pub print: Option<(TokenId, Fingerprint)>,
}

/// What a step wrote or was answered: redacted, ≤ 16 KiB.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepOutput {
    /// The text.
    pub text: String,
    /// True where it is not all of it.
    pub truncated: bool,
}

impl RequestRecord {
    /// The place of the step whose turn it is; `None` where all have succeeded.
    pub fn current(&self) -> Option<usize> {
        self.runs.iter().position(|run| run.state != StepState::Succeeded)
    }

    /// Steps that succeeded.
    pub fn steps_done(&self) -> usize {
        self.runs.iter().filter(|run| run.state == StepState::Succeeded).count()
    }

    /// What deduplication needs of it.
    pub fn brief(&self) -> RequestBrief {
        RequestBrief {
            id: self.id,
            public_id: self.public_id.clone(),
            state: self.state,
            created_at: self.created_at,
            print: self.fingerprint.map(|print| (self.token, print)),
        }
    }
}
