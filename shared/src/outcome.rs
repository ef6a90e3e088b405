//! What became of a call.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The outcome of one call (domain.md §5); of several results the strongest, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// At least one incident was opened.
    Created,
    /// An open incident took the call in.
    Attached,
    /// At least one incident was resolved.
    Resolved,
    /// The same call had its effect already and the effect still stands (domain.md §4).
    Duplicate,
    /// A trigger was true under maintenance.
    Suppressed,
    /// No filter was true, or a recovery found nothing open.
    NoMatch,
    /// A workflow was started.
    Started,
    /// The call was refused.
    Rejected,
}

/// A text that names no outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no outcome; one of created, attached, resolved, duplicate, suppressed, no_match, started, rejected")]
pub struct NotAnOutcome(String);

impl Outcome {
    /// All outcomes, strongest first.
    pub const ALL: [Self; 8] = [
        Self::Created,
        Self::Attached,
        Self::Resolved,
        Self::Duplicate,
        Self::Suppressed,
        Self::NoMatch,
        Self::Started,
        Self::Rejected,
    ];

    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Attached => "attached",
            Self::Resolved => "resolved",
            Self::Duplicate => "duplicate",
            Self::Suppressed => "suppressed",
            Self::NoMatch => "no_match",
            Self::Started => "started",
            Self::Rejected => "rejected",
        }
    }

    /// True where the call changed something: what deduplication remembers (domain.md §4).
    pub const fn has_effect(self) -> bool {
        matches!(self, Self::Created | Self::Attached | Self::Resolved | Self::Started)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Outcome {
    type Err = NotAnOutcome;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|o| o.as_str() == text).ok_or_else(|| NotAnOutcome(text.chars().take(40).collect()))
    }
}
