//! Operators, sign-in, lockdown, audit.

use serde::{Deserialize, Serialize};

use crate::audit::AuditRow;
use crate::id::OperatorId;
use crate::role::{GlobalRole, TeamRole};
use crate::time::Timestamp;

/// `POST /v1/operators`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NewOperator {
    /// 1–64 visible characters, unique.
    pub name: String,
    /// Unix users by name or uid; the daemon's host knows both.
    pub unix_users: Vec<String>,
    /// `admin` or `reader`; absent = none.
    pub role: Option<String>,
    /// `TEAM=manager|responder|observer`.
    pub team_roles: Vec<String>,
}

/// `PATCH /v1/operators/{operator}`: what is absent stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OperatorPatch {
    /// A new name.
    pub name: Option<String>,
    /// The whole new list.
    pub unix_users: Option<Vec<String>>,
    /// A new global role; `none` takes it away.
    pub role: Option<String>,
    /// The whole new list.
    pub team_roles: Option<Vec<String>>,
    /// False: may nothing, his personal tokens are refused.
    pub enabled: Option<bool>,
}

/// `POST /v1/operators/{operator}/passphrase`: set it, or take it away.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetPassphrase {
    /// ≥ 12 characters; absent = none any more.
    #[serde(default)]
    pub passphrase: Option<String>,
}

impl Drop for SetPassphrase {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.passphrase);
    }
}

/// `POST /v1/sign-in`: on this connection the caller is this operator from now on.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The operator's name.
    pub operator: String,
    /// His passphrase; not needed with a ticket.
    #[serde(default)]
    pub passphrase: String,
    /// [`SignedIn::ticket`] of an earlier sign-in of the same uid: one that is already known, so it is no audit row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
}

impl Drop for SignIn {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.passphrase);
        zeroize::Zeroize::zeroize(&mut self.ticket);
    }
}

/// The answer to signing in and out.
#[derive(Serialize, Deserialize)]
pub struct SignedIn {
    /// Who the caller is on this connection now; empty after signing out.
    pub operator: String,
    /// Signs further connections of the same uid in, until it signs out, the passphrase changes, the daemon stops, or a
    /// day has passed; empty where there is none.
    #[serde(default)]
    pub ticket: String,
}

impl Drop for SignedIn {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.ticket);
    }
}

/// An operator. The passphrase is in none of these fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorView {
    /// Its id.
    pub id: OperatorId,
    /// Its name.
    pub name: String,
    /// Unix users, `anna (1000)`.
    pub unix_users: Vec<String>,
    /// He can sign in with a passphrase.
    pub has_passphrase: bool,
    /// Everywhere, where no team role overrides it.
    pub role: Option<GlobalRole>,
    /// Inside teams, by the team's name.
    pub team_roles: Vec<(String, TeamRole)>,
    /// False: may nothing.
    pub enabled: bool,
    /// Last request since the daemon's start.
    pub last_seen: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// Counts every change.
    pub version: u64,
}

/// `POST /v1/lockdown`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SetLockdown {
    /// True: all ingestion is answered 503 `locked-down`.
    pub on: bool,
    /// Why, ≤ 500 characters; required to lock.
    pub reason: String,
}

/// The lockdown in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockdownView {
    /// Since when.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// `GET /v1/audit/verify`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditVerdict {
    /// The chain holds from the first row to the last.
    pub intact: bool,
    /// Rows walked.
    pub rows: u64,
    /// The hash of the last row: note it elsewhere, and cutting the end shows.
    pub head: String,
    /// The first row that does not fit.
    pub broken_at: Option<u64>,
    /// What is wrong there.
    pub detail: String,
    /// The newest row.
    pub newest: Option<AuditRow>,
}
