//! The Requests screen: what workflows do for callers, and the workflows themselves.

use std::cmp::Ordering;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tollgate_shared::api::{RequestView, WorkflowView};
use tollgate_shared::request::{RequestState, StepRun, StepState};
use tollgate_shared::time::Timestamp;

use super::cursor::Cursor;
use super::detail::{Kind, Line};
use super::order::{Choices, Order, merge};
use super::words;

/// Which list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestsTab {
    #[default]
    Requests,
    Workflows,
}

/// The orders of the requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// The newest first.
    #[default]
    Date,
    /// Failed ones first, then those that go on.
    State,
    Steps,
    Workflow,
    Token,
    Detail,
}

impl Sort {
    pub const ALL: Choices<Self> = &[
        ('d', Self::Date, "date"),
        ('s', Self::State, "state"),
        ('p', Self::Steps, "steps done"),
        ('w', Self::Workflow, "workflow"),
        ('c', Self::Token, "caller's token"),
        ('n', Self::Detail, "what"),
    ];

    fn compare(self, a: &RequestView, b: &RequestView) -> Ordering {
        match self {
            Self::Date => b.created_at.cmp(&a.created_at),
            Self::State => urgency(a.state).cmp(&urgency(b.state)),
            Self::Steps => a.steps_done.cmp(&b.steps_done),
            Self::Workflow => a.workflow.name.to_lowercase().cmp(&b.workflow.name.to_lowercase()),
            Self::Token => a.token.name.to_lowercase().cmp(&b.token.name.to_lowercase()),
            Self::Detail => a.detail.to_lowercase().cmp(&b.detail.to_lowercase()),
        }
    }
}

fn urgency(state: RequestState) -> u8 {
    match state {
        RequestState::Failed => 0,
        RequestState::Running => 1,
        RequestState::Queued => 2,
        RequestState::Cancelled => 3,
        RequestState::Succeeded => 4,
    }
}

/// The orders of the workflows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkflowSort {
    #[default]
    Name,
    /// Broken ones first, then disabled ones.
    State,
    Queued,
    Running,
    Changed,
}

impl WorkflowSort {
    pub const ALL: Choices<Self> = &[
        ('n', Self::Name, "name"),
        ('s', Self::State, "state"),
        ('w', Self::Queued, "waiting"),
        ('r', Self::Running, "running"),
        ('d', Self::Changed, "date of the last change"),
    ];

    fn compare(self, a: &WorkflowView, b: &WorkflowView) -> Ordering {
        let state = |row: &WorkflowView| (row.problems.is_empty() || !row.spec.enabled, row.spec.enabled);
        match self {
            Self::Name => a.full_name.to_lowercase().cmp(&b.full_name.to_lowercase()),
            Self::State => state(a).cmp(&state(b)),
            Self::Queued => b.queued.cmp(&a.queued),
            Self::Running => b.running.cmp(&a.running),
            Self::Changed => b.updated_at.cmp(&a.updated_at),
        }
    }
}

/// The screen.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    pub tab: RequestsTab,
    /// The newest ones, in the order that was chosen.
    pub rows: Vec<Arc<RequestView>>,
    pub order: Order<Sort>,
    /// There are older ones than were fetched.
    pub more: bool,
    pub cursor: Cursor<String>,
    pub workflows: Vec<Arc<WorkflowView>>,
    pub workflow_order: Order<WorkflowSort>,
    pub workflow_cursor: Cursor<String>,
    /// The marked request whole, once it has come.
    pub story: Option<Arc<RequestView>>,
    /// The one that has been asked for, as its row was then.
    pub asked: Option<Arc<RequestView>>,
    pub search: String,
    pub loaded: bool,
}

impl Requests {
    pub fn replace(&mut self, rows: Vec<RequestView>, more: bool, workflows: Vec<WorkflowView>) {
        let first = !std::mem::replace(&mut self.loaded, true);
        let (rows, workflows) =
            (rows.into_iter().map(Arc::new).collect(), workflows.into_iter().map(Arc::new).collect());
        self.rows = merge(&self.rows, rows, |row| row.id);
        self.workflows = merge(&self.workflows, workflows, |row| row.id);
        self.more = more;
        if first {
            self.resort();
        }
        self.relocate();
    }

    /// Sorts both lists. Only on demand: never under the mark.
    pub fn resort(&mut self) {
        self.order.sort(&mut self.rows, |by, a, b| by.compare(a, b).then_with(|| Sort::Date.compare(a, b)));
        self.workflow_order.sort(&mut self.workflows, |by, a, b| by.compare(a, b));
        self.relocate();
    }

    /// Takes one anew: after a change, or whole.
    pub fn refresh(&mut self, request: RequestView) {
        let request = Arc::new(request);
        if let Some(row) = self.rows.iter_mut().find(|row| row.id == request.id) {
            *row = Arc::clone(&request);
        }
        self.asked = Some(Arc::clone(&request));
        self.story = Some(request);
    }

    /// Takes one workflow anew.
    pub fn refresh_workflow(&mut self, workflow: WorkflowView) {
        if let Some(row) = self.workflows.iter_mut().find(|row| row.id == workflow.id) {
            *row = Arc::new(workflow);
        }
    }

    #[must_use]
    pub fn selected(&self) -> Option<&Arc<RequestView>> {
        self.rows.get(self.cursor.index).filter(|_| self.tab == RequestsTab::Requests)
    }

    #[must_use]
    pub fn selected_workflow(&self) -> Option<&Arc<WorkflowView>> {
        self.workflows.get(self.workflow_cursor.index).filter(|_| self.tab == RequestsTab::Workflows)
    }

    /// The marked request, where it has changed since it was asked for whole.
    #[must_use]
    pub fn wants_story(&self) -> Option<&Arc<RequestView>> {
        let row = self.selected()?;
        let known = self.asked.as_ref().is_some_and(|asked| {
            (asked.id, asked.state, &asked.detail, asked.steps_done) == (row.id, row.state, &row.detail, row.steps_done)
        });
        (!known).then_some(row)
    }

    pub fn next_tab(&mut self) {
        self.tab = match self.tab {
            RequestsTab::Requests => RequestsTab::Workflows,
            RequestsTab::Workflows => RequestsTab::Requests,
        };
    }

    pub fn step(&mut self, by: isize) {
        let (rows, workflows) = (&self.rows, &self.workflows);
        match self.tab {
            RequestsTab::Requests => self.cursor.step(by, rows.len(), |at| rows[at].id.to_string()),
            RequestsTab::Workflows => {
                self.workflow_cursor.step(by, workflows.len(), |at| workflows[at].id.to_string());
            }
        }
    }

    pub fn go(&mut self, index: usize) {
        let (rows, workflows) = (&self.rows, &self.workflows);
        match self.tab {
            RequestsTab::Requests => self.cursor.go(index, rows.len(), |at| rows[at].id.to_string()),
            RequestsTab::Workflows => {
                self.workflow_cursor.go(index, workflows.len(), |at| workflows[at].id.to_string());
            }
        }
    }

    /// The first row that is shown, and the marked one.
    #[must_use]
    pub fn top_and_index(&self) -> (usize, usize) {
        match self.tab {
            RequestsTab::Requests => (self.cursor.top, self.cursor.index),
            RequestsTab::Workflows => (self.workflow_cursor.top, self.workflow_cursor.index),
        }
    }

    pub fn scroll(&mut self, rows: usize) {
        self.cursor.scroll(rows, self.rows.len());
        self.workflow_cursor.scroll(rows, self.workflows.len());
    }

    /// The next row with the search text in its workflow, id or detail.
    #[must_use]
    pub fn find(&self, forward: bool, from_here: bool) -> Option<usize> {
        let text = self.search.to_lowercase();
        if text.is_empty() {
            return None;
        }
        let has = |hay: &[&str]| hay.iter().any(|hay| hay.to_lowercase().contains(&text));
        match self.tab {
            RequestsTab::Requests => words::find(self.rows.len(), self.cursor.index, forward, from_here, |at| {
                let row = &self.rows[at];
                has(&[&row.workflow.name, &row.detail, &row.id.to_string(), row.state.as_str()])
            }),
            RequestsTab::Workflows => {
                words::find(self.workflows.len(), self.workflow_cursor.index, forward, from_here, |at| {
                    has(&[&self.workflows[at].full_name, &self.workflows[at].public_id])
                })
            }
        }
    }

    fn relocate(&mut self) {
        let (rows, workflows) = (&self.rows, &self.workflows);
        self.cursor.relocate(rows.len(), |at| rows[at].id.to_string());
        self.workflow_cursor.relocate(workflows.len(), |at| workflows[at].id.to_string());
    }
}

/// The pane.
#[must_use]
pub fn lines(requests: &Requests, now: Timestamp) -> Vec<Line> {
    if let Some(workflow) = requests.selected_workflow() {
        return workflow_lines(workflow);
    }
    let Some(row) = requests.selected() else { return Vec::new() };
    let story = requests.story.as_ref().filter(|story| story.id == row.id);
    let shown = story.unwrap_or(row);
    let mut lines = vec![
        Line::new(state_kind(row.state), format!("{} {}", row.state.as_str().to_uppercase(), row.detail)),
        Line::plain(format!(
            "{}   by {}   {} ago   {} of {}",
            row.workflow.name,
            row.token.name,
            words::age(now.secs_since(row.created_at)),
            row.steps_done,
            words::count(row.steps.len() as u64, "step")
        )),
    ];
    if row.retries > 0 {
        lines.push(Line::plain(format!("retried {}", words::count(row.retries.into(), "time"))));
    }
    for step in &shown.steps {
        step_lines(&mut lines, step, now);
    }
    match story {
        None => lines.push(Line::plain("its output is being fetched".to_owned())),
        Some(story) => {
            lines.extend(story.variables.iter().map(|(name, value)| Line::plain(format!("variable {name} = {value}"))));
        }
    }
    lines
}

fn state_kind(state: RequestState) -> Kind {
    if state == RequestState::Failed { Kind::Bad } else { Kind::Strong }
}

fn step_lines(lines: &mut Vec<Line>, step: &StepRun, now: Timestamp) {
    let mut facts = Vec::new();
    if step.attempts > 1 {
        facts.push(words::count(step.attempts.into(), "try").replace("trys", "tries"));
    }
    facts.extend(step.exit_status.map(|status| format!("exit {status}")));
    facts.extend(step.signal.map(|signal| format!("ended by signal {signal}")));
    facts.extend(step.http_status.map(|status| format!("answered {status}")));
    facts.extend(step.incident.map(|incident| format!("incident {incident}")));
    if step.state == StepState::Waiting {
        facts.extend(step.next_at.map(|at| format!("next try in {}", words::age(at.secs_since(now)))));
    }
    if let (Some(from), Some(to)) = (step.started_at, step.finished_at) {
        facts.push(format!("took {}", words::age(to.secs_since(from))));
    }
    let kind = if step.state == StepState::Failed { Kind::Bad } else { Kind::Strong };
    lines.push(Line::new(kind, format!("{:10} {}  {}", step.state.as_str(), step.name, facts.join(", "))));
    lines.extend(step.error.iter().map(|why| Line::new(Kind::Bad, format!("  {why}"))));
    if step.output.is_empty() {
        return;
    }
    if step.truncated {
        lines.push(Line::plain("  only the end of its output was kept".to_owned()));
    }
    lines.extend(step.output.split('\n').map(|line| Line::new(Kind::Body, format!("  | {line}"))));
}

fn workflow_lines(workflow: &WorkflowView) -> Vec<Line> {
    let spec = &workflow.spec;
    let state = if spec.enabled { "enabled" } else { "DISABLED: nothing starts it, what is queued waits" };
    let mut lines = vec![
        Line::new(Kind::Strong, format!("workflow {}   {}", workflow.full_name, workflow.public_id)),
        Line::plain(state.to_owned()),
        Line::plain(format!(
            "{} queued, {} running",
            words::group(workflow.queued.into()),
            words::group(workflow.running.into())
        )),
    ];
    lines.extend(workflow.problems.iter().map(|one| Line::new(Kind::Bad, format!("! {}: {}", one.path, one.message))));
    let starts = if spec.trigger.is_some() {
        "started by its id or by a call that meets its conditions"
    } else {
        "started by its id only"
    };
    lines.push(Line::plain(starts.to_owned()));
    lines.extend(spec.variables.iter().map(|one| Line::plain(format!("variable {}", one.name))));
    lines
        .extend(spec.steps.iter().enumerate().map(|(at, step)| Line::plain(format!("step {}  {}", at + 1, step.name))));
    lines.push(Line::plain(format!("changed {} by {}", words::moment(workflow.updated_at), workflow.updated_by)));
    lines
}
