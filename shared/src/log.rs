//! Rows of the API log and of its tail (domain.md §5, http.md §2).

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::api::OutcomeCounts;
use crate::explain::Explain;
use crate::id::{CallId, IncidentId, RequestId, TokenId};
use crate::outcome::Outcome;
use crate::problem::Problem;
use crate::time::Timestamp;

/// Stands in rows, titles and explanations where a secret was. The daemon writes it and the query language knows by it that
/// something cannot be told.
pub const REDACTED: &str = "[redacted]";

/// Where calls start workflows.
const REQUEST_PATH: &str = "/v1/request";

/// One call of a token whose debug option was on. Everything in it is redacted before it is first written; it is
/// unreadable 48 h after `at`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogRow {
    /// Position in the log: contiguous over all tokens.
    pub seq: u64,
    /// When the call was accepted for deciding.
    pub at: Timestamp,
    /// The call's id, also in its answer.
    pub call: CallId,
    /// The token it came with.
    pub token: TokenId,
    /// The sender's address.
    pub remote_ip: IpAddr,
    /// ≤ 128 bytes.
    pub user_agent: Option<String>,
    /// The HTTP method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query, credentials cut, ≤ 2 KiB.
    pub query: String,
    /// The `?from=` parameter.
    pub from: Option<String>,
    /// The declared content type.
    pub content_type: Option<String>,
    /// Header names and values, credentials left out, ≤ 4 KiB together.
    pub headers: Vec<(String, String)>,
    /// Bytes of the body as it came.
    pub body_bytes: u64,
    /// The redacted body, its first 16 KiB.
    pub body: String,
    /// True where `body` is not all of it.
    pub truncated: bool,
    /// What became of the call.
    pub outcome: Outcome,
    /// The HTTP status that the sender saw.
    pub status: u16,
    /// The problem's slug where the call was refused.
    pub problem: Option<String>,
    /// Incidents that it touched, ≤ 100.
    pub incidents: Vec<IncidentId>,
    /// From the head's arrival to the decision, microseconds.
    pub latency_us: u64,
    /// Which filters were tested and why they were true or not; absent on refused calls.
    pub explain: Option<Explain>,
    /// A title for lists: the first incident's title, or the first reason of the verdict.
    pub summary: String,
}

impl LogRow {
    /// The requests that a call to `/v1/request` has started, or that an equal one had started before: its summary names
    /// them.
    pub fn requests(&self) -> impl Iterator<Item = RequestId> + '_ {
        let names_some = self.path == REQUEST_PATH && matches!(self.outcome, Outcome::Started | Outcome::Duplicate);
        let words = self.summary.split([' ', ',']).filter(move |_| names_some);
        words.filter_map(|word| word.parse().ok())
    }
}

/// Why rows are missing from a tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapReason {
    /// The reader did not keep up with the log.
    SlowReader,
    /// The rows were older than 48 h, or the cursor is of another log.
    Expired,
    /// The daemon was short of disk and dropped debug rows.
    Shed,
    /// The rows' commit failed or was lost in a crash.
    Lost,
}

impl GapReason {
    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SlowReader => "slow_reader",
            Self::Expired => "expired",
            Self::Shed => "shed",
            Self::Lost => "lost",
        }
    }
}

/// Rows that a tail does not show. A row that the reader's filter leaves out is no gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// First missing seq.
    pub from: u64,
    /// Last missing seq.
    pub to: u64,
    /// How many, all tokens together.
    pub count: u64,
    /// Why.
    pub reason: GapReason,
}

/// One line of `GET /v1/logs?follow=true`: externally tagged, `{"row":{…}}`, `{"gap":{…}}`, `{"heartbeat":{…}}` or, as the
/// last one, `{"end":{…}}`. `R` is what a reader keeps of a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TailItem<R = LogRow> {
    /// A row.
    Row(Box<R>),
    /// Rows are missing here.
    Gap(Gap),
    /// Nothing new; every 15 s.
    Heartbeat(Heartbeat),
    /// The daemon ends the tail, and why: the reader may not read any more. A stream without it was only cut off.
    End(Box<Problem>),
}

/// Says that the tail lives, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// Give it as `after` to go on from here; opaque.
    pub cursor: String,
    /// The daemon's time.
    pub at: Timestamp,
}

/// Calls per stretch of time and outcome, for the console's strip over the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    /// Length of a bucket: whole minutes, at least one.
    pub bucket_secs: u32,
    /// Buckets that hold a call, oldest first; the others are left out.
    pub buckets: Vec<Bucket>,
    /// False where the older part was not counted, because that would have meant to read too many rows.
    pub complete: bool,
}

/// One stretch of a [`Histogram`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// Where it begins: a multiple of its length since 1970.
    pub at: Timestamp,
    /// Calls by outcome.
    pub counts: OutcomeCounts,
}

/// A call that was refused before a token was known (or with a dead one): kept in memory only, ≤ 1,024 rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedRow {
    /// Counts up from 1 at each start of the daemon.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// From where; absent where the connection had no address.
    pub remote_ip: Option<IpAddr>,
    /// Method and path, without the query; empty where the head could not be read.
    pub target: String,
    /// The status that the sender saw.
    pub status: u16,
    /// The problem's slug.
    pub reason: String,
    /// What exactly was wrong, for instance which malformation of the token.
    pub detail: String,
    /// The public id inside what was presented, where it had the shape of a token.
    pub presented_id: Option<String>,
}
