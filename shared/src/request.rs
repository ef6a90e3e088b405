//! Requests (domain.md §7): one run of a workflow for one call.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::IncidentId;
use crate::time::Timestamp;
use crate::workflow::StepKind;

/// Where a request stands, in the order of its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestState {
    /// Accepted; waits for a free place, or for its workflow to be enabled.
    Queued,
    /// A step is carried out, or waits for its next try.
    Running,
    /// Every step succeeded.
    Succeeded,
    /// A step failed and its tries are used up.
    Failed,
    /// An operator stopped it.
    Cancelled,
}

/// A text that names no state of a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no state of a request; one of queued, running, succeeded, failed, cancelled")]
pub struct NotARequestState(String);

/// Where one step of a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Its turn has not come.
    Pending,
    /// It is being carried out.
    Running,
    /// A try failed; the next one is due at `next_at`.
    Waiting,
    /// Done.
    Succeeded,
    /// Its last try failed.
    Failed,
    /// It was stopped with its request.
    Cancelled,
}

/// What became of one step. The fields of tries are those of the last one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRun {
    /// The step's name.
    pub name: String,
    /// What it does.
    pub kind: StepKind,
    /// Where it stands.
    pub state: StepState,
    /// Tries begun, all of them: after a crash and after a retry by an operator the count goes on.
    pub attempts: u32,
    /// When the last try began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// When the next try is due, while `waiting`.
    pub next_at: Option<Timestamp>,
    /// `run`: the exit status.
    pub exit_status: Option<i32>,
    /// `run`: the signal that ended it.
    pub signal: Option<i32>,
    /// `http`: the status of the answer.
    pub http_status: Option<u16>,
    /// `incident`: the incident that it opened or attached to.
    pub incident: Option<IncidentId>,
    /// What it wrote or what was answered: redacted, the last 16 KiB. Empty in lists.
    pub output: String,
    /// True where `output` is not all of it.
    pub truncated: bool,
    /// Why the last try failed.
    pub error: Option<String>,
}

impl RequestState {
    /// All states, in the order of a request's life.
    pub const ALL: [Self; 5] = [Self::Queued, Self::Running, Self::Succeeded, Self::Failed, Self::Cancelled];

    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// True where nothing happens to it any more unless an operator retries it.
    pub const fn is_finished(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

impl fmt::Display for RequestState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for RequestState {
    type Err = NotARequestState;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| NotARequestState(text.chars().take(40).collect()))
    }
}

impl StepState {
    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for StepState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl StepRun {
    /// A step whose turn has not come.
    pub fn pending(name: &str, kind: StepKind) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            state: StepState::Pending,
            attempts: 0,
            started_at: None,
            finished_at: None,
            next_at: None,
            exit_status: None,
            signal: None,
            http_status: None,
            incident: None,
            output: String::new(),
            truncated: false,
            error: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_have_their_wire_names_and_parse_back() {
        for state in RequestState::ALL {
            assert_eq!(serde_json::to_string(&state).unwrap(), format!("\"{state}\""));
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        assert!("done".parse::<RequestState>().unwrap_err().to_string().contains("`done`"));
    }

    #[test]
    fn three_states_are_the_end() {
        let ends: Vec<_> = RequestState::ALL.into_iter().filter(|state| state.is_finished()).collect();
        assert_eq!(ends, [RequestState::Succeeded, RequestState::Failed, RequestState::Cancelled]);
    }
}
