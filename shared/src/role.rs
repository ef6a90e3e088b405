//! Roles (domain.md §1): a global one, and one for each team. A team role overrides the global one inside its team, also
//! where it is lower.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What an operator may everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GlobalRole {
    /// Everything.
    Admin,
    /// See everything, change nothing.
    Reader,
}

/// What an operator may inside one team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TeamRole {
    /// Everything inside the team: its services, filters, team and service tokens.
    Manager,
    /// See the team; acknowledge and resolve its incidents; suspend its tokens; own personal tokens.
    Responder,
    /// See the team; own personal tokens with read permissions only.
    Observer,
}

/// A text that names no role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is no role; one of {known}")]
pub struct NotARole {
    given: String,
    known: &'static str,
}

impl GlobalRole {
    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Reader => "reader",
        }
    }
}

impl TeamRole {
    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Manager => "manager",
            Self::Responder => "responder",
            Self::Observer => "observer",
        }
    }
}

impl fmt::Display for GlobalRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for TeamRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for GlobalRole {
    type Err = NotARole;

    fn from_str(text: &str) -> Result<Self, NotARole> {
        let found = [Self::Admin, Self::Reader].into_iter().find(|role| role.as_str() == text);
        found.ok_or_else(|| NotARole { given: text.chars().take(40).collect(), known: "admin, reader" })
    }
}

impl FromStr for TeamRole {
    type Err = NotARole;

    fn from_str(text: &str) -> Result<Self, NotARole> {
        let found = [Self::Manager, Self::Responder, Self::Observer].into_iter().find(|role| role.as_str() == text);
        found.ok_or_else(|| NotARole { given: text.chars().take(40).collect(), known: "manager, responder, observer" })
    }
}
