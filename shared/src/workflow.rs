//! Automation workflows as an operator writes them (domain.md §7): what a sender must bring along, which calls start one,
//! and the steps that are carried out one after the other.
//!
//! Like API filters these are types for JSON, and their canonical JSON bytes are what is stored: a field that has its
//! default is left out on output.

mod template;
mod validate;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::filter::{Condition, Mode};
use crate::priority::Priority;

pub use template::{TemplateError, names_in, render, render_json};
pub use validate::{UrlError, WebAddress};

/// What `workflow create --file F.json` reads: a workflow without what the daemon adds (ids, owner, version).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkflowSpec {
    /// 1–64 visible characters, unique among the workflows of its owner, case-insensitively.
    pub name: String,
    /// A workflow that is not enabled is started by nothing, and its queued requests wait.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub enabled: bool,
    /// What a sender brings along, ≤ 32.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<Variable>,
    /// Which calls without a `workflowId` start it; `None` = only its id starts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<WorkflowTrigger>,
    /// 1–10, in order. The first that fails stops the request.
    pub steps: Vec<Step>,
}

/// Something that a sender brings along. Its value is looked for in the body under `variables`, then as a member of the
/// body itself, then in the query.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// A lower- or upper-case letter, then letters, digits and `_`, ≤ 64. Unique in its workflow whatever its case: a
    /// program reads it as `TOLLGATE_VAR_<NAME>`, in upper case.
    pub name: String,
    /// A call without it, and without a default here, is refused.
    #[serde(default, skip_serializing_if = "is_no")]
    pub required: bool,
    /// Taken where the call has none, ≤ 1,024 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// A regular expression that the whole value must match, ≤ 256 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
}

/// Which calls start a workflow: the language of API filters (domain.md §3).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkflowTrigger {
    /// Every request without a `workflowId` starts it; then there are no conditions.
    #[serde(default, skip_serializing_if = "is_no")]
    pub match_all: bool,
    /// 1–8, none with `match_all`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Must all of them be true, or any.
    #[serde(default, skip_serializing_if = "is_all")]
    pub mode: Mode,
}

/// One step: exactly one of `run`, `http` and `incident`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What it is called in lists, 1–64 visible characters.
    pub name: String,
    /// Start a program of the actions directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunStep>,
    /// Post to an allowed host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpStep>,
    /// Open an incident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentStep>,
}

/// Starts a program: no shell, cleared environment but `PATH`, `LANG`, `TOLLGATE_REQUEST_ID`, `TOLLGATE_WORKFLOW`,
/// `TOLLGATE_STEP`, `TOLLGATE_ATTEMPT` and `TOLLGATE_VAR_*`; the payload on its standard input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunStep {
    /// The name of a file in the actions directory, or its absolute path in there.
    pub program: String,
    /// Its arguments as they are: nothing of a call ever becomes part of one. ≤ 32 of ≤ 1,024 characters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Seconds until its process group gets SIGTERM, and SIGKILL 2 s later; 1–3,600.
    #[serde(default = "run_timeout", skip_serializing_if = "is_run_timeout")]
    pub timeout_secs: u32,
    /// Tries after the first one, 0–10, each after a pause of 1, 2, 4 … s, at most 5 min.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub retries: u32,
}

/// Posts JSON to a host on the configured allowlist. No redirect is followed; 2xx is success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpStep {
    /// `http://host[:port]/path[?query]`, without user, password and fragment; ≤ 2,048 characters.
    pub url: String,
    /// Further headers, ≤ 16. None that carries a credential or that HTTP itself sets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The JSON to post; `{{name}}` inside its texts becomes the variable's value. `None` = an object with
    /// `request_id`, `workflow`, `step`, `variables` and `payload`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<serde_json::Value>,
    /// Seconds for one try as a whole, 1–60.
    #[serde(default = "http_timeout", skip_serializing_if = "is_http_timeout")]
    pub timeout_secs: u32,
    /// Tries after the first one, 0–10, each after a pause of 1, 2, 4 … s, at most 5 min. Answers 4xx but 408 and 429
    /// are not tried again.
    #[serde(default = "http_retries", skip_serializing_if = "is_http_retries")]
    pub retries: u32,
}

/// Opens an incident on a service, or attaches to the one that is open under the same key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IncidentStep {
    /// Reference of the service; a team's workflow reaches its own team's services only.
    pub service: String,
    /// `{{name}}` becomes the variable's value; ≤ 1,024 characters.
    pub title: String,
    /// As `title`, ≤ 4,096 bytes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Its priority.
    #[serde(default)]
    pub priority: Priority,
    /// What later calls attach and resolve by, `{{name}}` as in `title`; `None` = always a new incident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Starts a program.
    Run,
    /// Posts to a host.
    Http,
    /// Opens an incident.
    Incident,
}

/// What a step does, with how.
#[derive(Clone, Copy, Debug)]
pub enum StepWork<'a> {
    /// Starts a program.
    Run(&'a RunStep),
    /// Posts to a host.
    Http(&'a HttpStep),
    /// Opens an incident.
    Incident(&'a IncidentStep),
}

// === impl WorkflowSpec ===

impl WorkflowSpec {
    /// The canonical JSON, which is the stored form: fields in the order of this file, defaults left out, no spaces.
    ///
    /// # Errors
    /// None in practice: every field is a text, a bool, a number or a list of those.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    /// Reads the JSON form. Unknown fields are refused by name.
    ///
    /// # Errors
    /// The first thing that is not JSON or not of this shape. Rules beyond the shape: [`WorkflowSpec::validate`].
    pub fn from_json(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }
}

// === impl Variable ===

impl Variable {
    /// What a program finds it as: `TOLLGATE_VAR_HOST`.
    pub fn env_name(&self) -> String {
        format!("TOLLGATE_VAR_{}", self.name.to_ascii_uppercase())
    }
}

// === impl Step ===

impl Step {
    /// What it does; `None` where it names no work or several, which [`WorkflowSpec::validate`] refuses.
    pub fn work(&self) -> Option<StepWork<'_>> {
        match (&self.run, &self.http, &self.incident) {
            (Some(run), None, None) => Some(StepWork::Run(run)),
            (None, Some(http), None) => Some(StepWork::Http(http)),
            (None, None, Some(incident)) => Some(StepWork::Incident(incident)),
            _ => None,
        }
    }

    /// Its kind; a step without any work passes for `run`.
    pub fn kind(&self) -> StepKind {
        match self.work() {
            Some(StepWork::Http(_)) => StepKind::Http,
            Some(StepWork::Incident(_)) => StepKind::Incident,
            Some(StepWork::Run(_)) | None => StepKind::Run,
        }
    }

    /// Tries after the first one.
    pub fn retries(&self) -> u32 {
        match self.work() {
            Some(StepWork::Run(run)) => run.retries,
            Some(StepWork::Http(http)) => http.retries,
            Some(StepWork::Incident(_)) | None => 0,
        }
    }
}

// === impl RunStep, HttpStep ===

impl RunStep {
    /// A program without arguments and with the defaults.
    pub fn new(program: &str) -> Self {
        Self { program: program.to_owned(), args: Vec::new(), timeout_secs: run_timeout(), retries: 0 }
    }
}

impl HttpStep {
    /// A post with the defaults.
    pub fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            headers: BTreeMap::new(),
            body: None,
            timeout_secs: http_timeout(),
            retries: http_retries(),
        }
    }
}

// === impl StepKind ===

impl StepKind {
    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Http => "http",
            Self::Incident => "incident",
        }
    }
}

impl fmt::Display for StepKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

fn yes() -> bool {
    true
}

const fn run_timeout() -> u32 {
    60
}

const fn http_timeout() -> u32 {
    5
}

const fn http_retries() -> u32 {
    2
}

// References, because that is what skip_serializing_if hands over.
fn is_yes(flag: &bool) -> bool {
    *flag
}

fn is_no(flag: &bool) -> bool {
    !*flag
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn is_run_timeout(secs: &u32) -> bool {
    *secs == run_timeout()
}

fn is_http_timeout(secs: &u32) -> bool {
    *secs == http_timeout()
}

fn is_http_retries(retries: &u32) -> bool {
    *retries == http_retries()
}

fn is_all(mode: &Mode) -> bool {
    *mode == Mode::All
}

#[cfg(test)]
mod tests;
