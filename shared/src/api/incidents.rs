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
