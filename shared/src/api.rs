//! The JSON resources behind both doors (http.md §2): what the local socket answers and takes.
//!
//! Wherever a path or a field names an object (`{team}`, `{service}`, `{token}`, `{incident}`), a *reference* is taken: its
//! id, its name (`Ops`, `Ops/DB` for a service), or a hint, which is any unique piece of the id of at least four
//! characters. A reference that fits several objects is refused with 409 `conflict` and the list; one that fits none is
//! 404 `not-found`. Lists are JSON arrays inside [`Page::items`].

mod backup;
mod hour;
mod incidents;
mod ingest;
mod maintenance;
mod objects;
mod people;
mod queries;
mod redaction;
mod status;
mod talkers;
mod token_verbs;
mod tokens;
pub mod trying;
mod workflows;

pub use backup::{
    BACKUP_END_MARK, BackupFailure, BackupMade, BackupView, BackupWritten, NOT_IN_A_BACKUP, NewBackup, RestoreReviewed,
    RestoredView, ReviewRestore,
};
pub use hour::{HourBucket, HourView};
pub use incidents::{BulkIncidents, BulkIncidentsResult, IncidentView, ResolveIncident};
pub use ingest::{EnqueueAnswer, Phase, ProcessAnswer, ServiceResult, TriggeredPhase};
pub use maintenance::{MaintenanceView, NewMaintenance};
pub use objects::{
    FilterView, NamedRef, NewFilter, NewService, NewTeam, ServiceMaintenance, ServicePatch, ServiceView, TeamView,
    TryFilter, TryVerdict,
};
pub use people::{
    AuditVerdict, LockdownView, NewOperator, OperatorPatch, OperatorView, SetLockdown, SetPassphrase, SignIn, SignedIn,
};
pub use queries::{CountedBy, LogHistogram, NotAScreen, SaveQuery, SavedQuery, Screen};
pub use redaction::{NewRedactionRule, RedactionRuleView, RedactionTried, RuleTried, Sample, TryRedaction};
pub use status::{Counters, EventsItem, LogBounds, SelfService, StatusView};
pub use talkers::{Talker, TalkerCounts, TalkerTable, TalkersBy, TalkersView};
pub use token_verbs::{
    BatchTokens, BulkResult, BulkTokens, ChangeOverlap, Identified, IdentifyToken, ImportToken, RotateToken,
    SuspendToken,
};
pub use tokens::{
    BlockView, DeadTries, LastRefusal, LastUse, LimitedFor, NewToken, OutcomeCounts, RecentUse, RevokeReceipt,
    RevokeToken, ScopeView, SetDebug, SourceView, SuspensionView, TokenCreated, TokenPatch, TokenView, UsageView,
    WhoAmI,
};
pub use trying::{
    Doubt, FilterPatch, ProposedFilter, ProposedToken, ReplayVerdict, TriedRow, Verdict, WhatIf, WhatIfItem,
    WhatIfProgress, WhatIfReport,
};
pub use workflows::{
    CancelRequest, NewWorkflow, RequestAnswer, RequestView, RetryRequest, StartedRequest, TryWorkflow, WorkflowPatch,
    WorkflowTrial, WorkflowView,
};

use serde::{Deserialize, Serialize};

/// One page of a collection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The rows, in the collection's order.
    pub items: Vec<T>,
    /// Give it as `cursor` for the next page; absent on the last one. Opaque.
    pub next: Option<String>,
}
