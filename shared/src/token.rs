//! Tokens: what one may do and reach (domain.md §2).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{OperatorId, ServiceId, TeamId};
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
    /// Personal tokens only: every team that its owner is a member of, judged at each use.
    Mine,
}

impl Scope {
    /// The one service that it reaches, where it is of one.
    #[must_use]
    pub const fn service(self) -> Option<ServiceId> {
        match self {
            Self::Service(service) => Some(service),
            Self::Global | Self::Team(_) | Self::Mine => None,
        }
    }
}

/// Whose a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// An admin token.
    Organisation,
    /// A personal access token: what it may do is never more than what its owner may do now.
    Operator(OperatorId),
}

/// A quota of calls. Off by default: a storm of alerts is what we exist for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// Calls a minute, on average; 1 to 1,000,000.
    pub calls_per_min: u32,
    /// Calls that may come at once; 1 to 1,000,000.
    pub burst: u32,
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

    /// All permissions, in the order of domain.md §2.
    pub const ALL: [Self; 9] = [
        Self::IncidentsCreate,
        Self::IncidentsRead,
        Self::IncidentsUpdate,
        Self::RequestsCreate,
        Self::RequestsRead,
        Self::LogsRead,
        Self::TokensRead,
        Self::TokensManage,
        Self::TokenRefresh,
    ];

    /// True for `*:read`: what a reader may grant.
    pub const fn is_read(self) -> bool {
        matches!(self, Self::IncidentsRead | Self::RequestsRead | Self::LogsRead | Self::TokensRead)
    }

    /// A preset by name: `sender`, `read-only`, `all`.
    pub fn preset(name: &str, scope: Scope) -> Option<Vec<Self>> {
        match name {
            "sender" => Some(Self::sender(scope)),
            "read-only" => Some(Self::ALL.into_iter().filter(|permission| permission.is_read()).collect()),
            "all" => {
                Some(Self::ALL.into_iter().filter(|p| *p != Self::RequestsCreate || scope == Scope::Global).collect())
            }
            _ => None,
        }
    }

    /// The preset `sender`, the default: `incidents:create`, and `requests:create` where the scope is global.
    pub fn sender(scope: Scope) -> Vec<Self> {
        match scope {
            Scope::Global => vec![Self::IncidentsCreate, Self::RequestsCreate],
            Scope::Team(_) | Scope::Service(_) | Scope::Mine => vec![Self::IncidentsCreate],
        }
    }
}

/// A text that names no permission.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no permission; incidents:create, incidents:read, incidents:update, requests:create, requests:read, logs:read, tokens:read, tokens:manage or token:refresh"
)]
pub struct NotAPermission(String);

impl std::str::FromStr for Permission {
    type Err = NotAPermission;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|permission| permission.as_str() == text);
        found.ok_or_else(|| NotAPermission(text.chars().take(40).collect()))
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
    /// Its `not_before` lies ahead; calls are answered `token-not-yet-valid`.
    NotYetValid,
    /// It is accepted.
    Active,
    /// Doubted: calls are answered 503 until it is resumed.
    Suspended,
    /// Its secret was lost in a restore without the token key: no value is taken for it until it is rotated.
    NeedsRotation,
    /// Its time is over; calls are answered `token-expired`.
    Expired,
    /// Dead for good; only its tombstone is left.
    Revoked,
}

impl TokenState {
    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotYetValid => "not_yet_valid",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::NeedsRotation => "needs_rotation",
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
