//! `GET /v1/status/talkers`: who calls most now.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Who calls most now: in the last ten seconds and in the last minute. Counted since the start, in memory alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TalkersView {
    /// The daemon's time; the running second is the last of both windows.
    pub now: Timestamp,
    /// When it started: before that nothing was counted.
    pub since: Timestamp,
    /// Rows that each table counts one by one; beyond, those with the fewest calls are gathered in its `others`.
    pub keys_max: u32,
    /// By token: calls of living tokens' own secrets.
    pub tokens: TalkerTable,
    /// By the sender's address: also calls that were refused before a token was known. Absent for who sees single teams
    /// only: an address is of no team.
    pub addresses: Option<TalkerTable>,
    /// By service: what matched in it, and what a token of that service alone sent. A call that matched in several counts
    /// in each of them.
    pub services: TalkerTable,
}

/// One of the tables.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TalkerTable {
    /// The foremost in the order that was asked for; who did not call for a minute is not among them.
    pub rows: Vec<Talker>,
    /// How many are known, those in `rows` with them, without those in `others`.
    pub known: u32,
    /// What was gathered: of those beyond `keys_max`, and of calls that have no such thing, as one of a global token that
    /// matched nowhere has no service. Absent where there is nothing.
    pub others: Option<Talker>,
}

/// Somebody who calls, or something that is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Talker {
    /// The token's public id, the service's id, or the address; absent for `others`.
    pub id: Option<String>,
    /// What it is called.
    pub name: String,
    /// In the last ten seconds.
    pub last_10s: TalkerCounts,
    /// In the last minute.
    pub last_minute: TalkerCounts,
}

/// Calls in one window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TalkerCounts {
    /// All of them.
    pub calls: u64,
    /// Those that were refused.
    pub refused: u64,
    /// Those that matched nothing.
    pub no_match: u64,
}

/// What the tables are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TalkersBy {
    /// Calls.
    #[default]
    Calls,
    /// Calls that were refused.
    Refused,
    /// Calls that matched nothing.
    NoMatch,
}

impl TalkersBy {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Calls, Self::Refused, Self::NoMatch];

    /// As it is written: `calls`, `refused`, `no_match`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::Refused => "refused",
            Self::NoMatch => "no_match",
        }
    }

    /// The count that it means.
    pub const fn of(self, counts: TalkerCounts) -> u64 {
        match self {
            Self::Calls => counts.calls,
            Self::Refused => counts.refused,
            Self::NoMatch => counts.no_match,
        }
    }
}

impl std::ops::AddAssign for TalkerCounts {
    fn add_assign(&mut self, other: Self) {
        self.calls += other.calls;
        self.refused += other.refused;
        self.no_match += other.no_match;
    }
}
