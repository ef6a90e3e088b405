//! Queries that operators keep, and the counts for the strip over the API log.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::log::Bucket;
use crate::name::Name;
use crate::query::{AUDIT, INCIDENTS, LOGS, Schema, TOKENS};
use crate::time::Timestamp;

/// What a query is about; the word in the path of a saved one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Screen {
    /// The API log.
    Logs,
    /// Tokens.
    Tokens,
    /// Incidents.
    Incidents,
    /// The audit trail.
    Audit,
}

/// A text that names no screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("queries are kept for logs, tokens, incidents and audit")]
pub struct NotAScreen;

/// A query that an operator keeps under a name of his own. Nobody else sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedQuery {
    /// What it is about.
    pub screen: Screen,
    /// Unique for its operator and screen, in any case; `@name` stands for it on the command line.
    pub name: Name,
    /// The query as it was typed, ≤ 1,024 characters. Relative times stay relative.
    pub q: String,
    /// When it was last saved.
    pub saved_at: Timestamp,
}

/// `PUT /v1/queries/{screen}/{name}`: keeps a query, in place of one of that name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SaveQuery {
    /// The query; it must parse for that screen. Names in it are looked up when it is used, not now.
    pub q: String,
}

/// `GET /v1/logs/histogram`: calls that a query asks for, by time and outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogHistogram {
    /// The first moment that counts: the beginning of a minute, never more than 48 h ago.
    pub since: Timestamp,
    /// The first moment that does not count any more: the end of a minute.
    pub until: Timestamp,
    /// Length of a bucket in seconds: whole minutes, at least one.
    pub bucket_secs: u32,
    /// Buckets that hold a call, oldest first; the others are left out. A bucket begins at a multiple of its length since
    /// 1970, so the first one may begin before `since`.
    pub buckets: Vec<Bucket>,
    /// True where every call of the range that the query asks for is counted, and no other. False where `counted_since`
    /// is later than `since`.
    pub exact: bool,
    /// Before this moment nothing was counted, because that would have meant to read too many rows.
    pub counted_since: Timestamp,
    /// How it was counted.
    pub counted_by: CountedBy,
}

/// How a histogram was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountedBy {
    /// By the heads of blocks, to the minute: the query asks for times, outcomes and tokens only.
    Heads,
    /// By asking the query of each row, the newest first.
    Rows,
}

// === impl Screen ===

impl Screen {
    /// All, in the order of the console's screens.
    pub const ALL: [Self; 4] = [Self::Tokens, Self::Logs, Self::Incidents, Self::Audit];

    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Tokens => "tokens",
            Self::Incidents => "incidents",
            Self::Audit => "audit",
        }
    }

    /// What can be asked there.
    pub fn schema(self) -> &'static Schema {
        match self {
            Self::Logs => &LOGS,
            Self::Tokens => &TOKENS,
            Self::Incidents => &INCIDENTS,
            Self::Audit => &AUDIT,
        }
    }
}

impl fmt::Display for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Screen {
    type Err = NotAScreen;

    fn from_str(text: &str) -> Result<Self, NotAScreen> {
        Self::ALL.into_iter().find(|screen| screen.as_str() == text).ok_or(NotAScreen)
    }
}
