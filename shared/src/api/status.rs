//! `GET /v1/status` and `GET /v1/events`.

use serde::{Deserialize, Serialize};

use super::{BackupView, LockdownView, OutcomeCounts, RestoredView};
use crate::time::Timestamp;

/// What the daemon says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusView {
    /// The daemon's version.
    pub version: String,
    /// Process id.
    pub pid: u32,
    /// The host's name.
    pub host: String,
    /// The caller's uid, as the kernel named it.
    pub caller_uid: u32,
    /// What he is called in the audit.
    pub caller: String,
    /// His role.
    pub caller_role: String,
    /// The daemon's time.
    pub now: Timestamp,
    /// When it started.
    pub started_at: Timestamp,
    /// Where it listens for calls, `127.0.0.1:7480`.
    pub listen: String,
    /// It takes them over TLS: `https://`.
    #[serde(default)]
    pub tls: bool,
    /// The socket file.
    pub socket: String,
    /// The data directory.
    pub data_dir: String,
    /// Teams, services, filters, living tokens.
    pub teams: u32,
    /// Services.
    pub services: u32,
    /// Filters.
    pub filters: u32,
    /// Living tokens.
    pub tokens: u32,
    /// Tokens whose debug option is on.
    pub tokens_debug: u32,
    /// Tokens that expire within 14 days.
    pub tokens_expiring: u32,
    /// Suspended tokens.
    pub tokens_suspended: u32,
    /// Operators.
    pub operators: u32,
    /// Set while all ingestion is answered 503.
    pub lockdown: Option<LockdownView>,
    /// Set from a restore until its review, which alone lifts that lockdown.
    #[serde(default)]
    pub restored: Option<RestoredView>,
    /// The last backups.
    #[serde(default)]
    pub backup: BackupView,
    /// Open incidents.
    pub open_incidents: u32,
    /// Open incidents of priority P1.
    pub open_p1: u32,
    /// `healthy`, or what is wrong with the store.
    pub store: String,
    /// What is in the log.
    pub log: LogBounds,
    /// Every count since the start.
    pub counters: Counters,
    /// Where the daemon opens incidents about itself; `null` = nowhere, `[self] service` is not set.
    #[serde(default)]
    pub self_service: Option<SelfService>,
}

/// The service on which the daemon opens incidents about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelfService {
    /// As it is set, `Ops/Tollgate`.
    pub service: String,
    /// Why none can be opened there now: there is no such service, or it is disabled.
    pub problem: Option<String>,
}

/// What is in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogBounds {
    /// The oldest readable row.
    pub oldest_at: Option<Timestamp>,
    /// Its seq.
    pub first_seq: Option<u64>,
    /// The newest row's seq.
    pub last_seq: Option<u64>,
    /// Segment files.
    pub segments: u32,
    /// Bytes of the log on disk.
    pub disk_bytes: u64,
    /// Segment files that do not open and are left out or moved aside; `tollgated check` says which.
    pub damaged: u32,
}

/// Counts since the daemon's start; every drop is among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Calls by outcome, all tokens together.
    pub calls: OutcomeCounts,
    /// Calls refused before a token was known.
    pub refused: u64,
    /// Calls that found the queue full.
    pub overloaded: u64,
    /// Connections accepted.
    pub connections: u64,
    /// Connections refused for a limit.
    pub connections_refused: u64,
    /// Commits of the state.
    pub commits: u64,
    /// Commits that failed.
    pub commits_failed: u64,
    /// Calls of the last commit.
    pub last_batch: u64,
    /// Calls waiting for the writer now.
    pub queue_calls: u64,
    /// Their bytes.
    pub queue_bytes: u64,
    /// Rows written to the log.
    pub log_rows: u64,
    /// Rows lost because the log's commit failed.
    pub log_rows_lost: u64,
    /// Refusals of known tokens that were counted, not logged.
    pub log_rows_not_logged: u64,
    /// Tails open now.
    pub tails: u64,
    /// Gaps told to slow readers.
    pub tail_gaps: u64,
    /// Calls per second over the last ten seconds, in tenths.
    pub calls_per_10_secs: u64,
}

/// One line of `GET /v1/events`: something of this kind changed; ask for it again. Sent at most four times a second,
/// and every 15 s as a sign of life with `changed` empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventsItem {
    /// Any of `registry`, `tokens`, `incidents`, `usage`, `refused`, `requests`.
    pub changed: Vec<String>,
    /// The daemon's time.
    pub at: Timestamp,
}
