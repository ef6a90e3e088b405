//! The records behind the wire's views: what the registry holds and the store keeps.

mod answers;
mod backups;
mod queries;

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use tollgate_shared::api::{DeadTries, LastRefusal, LastUse, OutcomeCounts};
use tollgate_shared::filter::FilterSpec;
use tollgate_shared::id::{FilterId, IncidentId, MaintenanceId, OperatorId, ServiceId, TeamId, TokenId, WorkflowId};
use tollgate_shared::name::Name;
use tollgate_shared::role::{GlobalRole, TeamRole};
use tollgate_shared::time::Timestamp;
use tollgate_shared::token::{Expiry, Owner, Permission, RateLimit, Scope};

use super::measures::Measures;
use super::workflows::Workflow;

pub use answers::{AnswerPlace, Answered, StoredAnswer};
pub use backups::{BackupRecord, Backups, Restored};
pub use queries::{KeptQuery, KeptQueryKey};

/// A team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    /// Its id.
    pub id: TeamId,
    /// Unique among teams.
    pub name: Name,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A service of a team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its id.
    pub id: ServiceId,
    /// Its team.
    pub team: TeamId,
    /// Unique within the team.
    pub name: Name,
    /// False: skipped by every call.
    pub enabled: bool,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A filter as it is stored; [`crate::core::matching`] compiles it.
#[derive(Clone, Debug, PartialEq)]
pub struct FilterRecord {
    /// Its id.
    pub id: FilterId,
    /// Its service.
    pub service: ServiceId,
    /// Its place among the service's filters, from 1.
    pub position: u32,
    /// Name, conditions, rendering. Stored as JSON bytes: its wire form is its only form.
    pub spec: FilterSpec,
    /// When it was created.
    pub created_at: Timestamp,
}

/// What a secret is stored and looked up as: BLAKE3 keyed with the key file (domain.md §2). Not secret by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Mac(pub [u8; 32]);

impl Mac {
    /// What stands in the place of a secret's MAC where the key went that it was made with: no secret has it, so nothing
    /// authenticates until the token is given a new secret (storage.md, Backup).
    pub fn lost(token: TokenId) -> Self {
        Self(blake3::derive_key(
            "tollgate: the secret of a token whose key was not in the backup",
            token.as_str().as_bytes(),
        ))
    }
}

/// A living token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Public id; stable over rotations.
    pub id: TokenId,
    /// Unique among living tokens of its scope.
    pub name: Name,
    /// Free text.
    pub description: String,
    /// What it reaches; fixed.
    pub scope: Scope,
    /// Whose it is.
    pub owner: Owner,
    /// What it may do.
    pub permissions: Vec<Permission>,
    /// Only name, description and debug can change; no refresh, no rotation.
    pub sealed: bool,
    /// Not accepted before.
    pub not_before: Option<Timestamp>,
    /// The end as it was chosen.
    pub expiry: Expiry,
    /// The end as a moment; `None` = never.
    pub expires_at: Option<Timestamp>,
    /// Empty = any address.
    pub allowed_ips: Vec<IpNet>,
    /// Calls from other addresses are counted and logged, not refused.
    pub ip_report_only: bool,
    /// Calls are logged while now is before it.
    pub debug_until: Option<Timestamp>,
    /// 0 = off.
    pub dedup_window_secs: u32,
    /// Paths that are left out of "same content".
    pub dedup_ignore: Vec<String>,
    /// An entry is a duplicate for its whole window, also where its effect no longer stands.
    pub dedup_strict: bool,
    /// `None` = no quota.
    pub rate_limit: Option<RateLimit>,
    /// False: `?token=` is refused.
    pub query_token: bool,
    /// Set while it is suspended.
    pub suspended: Option<Suspension>,
    /// Set while an old secret is still alive beside the new one.
    pub overlap: Option<Overlap>,
    /// The idempotency key of the last rotation: the same again answers "already rotated".
    pub rotate_key: Option<String>,
    /// Its value was brought along from another system.
    pub imported: bool,
    /// The token or operator that created it.
    pub issued_by: Issuer,
    /// The secret's MAC.
    pub mac: Mac,
    /// Counts up when what a call is checked against changes (secret, expiry, addresses, …): a proposal made under an
    /// older generation is checked again by the writer.
    pub generation: u64,
    /// How often the secret was replaced.
    pub rotations: u32,
    /// When it was created.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// By whom.
    pub updated_by: String,
}

impl Token {
    /// Its secret was lost with the token key: it is refused until it is rotated.
    pub fn needs_rotation(&self) -> bool {
        self.mac == Mac::lost(self.id)
    }
}

/// Who created a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Issuer {
    /// Root or the daemon's own uid.
    Superuser,
    /// An operator.
    Operator(OperatorId),
    /// A token with `tokens:manage`.
    Token(TokenId),
}

/// A token in doubt: its calls are answered 503, everything stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspension {
    /// Since when.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// Why, as he said.
    pub reason: String,
}

/// An old secret that still works for a while after a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overlap {
    /// The old secret's MAC.
    pub mac: Mac,
    /// When the new secret was made.
    pub since: Timestamp,
    /// Until when the old one works; never after the token's own end.
    pub until: Timestamp,
}

impl Overlap {
    /// True while the old secret works. Its end is judged by time, so that nothing has to happen at that moment.
    pub fn runs(&self, now: Timestamp) -> bool {
        now < self.until
    }
}

/// Somebody who works with Tollgate (domain.md §1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operator {
    /// Its id.
    pub id: OperatorId,
    /// Unique among operators.
    pub name: Name,
    /// Unix users that are this operator: uid and name as they were given; a uid whose name differs now is refused.
    pub unix_users: Vec<UnixUser>,
    /// The argon2id hash (PHC string) of the passphrase for shared accounts.
    pub passphrase: Option<String>,
    /// Everywhere, where no team role overrides it.
    pub role: Option<GlobalRole>,
    /// Inside teams.
    pub team_roles: Vec<(TeamId, TeamRole)>,
    /// False: may nothing; his personal tokens are refused.
    pub enabled: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// Counts every change.
    pub version: u64,
}

/// A unix user as an admin named it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnixUser {
    /// The uid that the kernel names.
    pub uid: u32,
    /// The user's name at that time; empty where none was known.
    pub name: String,
}

/// All ingestion is answered 503 `locked-down` while this is set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lockdown {
    /// Since when.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// What the wall clock has gained on the boot clock lately, so that what erasing waits for outlives the daemon (storage.md,
/// Clocks).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockSteps {
    /// The oldest first.
    pub steps: Vec<ClockStep>,
}

/// The wall clock was set forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockStep {
    /// What the daemon took for now right behind it.
    pub at: Timestamp,
    /// Microseconds.
    pub gained_us: i64,
}

/// What operators have cut from calls before anything of them is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedactionRules {
    /// In the order in which they were made.
    pub rules: Vec<RedactionRule>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedactionRule {
    /// Unique.
    pub name: String,
    /// What it cuts.
    pub what: RedactionWhat,
    /// Since when.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
}

/// What a rule of redaction cuts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RedactionWhat {
    /// A place in a call, in the text form of a filter's path.
    Path(String),
    /// What an expression matches.
    Pattern {
        /// The expression.
        pattern: String,
        /// It ignores case.
        ignore_case: bool,
    },
}

/// Why a secret is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Death {
    /// Its token was revoked.
    Revoked,
    /// Its token has a newer secret.
    Rotated,
}

/// A secret that never works again. One row for each, for ever: its value can never come back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadSecret {
    /// The dead secret's MAC.
    pub mac: Mac,
    /// Whose it was.
    pub token: TokenId,
    /// Since when it is dead.
    pub at: Timestamp,
    /// Why.
    pub death: Death,
}

/// What stays of a revoked token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    /// The token as it was.
    pub token: Token,
    /// When it was revoked.
    pub revoked_at: Timestamp,
    /// By whom.
    pub revoked_by: String,
    /// Why, as he said.
    pub reason: String,
}

/// What a token was used for, as it is kept on disk. Flushed every few seconds, kept with the tombstone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageRecord {
    /// Calls by outcome.
    pub counts: OutcomeCounts,
    /// The last accepted call.
    pub last_use: Option<LastUse>,
    /// The last refused call.
    pub last_refusal: Option<LastRefusal>,
    /// Refusals that were counted and not logged.
    pub rows_not_logged: u64,
    /// Calls that came with `?token=`.
    pub query_token_calls: u64,
    /// Calls from outside the address list that `report-only` let through.
    pub ip_violations: u64,
    /// Calls with the old secret during an overlap.
    pub old_secret_calls: u64,
    /// Where calls came from, ≤ 256; the least recent are merged into their /24 or /64.
    pub sources: Vec<SourceRecord>,
    /// Tries with a secret that is dead.
    pub dead_tries: DeadTries,
}

/// Calls from one address, or from one network where several were merged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRecord {
    /// The address, or the /24 or /64 that stands for several.
    pub net: IpNet,
    /// True where several addresses were merged.
    pub merged: bool,
    /// The last call used the old secret of a running overlap.
    pub old_secret: bool,
    /// First call.
    pub first: Timestamp,
    /// Last call.
    pub last: Timestamp,
    /// Calls that were let in.
    pub calls: u64,
    /// Calls that were refused.
    pub refused: u64,
}

/// The part of an incident that is written once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentBody {
    /// ≤ 4 KiB, from the redacted view of the call.
    pub description: String,
    /// The address of the call that opened it.
    pub source_ip: IpAddr,
}

/// What deduplication remembers of an accepted call (domain.md §4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DedupEntry {
    /// When the call was accepted; the window counts from here and does not slide.
    pub at: Timestamp,
    /// What the call touched and how it left it. While all of it stands, an equal call is a duplicate.
    pub effects: Vec<Effect>,
}

/// One thing that a call touched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// In this service,
    pub service: ServiceId,
    /// under this key (`None`: an incident without a key),
    pub key: Option<String>,
    /// this incident was open afterwards, or none was.
    pub open_after: Option<IncidentId>,
    /// The incident that was touched: it counts the duplicate.
    pub incident: IncidentId,
}

/// What a token can that few need; no row of it exists while all is as usual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenOptions {
    /// The number of a delivery (`X-GitHub-Delivery`, `X-Webhook-Id`, `ce-source` with `ce-id`) counts as idempotency key.
    pub delivery_ids: bool,
}

/// A time in which a service opens no incidents (domain.md §1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maintenance {
    /// Its id.
    pub id: MaintenanceId,
    /// Of this service.
    pub service: ServiceId,
    /// From this moment on,
    pub from: Timestamp,
    /// until this one; `None` = until it is ended.
    pub until: Option<Timestamp>,
    /// Only for calls whose payload holds each of these texts; empty = for all.
    pub tags: Vec<String>,
    /// Why.
    pub comment: String,
    /// When it was planned.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
}

/// One change of the registry, as the store keeps it.
#[derive(Clone, Debug, PartialEq)]
pub enum RegistryChange {
    /// Insert or replace a team.
    PutTeam(Team),
    /// Insert or replace a service.
    PutService(Service),
    /// Insert or replace a filter.
    PutFilter(Box<FilterRecord>),
    /// Remove a filter.
    DeleteFilter(FilterId),
    /// Remove a service without filters, tokens and open incidents.
    DeleteService(ServiceId),
    /// Remove a team without services and tokens.
    DeleteTeam(TeamId),
    /// Insert or replace an operator.
    PutOperator(Box<Operator>),
    /// Remove an operator.
    DeleteOperator(OperatorId),
    /// Insert or replace a workflow.
    PutWorkflow(Box<Workflow>),
    /// Remove a workflow without unfinished requests.
    DeleteWorkflow(WorkflowId),
    /// Keep a query, in place of one of its key.
    PutQuery(Box<KeptQuery>),
    /// Forget a query.
    DeleteQuery(KeptQueryKey),
    /// Lock ingestion down, or lift it.
    SetLockdown(Option<Lockdown>),
    /// The state is a restored one, or was reviewed.
    SetRestored(Option<Restored>),
    /// Replace what is known of the last backups.
    SetBackups(Backups),
    /// Replace the rules of redaction.
    SetRedaction(RedactionRules),
    /// Replace what is known of the wall clock's steps.
    SetClockSteps(ClockSteps),
    /// Insert or replace a living token.
    PutToken(Box<Token>),
    /// A secret has died (rotation; revocation does it too).
    PutDeadSecret(DeadSecret),
    /// Set what few tokens need.
    PutTokenOptions(TokenId, TokenOptions),
    /// Set what is on a token for a time; nothing takes the row away.
    PutMeasures(TokenId, Measures),
    /// Insert a maintenance.
    PutMaintenance(Box<Maintenance>),
    /// Remove a maintenance: it is over.
    DeleteMaintenance(MaintenanceId),
    /// Remove a living token and put its tombstone. Its dead secret comes as a change of its own.
    Bury(Box<Tombstone>),
}
