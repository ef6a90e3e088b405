//! Teams, services, filters.

use serde::{Deserialize, Serialize};

use super::trying::Doubt;
use crate::explain::Explain;
use crate::filter::FilterSpec;
use crate::id::{FilterId, MaintenanceId, ServiceId, TeamId};
use crate::priority::Priority;
use crate::time::Timestamp;

/// Id and name of an object that another one names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedRef {
    /// Its id as text.
    pub id: String,
    /// Its name; a service's with its team's, `Ops/DB`.
    pub name: String,
}

/// `POST /v1/teams`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewTeam {
    /// 1–64 visible characters, unique.
    pub name: String,
}

/// A team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamView {
    /// Its id.
    pub id: TeamId,
    /// Its name.
    pub name: String,
    /// How many services it has.
    pub services: u32,
    /// When it was created.
    pub created_at: Timestamp,
}

/// `POST /v1/services`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewService {
    /// Reference of its team.
    pub team: String,
    /// 1–64 visible characters, unique in the team.
    pub name: String,
}

/// `PATCH /v1/services/{service}`: what is absent stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServicePatch {
    /// A disabled service creates nothing.
    pub enabled: Option<bool>,
}

/// A service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceView {
    /// Its id.
    pub id: ServiceId,
    /// Its team.
    pub team: NamedRef,
    /// Its name within the team.
    pub name: String,
    /// False: its filters are not tested.
    pub enabled: bool,
    /// How many filters it has.
    pub filters: u32,
    /// How many incidents are open.
    pub open_incidents: u32,
    /// The maintenance that covers it now, whatever a call says; of several the one that ends last.
    #[serde(default)]
    pub maintenance: Option<ServiceMaintenance>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A service opens no incidents for now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceMaintenance {
    /// The maintenance.
    pub id: MaintenanceId,
    /// Its end; absent = until somebody ends it.
    pub until: Option<Timestamp>,
}

/// `POST /v1/filters`: a preset, or a spec; exactly one of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewFilter {
    /// Reference of its service.
    pub service: String,
    /// The filter's name; with a preset it defaults to the preset's name.
    #[serde(default)]
    pub name: Option<String>,
    /// Name of a preset.
    #[serde(default)]
    pub preset: Option<String>,
    /// A filter written out.
    #[serde(default)]
    pub spec: Option<FilterSpec>,
}

/// A filter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FilterView {
    /// Its id.
    pub id: FilterId,
    /// Its service.
    pub service: NamedRef,
    /// Its place among the service's filters, from 1.
    pub position: u32,
    /// Name, conditions and what it makes of a call.
    pub spec: FilterSpec,
    /// What looks like a mistake but is allowed (domain.md §3, lints).
    pub lints: Vec<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// Changes with the filter's content and place; also the `ETag`. Give it as `If-Match` when changing the filter.
    #[serde(default)]
    pub version: String,
}

/// `POST /v1/filters/try`: what would become of a call. Nothing is changed and nothing is logged.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TryFilter {
    /// Reference of the service whose filters are tried.
    pub service: String,
    /// Header names and values as the sender would send them.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The query without its `?`.
    #[serde(default)]
    pub query: String,
    /// The body.
    #[serde(default)]
    pub body: String,
    /// The row of a logged call that is tried in the place of `headers`, `query` and `body`.
    #[serde(default)]
    pub call: Option<u64>,
    /// A filter that is not saved, tried among the service's filters.
    #[serde(default)]
    pub draft: Option<FilterSpec>,
    /// Reference of the saved filter whose place `draft` takes; absent: it comes last.
    #[serde(default)]
    pub replaces: Option<String>,
}

/// What `filter try` found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TryVerdict {
    /// `trigger`, `resolve`, or `none`.
    pub phase: String,
    /// The filter that decided.
    pub filter: Option<NamedRef>,
    /// The key that an incident would be found or opened by.
    pub key: Option<String>,
    /// Title of the incident that a trigger would open.
    pub title: Option<String>,
    /// Its priority.
    pub priority: Option<Priority>,
    /// Its description.
    pub description: Option<String>,
    /// Where the body was declared as JSON and is none: line, column and reason.
    pub json_problem: Option<String>,
    /// Filter by filter.
    pub explain: Explain,
    /// Why what was kept of a logged call does not say: then the rest is a guess.
    #[serde(default)]
    pub doubt: Option<Doubt>,
    /// What looks like a mistake in the draft.
    #[serde(default)]
    pub lints: Vec<String>,
}
