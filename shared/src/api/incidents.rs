//! Incidents.

use serde::{Deserialize, Serialize};

use super::NamedRef;
use crate::incident::{IncidentHead, TimelineEntry};

/// An incident with its words. In lists `description` and `timeline` are empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentView {
    /// What changes with every call.
    pub head: IncidentHead,
    /// `P1`–`P3` high, `P4`–`P5` low.
    pub urgency: String,
    /// The service with its team, `Ops/DB`.
    pub service: NamedRef,
    /// The filter that opened it; its name is `(deleted)` where it is gone.
    pub filter: NamedRef,
    /// The token that opened it, with its name while it lives or its tombstone's.
    pub token: NamedRef,
    /// ≤ 4 KiB, from the redacted view of the call.
    pub description: String,
    /// Oldest first, ≤ 200.
    pub timeline: Vec<TimelineEntry>,
}

/// `POST /v1/incidents/{incident}/resolve`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResolveIncident {
    /// Words for the timeline, ≤ 500 characters.
    pub comment: Option<String>,
}

/// `POST /v1/incidents/bulk`: one change to all incidents that are named or found; those that it does not concern any more
/// (resolved meanwhile) are left out.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BulkIncidents {
    /// `acknowledge`, `unacknowledge` or `resolve`.
    pub action: String,
    /// References; empty = those that `q` finds.
    #[serde(default)]
    pub incidents: Vec<String>,
    /// A query over [`crate::query::INCIDENTS`]; of what it finds only those that the action changes anything in are taken.
    #[serde(default)]
    pub q: String,
    /// How many it must be; absent = only count and list (dry run).
    #[serde(default)]
    pub confirm_count: Option<u32>,
    /// For `resolve`: words for the timelines, ≤ 500 characters.
    #[serde(default)]
    pub comment: Option<String>,
}

/// What a bulk change did, or would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkIncidentsResult {
    /// False for a dry run.
    pub done: bool,
    /// How many were changed, or would be.
    pub count: u32,
    /// The first 100 of them as they are now, oldest first.
    pub incidents: Vec<IncidentView>,
}
