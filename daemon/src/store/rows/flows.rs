//! Workflows and requests on disk. Their steps are JSON, because a step leaves out what has its default and postcard needs
//! every field.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use tollgate_shared::request::{RequestState, StepRun};
use tollgate_shared::workflow::{Step, WorkflowSpec};

use super::{
    CallId, Deserialize, Fingerprint, RequestId, RequestRecord, RowError, Serialize, Stored, TeamId, Timestamp,
    TokenId, Workflow, WorkflowId, from_postcard, to_postcard,
};

#[derive(Serialize, Deserialize)]
struct WorkflowV1 {
    id: WorkflowId,
    public_id: String,
    team: Option<TeamId>,
    spec_json: Vec<u8>,
    version: u64,
    created_at: Timestamp,
    created_by: String,
    updated_at: Timestamp,
    updated_by: String,
}

#[derive(Serialize, Deserialize)]
struct RequestV1 {
    id: RequestId,
    workflow: WorkflowId,
    version: u64,
    name: String,
    public_id: String,
    team: Option<TeamId>,
    steps_json: Vec<u8>,
    state: RequestState,
    token: TokenId,
    call: CallId,
    source_ip: IpAddr,
    fingerprint: Option<Fingerprint>,
    variables: BTreeMap<String, String>,
    runs: Vec<StepRun>,
    failures: u32,
    note: String,
    retries: u32,
    payload_bytes: u64,
    created_at: Timestamp,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
}

impl Stored for Workflow {
    const WHAT: &'static str = "a workflow";
    const VERSION: u8 = 1;

    fn write(&self, out: Vec<u8>) -> Result<Vec<u8>, RowError> {
        let row = WorkflowV1 {
            id: self.id,
            public_id: self.public_id.clone(),
            team: self.team,
            spec_json: self.spec.to_json().map_err(RowError::Json)?,
            version: self.version,
            created_at: self.created_at,
            created_by: self.created_by.clone(),
            updated_at: self.updated_at,
            updated_by: self.updated_by.clone(),
        };
        to_postcard(&row, out)
    }

    fn read(version: u8, bytes: &[u8]) -> Result<Self, RowError> {
        let row: WorkflowV1 = match version {
            1 => from_postcard(bytes)?,
            other => return Err(RowError::Version(other)),
        };
        Ok(Self {
            id: row.id,
            public_id: row.public_id,
            team: row.team,
            spec: WorkflowSpec::from_json(&row.spec_json).map_err(RowError::Json)?,
            version: row.version,
            created_at: row.created_at,
            created_by: row.created_by,
            updated_at: row.updated_at,
            updated_by: row.updated_by,
        })
    }
}

impl Stored for RequestRecord {
    const WHAT: &'static str = "a request";
    const VERSION: u8 = 1;

    fn write(&self, out: Vec<u8>) -> Result<Vec<u8>, RowError> {
        let row = RequestV1 {
            id: self.id,
            workflow: self.workflow,
            version: self.version,
            name: self.name.clone(),
            public_id: self.public_id.clone(),
            team: self.team,
            steps_json: serde_json::to_vec(self.steps.as_ref()).map_err(RowError::Json)?,
            state: self.state,
            token: self.token,
            call: self.call,
            source_ip: self.source_ip,
            fingerprint: self.fingerprint,
            variables: self.variables.clone(),
            runs: self.runs.clone(),
            failures: self.failures,
            note: self.note.clone(),
            retries: self.retries,
            payload_bytes: self.payload_bytes,
            created_at: self.created_at,
            started_at: self.started_at,
            finished_at: self.finished_at,
        };
        to_postcard(&row, out)
    }

    fn read(version: u8, bytes: &[u8]) -> Result<Self, RowError> {
        let row: RequestV1 = match version {
            1 => from_postcard(bytes)?,
            other => return Err(RowError::Version(other)),
        };
        let steps: Vec<Step> = serde_json::from_slice(&row.steps_json).map_err(RowError::Json)?;
        Ok(Self {
            id: row.id,
            workflow: row.workflow,
            version: row.version,
            name: row.name,
            public_id: row.public_id,
            team: row.team,
            steps: Arc::new(steps),
            state: row.state,
            token: row.token,
            call: row.call,
            source_ip: row.source_ip,
            fingerprint: row.fingerprint,
            variables: row.variables,
            runs: row.runs,
            failures: row.failures,
            note: row.note,
            retries: row.retries,
            payload_bytes: row.payload_bytes,
            created_at: row.created_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
        })
    }
}
