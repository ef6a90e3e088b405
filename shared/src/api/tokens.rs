//! Tokens.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::id::TokenId;
use crate::outcome::Outcome;
use crate::time::Timestamp;
use crate::token::{Expiry, Permission, RateLimit, TokenState};

/// `POST /v1/tokens`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// 1–64 visible characters, unique among the living tokens of its scope.
    pub name: String,
    /// `global`, `team:<team>`, `service:<team>/<service>`.
    pub scope: String,
    /// Free text, ≤ 500 characters.
    #[serde(default)]
    pub description: String,
    /// `never`, a duration (`30d`, `12h`, `1y`), or an RFC 3339 date; absent = never.
    #[serde(default)]
    pub expires: Option<String>,
    /// Seconds; absent = 600; 0 = off; at most 86,400.
    #[serde(default)]
    pub dedup_window_secs: Option<u32>,
    /// Addresses or CIDRs; empty = any.
    #[serde(default)]
    pub allowed_ips: Vec<String>,
    /// True: the debug option is on for 48 h.
    #[serde(default)]
    pub debug: bool,
    /// True: a personal token of the caller, who must be an operator.
    #[serde(default)]
    pub personal: bool,
    /// Single permissions; empty = those of `preset`.
    #[serde(default)]
    pub permissions: Vec<String>,
    /// `sender` (default), `read-only` or `all`.
    #[serde(default)]
    pub preset: Option<String>,
    /// True: only name, description and debug can change later.
    #[serde(default)]
    pub sealed: bool,
    /// An RFC 3339 date, or a duration from now; absent = at once.
    #[serde(default)]
    pub not_before: Option<String>,
    /// True: calls from other addresses are counted, not refused.
    #[serde(default)]
    pub ip_report_only: bool,
    /// Paths left out of "same content".
    #[serde(default)]
    pub dedup_ignore: Vec<String>,
    /// True: duplicate for the whole window, whatever became of the incident.
    #[serde(default)]
    pub dedup_strict: bool,
    /// Absent = no quota.
    #[serde(default)]
    pub rate_limit: Option<RateLimit>,
    /// Absent = allowed.
    #[serde(default)]
    pub query_token: Option<bool>,
    /// True: the number of a delivery (`X-GitHub-Delivery`, `X-Webhook-Id`, `ce-source` with `ce-id`) counts as
    /// `Idempotency-Key`.
    #[serde(default)]
    pub delivery_ids: bool,
}

/// `PATCH /v1/tokens/{token}`: what is absent stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TokenPatch {
    /// A new name.
    pub name: Option<String>,
    /// A new description.
    pub description: Option<String>,
    /// A new end, counted from now where it is a duration; the forms of [`NewToken::expires`].
    pub expires: Option<String>,
    /// A new deduplication window, seconds.
    pub dedup_window_secs: Option<u32>,
    /// The whole new address list; `[]` = any address.
    pub allowed_ips: Option<Vec<String>>,
    /// A new scope is refused: it is fixed at creation. Taken only to say so.
    pub scope: Option<String>,
    /// The whole new permission list.
    pub permissions: Option<Vec<String>>,
    /// Count instead of refuse calls from other addresses.
    pub ip_report_only: Option<bool>,
    /// The whole new list.
    pub dedup_ignore: Option<Vec<String>>,
    /// Strict or not.
    pub dedup_strict: Option<bool>,
    /// A new quota; `calls_per_min` 0 = none. With `for_secs` it stands in place of the lasting one for that time alone;
    /// without, it lasts, and ends one that was set for a time.
    pub rate_limit: Option<RateLimit>,
    /// How long `rate_limit` and `block_ips` of this change hold, seconds from now; 1 s to 30 d.
    pub for_secs: Option<u32>,
    /// Addresses and CIDRs whose calls are refused (`ip-blocked`) for `for_secs`; one that is blocked gets the new end.
    pub block_ips: Option<Vec<String>>,
    /// Addresses and CIDRs that are blocked no more, as they were given.
    pub unblock_ips: Option<Vec<String>>,
    /// Allow or refuse `?token=`.
    pub query_token: Option<bool>,
    /// Take the number of a delivery as `Idempotency-Key`, or not.
    pub delivery_ids: Option<bool>,
    /// True: seal it, for good. False is refused.
    pub sealed: Option<bool>,
    /// A new beginning.
    pub not_before: Option<String>,
}

/// Where a token's calls came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceView {
    /// `10.0.0.1`, or `10.0.0.0/24` where several were merged.
    pub net: String,
    /// True where several addresses were merged.
    pub merged: bool,
    /// `new`, or `old` where the last call used the old secret of a running overlap.
    pub secret: String,
    /// First call.
    pub first: Timestamp,
    /// Last call.
    pub last: Timestamp,
    /// Calls that were let in.
    pub calls: u64,
    /// Calls that were refused.
    pub refused: u64,
}

/// `GET /v1/token` at the gate: what am I?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhoAmI {
    /// Public id.
    pub id: TokenId,
    /// Its name.
    pub name: String,
    /// What it reaches.
    pub scope: ScopeView,
    /// What it may do now.
    pub permissions: Vec<Permission>,
    /// When it ends; absent = never.
    pub expires_at: Option<Timestamp>,
    /// Its use before this one: an address that is not yours means that somebody else has it.
    #[serde(default)]
    pub last_use: Option<LastUse>,
}

/// `POST /v1/tokens/{token}/debug`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetDebug {
    /// True: on for 48 h from now, also where it was on. False: off; rows stay until their own end.
    pub on: bool,
    /// Log one call in so many, 2 to 10,000; absent = every one.
    #[serde(default)]
    pub one_in: Option<u32>,
}

/// `POST /v1/tokens/{token}/revoke`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokeToken {
    /// The token's name or id, typed; anything else is refused and nothing is changed.
    pub confirm: String,
    /// Why, ≤ 500 characters.
    #[serde(default)]
    pub reason: String,
}

/// The scope as a reader needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeView {
    /// `global`, `team` or `service`.
    pub kind: String,
    /// Id of the team or service; absent for `global`.
    pub id: Option<String>,
    /// `global`, `Ops`, `Ops/DB`.
    pub name: String,
}

/// A token. Its secret is in none of these fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TokenView {
    /// Public id.
    pub id: TokenId,
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// What it reaches.
    pub scope: ScopeView,
    /// `organisation`, or the owning operator's name.
    pub owner: String,
    /// The owning operator's id; absent for the organisation's.
    pub owner_id: Option<String>,
    /// What it may do.
    pub permissions: Vec<Permission>,
    /// Where it stands.
    pub state: TokenState,
    /// Only name, description and debug can change.
    pub sealed: bool,
    /// Not accepted before.
    pub not_before: Option<Timestamp>,
    /// The end as it was chosen.
    pub expiry: Expiry,
    /// The end as a moment; absent = never.
    pub expires_at: Option<Timestamp>,
    /// Addresses and CIDRs; empty = any.
    pub allowed_ips: Vec<String>,
    /// Calls from other addresses are counted, not refused.
    pub ip_report_only: bool,
    /// Calls are logged until then; absent or past = off.
    pub debug_until: Option<Timestamp>,
    /// Seconds; 0 = off.
    pub dedup_window_secs: u32,
    /// Paths left out of "same content".
    pub dedup_ignore: Vec<String>,
    /// Duplicate for the whole window.
    pub dedup_strict: bool,
    /// The lasting quota; absent = none.
    pub rate_limit: Option<RateLimit>,
    /// The quota that is in force instead of the lasting one, for a time.
    #[serde(default)]
    pub limited_for: Option<LimitedFor>,
    /// From where its calls are refused, for a time.
    #[serde(default)]
    pub blocked: Vec<BlockView>,
    /// While debug is on: one call in so many is logged; absent = every one.
    #[serde(default)]
    pub debug_one_in: Option<u32>,
    /// `?token=` is taken.
    pub query_token: bool,
    /// The number of a delivery counts as `Idempotency-Key`.
    #[serde(default)]
    pub delivery_ids: bool,
    /// Since when it is suspended, by whom and why.
    pub suspended: Option<SuspensionView>,
    /// Until when the old secret of a rotation lives.
    pub overlap_until: Option<Timestamp>,
    /// During an overlap: addresses seen since that use the new secret, and all of them: `ROTATING 27/40`.
    pub rotating: Option<(u32, u32)>,
    /// Its value was brought along from another system.
    pub imported: bool,
    /// `root`, an operator's name, or a token's id.
    pub issued_by: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// When it was last changed or rotated.
    pub updated_at: Timestamp,
    /// By whom.
    pub updated_by: String,
    /// How often its secret was replaced.
    pub rotations: u32,
    /// Counts every change; for lost-update checks.
    pub version: u64,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// By whom.
    pub revoked_by: Option<String>,
    /// Why.
    pub revoke_reason: Option<String>,
    /// What it was used for, exact, also with debug off.
    pub usage: UsageView,
}

/// A quota that ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitedFor {
    /// The quota.
    pub limit: RateLimit,
    /// Until when; from then on the lasting quota is in force, or none.
    pub until: Timestamp,
}

/// Addresses whose calls are refused for a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockView {
    /// `10.9.9.9` or `10.9.0.0/16`.
    pub net: String,
    /// Until when.
    pub until: Timestamp,
}

/// A suspension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuspensionView {
    /// Since when.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// The answer to creating and rotating: the only place where the secret ever appears.
#[derive(Serialize, Deserialize)]
pub struct TokenCreated {
    /// Public id.
    pub id: TokenId,
    /// The secret, shown once.
    pub secret: String,
    /// The token.
    pub token: TokenView,
}

impl Drop for TokenCreated {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.secret);
    }
}

/// Calls of a token by outcome, since it was created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeCounts {
    /// Calls that opened an incident.
    pub created: u64,
    /// Calls that attached to one.
    pub attached: u64,
    /// Calls that resolved one.
    pub resolved: u64,
    /// Calls that were duplicates.
    pub duplicate: u64,
    /// Calls under maintenance.
    pub suppressed: u64,
    /// Calls that matched nothing.
    pub no_match: u64,
    /// Calls that started a workflow.
    pub started: u64,
    /// Calls that were refused.
    pub rejected: u64,
}

impl OutcomeCounts {
    /// The counter of an outcome.
    pub fn of(&mut self, outcome: Outcome) -> &mut u64 {
        match outcome {
            Outcome::Created => &mut self.created,
            Outcome::Attached => &mut self.attached,
            Outcome::Resolved => &mut self.resolved,
            Outcome::Duplicate => &mut self.duplicate,
            Outcome::Suppressed => &mut self.suppressed,
            Outcome::NoMatch => &mut self.no_match,
            Outcome::Started => &mut self.started,
            Outcome::Rejected => &mut self.rejected,
        }
    }

    /// All calls.
    pub const fn total(&self) -> u64 {
        self.created
            + self.attached
            + self.resolved
            + self.duplicate
            + self.suppressed
            + self.no_match
            + self.started
            + self.rejected
    }
}

/// The last time that a token was let in: a call, a question about itself, or management at the gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastUse {
    /// When.
    pub at: Timestamp,
    /// From where.
    pub ip: IpAddr,
    /// By what program, ≤ 128 bytes.
    pub user_agent: Option<String>,
    /// The outcome of the last call; `no_match` where there was none yet, since only calls have an outcome.
    pub outcome: Outcome,
}

/// The last refused call of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRefusal {
    /// When.
    pub at: Timestamp,
    /// From where.
    pub ip: IpAddr,
    /// The problem's slug.
    pub slug: String,
}

/// What a token was used for. Kept in memory, flushed every few seconds: a crash may lose seconds of counting.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageView {
    /// By outcome, since it was created.
    pub counts: OutcomeCounts,
    /// The last accepted call.
    pub last_use: Option<LastUse>,
    /// The last refused call.
    pub last_refusal: Option<LastRefusal>,
    /// Calls in each of the last 60 minutes, oldest first, the running minute last; counts since the daemon's start.
    pub calls_per_minute: Vec<u32>,
    /// Calls of the last ten seconds, the running second with them.
    #[serde(default)]
    pub last_10s: RecentUse,
    /// Calls in the last 60 minutes that had an effect.
    pub hour_hits: u32,
    /// Debug rows that were not written, only counted (more than 10 refusals a second).
    pub rows_not_logged: u64,
    /// Calls that came with `?token=`.
    pub query_token_calls: u64,
    /// Calls from outside the address list that `report-only` let through.
    pub ip_violations: u64,
    /// Calls with the old secret during an overlap.
    pub old_secret_calls: u64,
    /// Different addresses (or merged networks).
    pub sources: u32,
    /// Tries with a secret of this token that is dead: revoked, or replaced by a rotation.
    #[serde(default)]
    pub dead_tries: DeadTries,
}

/// What a token did in the last ten seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecentUse {
    /// Calls that were let in.
    pub accepted: u32,
    /// Calls that were refused.
    pub refused: u32,
    /// Bytes of the bodies of those that were let in.
    pub body_bytes: u64,
}

impl RecentUse {
    /// All calls of the ten seconds.
    pub const fn calls(self) -> u32 {
        self.accepted.saturating_add(self.refused)
    }
}

impl TokenView {
    /// The quota that is in force at `now`.
    pub fn limit_at(&self, now: Timestamp) -> Option<RateLimit> {
        self.limited_for.filter(|one| now < one.until).map(|one| one.limit).or(self.rate_limit)
    }
}

/// Tries with a dead secret; kept with the tombstone, so that a leak can be followed after the revoke.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadTries {
    /// How many.
    pub count: u64,
    /// The last one.
    pub last_at: Option<Timestamp>,
    /// Its address.
    pub last_ip: Option<IpAddr>,
}

/// The answer to a revoke.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RevokeReceipt {
    /// Public id of what was revoked.
    pub id: TokenId,
    /// Its name.
    pub name: String,
    /// From this moment on the value is refused; the change is on disk.
    pub revoked_at: Timestamp,
    /// The audit row of the revoke.
    pub audit_seq: u64,
    /// The last accepted call before it.
    pub last_use: Option<LastUse>,
    /// Calls that were under way at that moment; they ended as the writer decided, refused where they came after it.
    pub in_flight: u32,
}
