//! Trying (domain.md §3, "Explain and dry run"): what a proposal would change in the calls of the last 48 h, and what a
//! logged call would come to today. Nothing is changed and nothing is logged by any of it.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::NamedRef;
use crate::explain::{Explain, Skipped};
use crate::filter::FilterSpec;
use crate::outcome::Outcome;
use crate::priority::Priority;
use crate::time::Timestamp;

/// Rows of each verdict that a report lists where nothing else is asked.
pub const ROWS_DEFAULT: u32 = 20;
/// Rows of each verdict that a report lists at most.
pub const ROWS_MAX: u32 = 1_000;
/// Tokens, addresses and services that a report lists at most; what is more is counted.
pub const NAMED_MAX: usize = 100;

/// `POST /v1/what-if`: a proposal, judged over logged calls. One of `filter` and `token` is given.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WhatIf {
    /// A filter that would be added, changed, moved or deleted.
    pub filter: Option<ProposedFilter>,
    /// A token that would be changed or revoked.
    pub token: Option<ProposedToken>,
    /// Reference of the only token whose calls are looked at; absent: all that the caller may read.
    pub calls_of: Option<String>,
    /// How far back, seconds: 1 to 172,800; absent: 48 h.
    pub since_secs: Option<u32>,
    /// How many rows of each verdict are sent, at most [`ROWS_MAX`]; absent: [`ROWS_DEFAULT`]. All are counted.
    pub rows: Option<u32>,
}

/// A filter as it might be. `spec` with `service` adds one, `spec` with `filter` changes one, `delete` takes one away.
/// `filter` or `service` alone proposes nothing: then the saved filters are compared with what was decided at the time.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProposedFilter {
    /// Reference of the service; not needed beside `filter`.
    pub service: Option<String>,
    /// Reference of the saved filter that is meant.
    pub filter: Option<String>,
    /// The filter as it would be, whole.
    pub spec: Option<FilterSpec>,
    /// Its place among the service's filters, from 1; absent: its own, or the last.
    pub position: Option<u32>,
    /// True: `filter` would be deleted.
    pub delete: bool,
}

/// A token as it might be: what is absent stays as it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProposedToken {
    /// Reference of the token.
    pub token: String,
    /// Another reach: `global`, `team:OPS`, `service:OPS/DB`. A token's scope is fixed; the answer is for a new one.
    pub scope: Option<String>,
    /// The whole new address list; `[]` = any address.
    pub allowed_ips: Option<Vec<String>>,
    /// Another end, in the forms of [`super::NewToken::expires`].
    pub expires: Option<String>,
    /// True: it would be revoked.
    pub revoke: bool,
}

/// What a proposal does to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It has an effect, or is let in, where it had none, or was not.
    Gained,
    /// It has no effect any more, or is refused.
    Lost,
    /// It has an effect before and after, but not the same: another filter, phase, key, priority, title or service.
    Changed,
    /// The same before and after.
    Unchanged,
    /// What is kept of the call does not say.
    CannotTell,
}

/// Why a call cannot be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// The log keeps the beginning of the body only, and a filter reads the body.
    Cut,
    /// A filter reads a value that was redacted before it was written.
    Redacted,
    /// The call was refused before its body was read, so nothing of it was kept.
    NotKept,
    /// The call went to `/v1/request`, where workflows are asked and no filter: what filters would say of it is an example.
    Request,
}

/// With what the proposal is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Baseline {
    /// With what the same call would come to today without the proposal.
    Today,
    /// With what was decided when it came.
    Then,
}

/// What a call comes to in one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriedEffect {
    /// The service.
    pub service: NamedRef,
    /// The filter that decides.
    pub filter: NamedRef,
    /// `trigger` or `resolve`; `start` of a call to `/v1/request`: then the workflow stands as the service, and there is no
    /// filter.
    pub phase: String,
    /// The key; `None` where there is none, or where it was not kept.
    pub key: Option<String>,
    /// Of the incident that a trigger would open.
    pub priority: Option<Priority>,
    /// Of the incident that a trigger would open.
    pub title: Option<String>,
}

/// What becomes of a call: refused, or its effects, none of which means that nothing matched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fate {
    /// The slug of the refusal.
    pub refused: Option<String>,
    /// Effects, at most [`NAMED_MAX`]. A proposal about a filter lists those in the filter's service.
    pub effects: Vec<TriedEffect>,
}

/// One line of the answer of `POST /v1/what-if` (NDJSON, externally tagged): progress and rows as they come, in rising
/// seq, then one `report` or one `failed`. Hanging up ends the work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhatIfItem {
    /// How far it is; a few a second at most.
    Progress(WhatIfProgress),
    /// A call whose verdict is not `unchanged`.
    Row(Box<TriedRow>),
    /// The end.
    Report(Box<WhatIfReport>),
    /// The log could not be read; what came before is incomplete.
    Failed(String),
}

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhatIfProgress {
    /// Rows of the log that were passed, those of other tokens included.
    pub done: u64,
    /// Rows that there are, at most: some may be of other tokens or expired.
    pub total: u64,
}

/// One logged call under a proposal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriedRow {
    /// Its row in the log.
    pub seq: u64,
    /// When it came.
    pub at: Timestamp,
    /// Its token.
    pub token: NamedRef,
    /// From where it came.
    pub remote_ip: IpAddr,
    /// The row's line for lists.
    pub summary: String,
    /// What became of it then.
    pub outcome: Outcome,
    /// The verdict.
    pub verdict: Verdict,
    /// Why there is none; set where `verdict` is `cannot_tell`.
    pub doubt: Option<Doubt>,
    /// Without the proposal, or then; see [`WhatIfReport::baseline`].
    pub before: Fate,
    /// With the proposal.
    pub after: Fate,
}

/// A token whose calls were not looked at, or not all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotLookedAt {
    /// The token.
    pub token: NamedRef,
    /// True where some of its calls are in the log.
    pub in_part: bool,
    /// When it was used last; `None` = never.
    pub last_used: Option<Timestamp>,
}

/// Calls that would be lost, by address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressCount {
    /// The sender's address.
    pub ip: IpAddr,
    /// How many calls.
    pub calls: u64,
}

/// What a proposal would have changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WhatIfReport {
    /// With what it was compared.
    pub baseline: Baseline,
    /// The oldest moment looked at.
    pub since: Timestamp,
    /// The newest.
    pub until: Timestamp,
    /// Calls looked at: the sum of gained, lost, changed, unchanged and cannot tell.
    pub calls: u64,
    /// Of those that can be told, how many have an effect as proposed.
    pub matched: u64,
    /// See [`Verdict::Gained`].
    pub gained: u64,
    /// See [`Verdict::Lost`].
    pub lost: u64,
    /// See [`Verdict::Changed`].
    pub changed: u64,
    /// See [`Verdict::Unchanged`].
    pub unchanged: u64,
    /// See [`Verdict::CannotTell`].
    pub cannot_tell: u64,
    /// Rows that the log has lost in that time (see the tail's gaps).
    pub missing_rows: u64,
    /// Tokens that reach what is proposed and had no debug on, the last used first; at most [`NAMED_MAX`].
    pub not_looked_at: Vec<NotLookedAt>,
    /// How many there are.
    pub not_looked_at_total: u32,
    /// Where the lost calls came from, most calls first; at most [`NAMED_MAX`].
    pub lost_from: Vec<AddressCount>,
    /// Services and filters concerned that take no part, and why.
    pub skipped: Vec<Skipped>,
    /// From then on every call of the token is refused; set where an end or a revocation is proposed.
    pub ends_at: Option<Timestamp>,
    /// What looks like a mistake in the proposed filter.
    pub lints: Vec<String>,
}

/// `POST /v1/logs/{seq}/replay`: a logged call through today's registry, as a dry run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplayVerdict {
    /// The row.
    pub seq: u64,
    /// When the call came.
    pub at: Timestamp,
    /// Its token.
    pub token: NamedRef,
    /// What became of it then.
    pub then_outcome: Outcome,
    /// The filters that decided then.
    pub then: Fate,
    /// What would become of it now. Whether an incident with the key is open is not asked.
    pub now: Fate,
    /// Then against now.
    pub verdict: Verdict,
    /// Why there is none.
    pub doubt: Option<Doubt>,
    /// Why it cannot be sent again for real: what was kept is not what was sent. `None` = it can.
    pub not_sendable: Option<String>,
    /// Filter by filter, now.
    pub explain: Explain,
}

/// `PATCH /v1/filters/{filter}`: what is absent stays. `If-Match: "VERSION"` refuses a lost update (412).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FilterPatch {
    /// The filter whole, as it shall be.
    pub spec: Option<FilterSpec>,
    /// A new name, over the one in `spec`.
    pub name: Option<String>,
    /// On or off, over the one in `spec`.
    pub enabled: Option<bool>,
    /// A new place among the service's filters, from 1; beyond the last means the last.
    pub position: Option<u32>,
}
