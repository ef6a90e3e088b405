//! Maintenances of services (domain.md §1).

use serde::{Deserialize, Serialize};

use super::NamedRef;
use crate::id::MaintenanceId;
use crate::time::Timestamp;

/// `POST /v1/maintenance`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewMaintenance {
    /// Reference of the service.
    pub service: String,
    /// When it begins; absent = now.
    #[serde(default)]
    pub from: Option<Timestamp>,
    /// When it ends; may be absent only where there are tags, and then it runs until it is ended.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// ≤ 10 texts of ≤ 200 characters: only calls whose payload holds all of them are meant; empty = all calls.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Why, ≤ 500 characters.
    #[serde(default)]
    pub comment: String,
}

/// A maintenance: while it runs, what would open an incident or attach to one is suppressed; recoveries still resolve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaintenanceView {
    /// Its id.
    pub id: MaintenanceId,
    /// The service with its team, `Ops/DB`.
    pub service: NamedRef,
    /// `planned`, `running` or `over`.
    pub state: String,
    /// When it begins.
    pub from: Timestamp,
    /// When it ends; absent = when it is ended.
    pub until: Option<Timestamp>,
    /// Only calls that hold all of these texts; empty = all.
    pub tags: Vec<String>,
    /// Why.
    pub comment: String,
    /// When it was planned.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
}
