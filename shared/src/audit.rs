//! Audit rows (domain.md §8): who changed what, when. Never a secret.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// One change, written in the same transaction as the change itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRow {
    /// Counts up from 1 without holes.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who, as the daemon names him: `root`, `uid 1000`.
    pub actor: String,
    /// The uid that the kernel named; absent for the daemon's own acts.
    pub uid: Option<u32>,
    /// What: `token.create`, `token.revoke`, `service.disable`, …
    pub action: String,
    /// On what: kind, id and name, as `token s_7QmX0c2LrT zabbix-prod`.
    pub target: String,
    /// What changed, in words and values; empty where the action says it all.
    pub detail: String,
    /// The caller's pid and login uid, advisory; absent for the daemon's own acts.
    pub pid: Option<i32>,
    /// The uid that logged in, where the host says so: under sudo the uid is 0 and this one is the person.
    pub login_uid: Option<u32>,
    /// `console`, `cli`, `token s_7QmX0c2LrT`, `daemon`.
    pub origin: String,
    /// The HTTP request that asked for it.
    pub request_id: Option<String>,
    /// Hash of the previous row, 64 hex digits; 64 zeros before the first.
    pub previous: String,
    /// Hash of this row with `previous`, 64 hex digits: BLAKE3 over the row's canonical JSON without this member.
    pub hash: String,
}
