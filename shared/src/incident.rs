//! Incidents (domain.md §6).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{CallId, FilterId, IncidentId, ServiceId, TokenId};
use crate::priority::Priority;
use crate::time::Timestamp;

/// Where an incident stands. Resolved is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentState {
    /// Open, nobody has taken it.
    Triggered,
    /// Open, somebody is on it.
    Acknowledged,
    /// Closed for good; the next trigger opens a new incident.
    Resolved,
}

impl IncidentState {
    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Triggered => "triggered",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }

    /// True until it is resolved.
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Resolved)
    }
}

impl fmt::Display for IncidentState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The part of an incident that changes with every call, kept small (storage.md: head, body and timeline apart).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentHead {
    /// Its id.
    pub id: IncidentId,
    /// The service it belongs to.
    pub service: ServiceId,
    /// The filter whose trigger opened it.
    pub filter: FilterId,
    /// The token of the call that opened it.
    pub token: TokenId,
    /// What later calls attach by and resolve by, within the service; `None` = every trigger opens a new one.
    pub key: Option<String>,
    /// ≤ 1,024 characters, from the redacted view of the call.
    pub title: String,
    /// Rises with later calls, never falls.
    pub priority: Priority,
    /// Triggered, acknowledged or resolved.
    pub state: IncidentState,
    /// True for the one that takes what exceeds the limits of domain.md §6.
    pub overflow: bool,
    /// Calls that opened or attached to it.
    pub occurrences: u64,
    /// Duplicates of those calls.
    pub duplicates: u64,
    /// When it was opened.
    pub first_seen: Timestamp,
    /// The last call that opened, attached to or resolved it.
    pub last_seen: Timestamp,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
}

/// One line of an incident's story. Attaches that follow each other are merged into one entry that counts them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// When, or when first.
    pub at: Timestamp,
    /// When last, where several were merged; otherwise as `at`.
    pub last_at: Timestamp,
    /// How many were merged; 1 for a single one.
    pub count: u64,
    /// What happened.
    pub event: TimelineEvent,
}

/// What happened to an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimelineEvent {
    /// A call opened it.
    Opened {
        /// The call.
        call: CallId,
        /// Its token.
        token: TokenId,
    },
    /// Calls attached to it.
    Attached {
        /// The last of them.
        call: CallId,
        /// Its token.
        token: TokenId,
    },
    /// A call raised the priority.
    Raised {
        /// From.
        from: Priority,
        /// To.
        to: Priority,
    },
    /// An operator took it.
    Acknowledged {
        /// Who.
        by: String,
    },
    /// An operator gave it back.
    Unacknowledged {
        /// Who.
        by: String,
    },
    /// A recovery call resolved it.
    ResolvedByCall {
        /// The call.
        call: CallId,
        /// Its token.
        token: TokenId,
        /// The filter whose resolve part was true.
        filter: FilterId,
    },
    /// An operator resolved it.
    ResolvedBy {
        /// Who.
        by: String,
        /// His words, if any.
        comment: Option<String>,
    },
}
