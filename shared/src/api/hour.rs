//! `GET /v1/status/hour`: the gate's last hour, for charts.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The last hour. It is kept in memory alone and begins empty with the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HourView {
    /// The daemon's time.
    pub now: Timestamp,
    /// When the daemon started: before that there were not *no calls*, there was nobody to count them.
    pub since: Timestamp,
    /// The last 60 minutes without holes, oldest first; the last one is the running minute.
    pub minutes: Vec<HourBucket>,
    /// The last 60 seconds without holes, oldest first; the last one is the running second.
    pub seconds: Vec<HourBucket>,
    /// Calls that may wait for the writer: the scale of [`HourBucket::queue`].
    pub queue_max: u32,
    /// Batches that may wait for the log: the scale of [`HourBucket::log_queue`].
    pub log_queue_max: u32,
}

/// A minute, or a second, of the gate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HourBucket {
    /// Its beginning, a whole minute or second.
    pub at: Timestamp,
    /// Calls that opened, joined or resolved an incident, or started a workflow.
    pub effect: u32,
    /// Calls whose effect stood already.
    pub duplicate: u32,
    /// Calls that a maintenance silenced.
    pub suppressed: u32,
    /// Calls that no filter took.
    pub no_match: u32,
    /// Calls of a known token that were refused, also with 503.
    pub refused: u32,
    /// Calls refused before a token was known.
    pub unknown: u32,
    /// Half of the answers took no longer, microseconds from the head of a call to its answer, at most 6 % off; absent
    /// where no call was answered.
    pub p50_us: Option<u64>,
    /// The same of 95 in 100 answers.
    pub p95_us: Option<u64>,
    /// The same of 99 in 100 answers.
    pub p99_us: Option<u64>,
    /// The slowest answer, exact, microseconds.
    pub slowest_us: Option<u64>,
    /// The most calls that waited for the writer.
    pub queue: u32,
    /// The most batches of rows that waited for the log.
    pub log_queue: u32,
    /// What was given up: calls that found the queue full, log rows that were lost, refusals that were counted instead of
    /// logged.
    pub drops: u32,
}

impl HourBucket {
    /// Calls of known tokens, whatever became of them.
    pub fn known_calls(&self) -> u64 {
        [self.effect, self.duplicate, self.suppressed, self.no_match, self.refused].into_iter().map(u64::from).sum()
    }

    /// All calls.
    pub fn calls(&self) -> u64 {
        self.known_calls() + u64::from(self.unknown)
    }
}
