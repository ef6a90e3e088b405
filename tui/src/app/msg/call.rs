//! Changes, and what comes of them.

use serde::{Deserialize, Serialize};
use tollgate_shared::api::Screen as QueryScreen;
use tollgate_shared::api::{
    BulkIncidents, BulkIncidentsResult, BulkResult, BulkTokens, FilterPatch, FilterView, IncidentView, NewFilter,
    NewOperator, NewService, NewTeam, NewToken, OperatorPatch, OperatorView, RequestView, RevokeReceipt, RotateToken,
    SavedQuery, ServiceView, TeamView, TokenPatch, TokenView, WorkflowView,
};
use tollgate_shared::id::IncidentId;
use tollgate_shared::incident::IncidentState;

use super::Hidden;
use crate::app::forms::Logged;
use crate::app::secret::Secret;

/// What a change brought back.
#[derive(Debug, Serialize, Deserialize)]
pub enum Reply {
    Token(Box<TokenView>),
    /// Several tokens at once.
    Bulk(Box<BulkResult>),
    /// Several incidents at once.
    Incidents(Box<BulkIncidentsResult>),
    Operator(Box<OperatorView>),
    /// There is nothing more to say: it is done.
    Nothing,
    Created {
        secret: Secret,
        token: Box<TokenView>,
    },
    /// And what became of what it had issued.
    Receipt(Box<RevokeReceipt>, Vec<String>),
    Incident(Box<IncidentView>),
    Team(Box<TeamView>),
    Service(Box<ServiceView>),
    Filter(Box<FilterView>),
    Request(Box<RequestView>),
    Workflow(Box<WorkflowView>),
    /// The gate took a sample alert: what it said, and the incident that it is in.
    Sampled {
        words: String,
        incident: Option<IncidentId>,
    },
    /// The operator's saved queries after a change of them, and the words to show.
    Queries(Vec<SavedQuery>, String),
    /// A file was written, or a text was sent to the clipboard: the words to show.
    Said(String),
}

/// Why a change was not made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// One sentence.
    pub words: String,
    /// Field by field, where the daemon named fields.
    pub fields: Vec<(String, String)>,
    pub kind: FailureKind,
}

/// What can be done about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    #[default]
    Other,
    /// Somebody else was faster: look at what he did, then again.
    Outdated,
    /// Not before so many seconds.
    Wait(u32),
}

/// What an object must still be, so that a change may be taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    Token { token: String, version: u64 },
    Incident { incident: String, state: IncidentState },
    Service { service: String, enabled: bool },
}

/// A change or a question to the daemon.
#[derive(Clone, Debug)]
pub enum Call {
    /// Only if all of this is still so.
    Guarded(Vec<Expect>, Box<Call>),
    Debug {
        token: String,
        on: bool,
        /// One call in so many; `None` = every one.
        one_in: Option<u32>,
    },
    CreateToken(Box<NewToken>),
    EditToken {
        token: String,
        patch: Box<TokenPatch>,
        version: u64,
        /// Which calls are logged from now on; none = as it is.
        debug: Option<Logged>,
    },
    Rotate {
        token: String,
        rotate: RotateToken,
    },
    Overlap {
        token: String,
        secs: u32,
    },
    Refresh {
        token: String,
    },
    Suspend {
        token: String,
        reason: String,
    },
    Resume {
        token: String,
    },
    BulkTokens(Box<BulkTokens>),
    BulkIncidents(Box<BulkIncidents>),
    Revoke {
        token: String,
        confirm: String,
        reason: String,
        also: Vec<String>,
    },
    Acknowledge {
        incident: String,
    },
    Unacknowledge {
        incident: String,
    },
    Resolve {
        incident: String,
        comment: Option<String>,
    },
    CreateTeam(NewTeam),
    CreateService(NewService),
    CreateFilter(NewFilter),
    /// The sample of a preset, to the listen address, as a sender would.
    SendSample {
        preset: String,
        address: String,
        secret: Secret,
    },
    EditFilter {
        filter: String,
        patch: Box<FilterPatch>,
        version: String,
    },
    RetryRequest {
        request: String,
    },
    CancelRequest {
        request: String,
        comment: Option<String>,
    },
    SwitchWorkflow {
        workflow: String,
        on: bool,
        version: u64,
    },
    SwitchService {
        service: String,
        on: bool,
    },
    RemoveTeam {
        team: String,
    },
    RemoveService {
        service: String,
    },
    RemoveFilter {
        filter: String,
    },
    SaveQuery {
        screen: QueryScreen,
        name: String,
        q: String,
    },
    DropQuery {
        screen: QueryScreen,
        name: String,
    },
    CreateOperator(NewOperator),
    EditOperator {
        operator: String,
        patch: OperatorPatch,
        version: u64,
    },
    RemoveOperator {
        operator: String,
    },
    SetPassphrase {
        operator: String,
        passphrase: Option<Hidden>,
    },
    SetLockdown {
        on: bool,
        reason: String,
    },
    SignIn {
        operator: String,
        passphrase: Hidden,
    },
    SignOut,
}
