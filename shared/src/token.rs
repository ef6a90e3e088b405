//! Tokens: what one may do and reach (domain.md §2).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{ServiceId, TeamId};
use crate::time::Timestamp;

/// What a token reaches. Fixed at creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Every service of every team.
    Global,
    /// Every service of one team.
    Team(TeamId),
    /// One service.
    Service(ServiceId),
}

/// The closed list of permissions, on the wire in `object:verb` form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Permission {
    /// Post calls that open and resolve incidents.
    #[serde(rename = "incidents:create")]
    IncidentsCreate,
    /// Read incidents.
    #[serde(rename = "incidents:read")]
    IncidentsRead,
    /// Acknowledge and resolve incidents.
    #[serde(rename = "incidents:update")]
    IncidentsUpdate,
    /// Start automation workflows; global tokens only.
    #[serde(rename = "requests:create")]
    RequestsCreate,
    /// Read requests.
    #[serde(rename = "requests:read")]
    RequestsRead,
    /// Read the API log.
    #[serde(rename = "logs:read")]
    LogsRead,
    /// List tokens.
    #[serde(rename = "tokens:read")]
    TokensRead,
    /// Create, edit, rotate and revoke tokens.
    #[serde(rename = "tokens:manage")]
    TokensManage,
    /// Refresh itself.
    #[serde(rename = "token:refresh")]
    TokenRefresh,
}

impl Permission {
    /// The wire name, such as `incidents:create`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IncidentsCreate => "incidents:create",
            Self::IncidentsRead => "incidents:read",
            Self::IncidentsUpdate => "incidents:update",
            Self::RequestsCreate => "requests:create",
            Self::RequestsRead => "requests:read",
            Self::LogsRead => "logs:read",
            Self::TokensRead => "tokens:read",
            Self::TokensManage => "tokens:manage",
            Self::TokenRefresh => "token:refresh",
        }
    }

    /// The preset `sender`, the default: `incidents:create`, and `requests:create` where the scope is global.
    pub fn sender(scope: Scope) -> Vec<Self> {
        match scope {
            Scope::Global => vec![Self::IncidentsCreate, Self::RequestsCreate],
            Scope::Team(_) | Scope::Service(_) => vec![Self::IncidentsCreate],
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// When a token ends, as it was chosen. A refresh adds the chosen duration again, so the choice is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expiry {
    /// It does not end by itself.
    Never,
    /// It ends this many seconds after its creation or last refresh.
    AfterSecs(u32),
    /// It ends at a date.
    At(Timestamp),
}

impl Expiry {
    /// The moment of the end for a token that starts (again) at `from`; `None` = never.
    pub fn deadline(self, from: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Never => None,
            Self::AfterSecs(secs) => Some(from.plus_secs(i64::from(secs))),
            Self::At(at) => Some(at),
        }
    }
}

/// Where a token stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenState {
    /// It is accepted.
    Active,
    /// Its time is over; calls are answered `token-expired`.
    Expired,
    /// Dead for good; only its tombstone is left.
    Revoked,
}

impl TokenState {
    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

impl fmt::Display for TokenState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
