//! One question before one change of many, or before a change is taken back: a table of what is and what will be.
//!
//! As in the dialog of a single one the mark starts on Cancel, letters go to what has to be typed wherever the mark is,
//! and a paste does not count. What a change does not concern stands in the table with the reason, and is left out.

mod cli;
mod many;

pub use many::{incidents, tokens};

use tollgate_shared::api::{BulkIncidents, BulkTokens, TokenPatch};

use super::field::Field;
use super::forms::Form;
use super::key::{Code, Key};
use super::msg::Call;

/// What is done to all marked tokens.
#[derive(Clone, Debug)]
pub enum TokensDeed {
    Refresh,
    Revoke,
    Suspend,
    Resume,
    /// What a form describes; Cancel goes back to it.
    Edit(Box<TokenPatch>, Box<Form>),
}

/// What is done to all marked incidents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IncidentsDeed {
    Acknowledge,
    Unacknowledge,
    Resolve,
}

/// What is asked.
#[derive(Clone, Debug)]
pub enum What {
    Tokens(TokensDeed),
    Incidents(IncidentsDeed),
    /// To take back the change of this number: the request, and the command that does the same.
    Undo(u64, Box<Call>, String),
}

/// What becomes of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub id: String,
    pub name: String,
    pub old: String,
    pub new: String,
    /// Why it is not changed.
    pub left_out: Option<String>,
}

/// What the mark can stand on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    Reason,
    Cancel,
    Do,
}

/// The dialog.
#[derive(Clone, Debug)]
pub struct Ask {
    pub what: What,
    pub lines: Vec<Line>,
    /// The first line that is shown.
    pub top: usize,
    pub reason: Field,
    /// Their number, typed.
    pub count: Field,
    pub mark: Stop,
    pub error: Option<String>,
    /// The request that is under way.
    pub pending: Option<u64>,
}

impl Ask {
    #[must_use]
    pub fn new(what: What, mut lines: Vec<Line>) -> Self {
        // What is changed is read first.
        lines.sort_by_key(|line| line.left_out.is_some());
        Self {
            what,
            lines,
            top: 0,
            reason: Field::default(),
            count: Field::default(),
            mark: Stop::Cancel,
            error: None,
            pending: None,
        }
    }

    /// Those that are changed.
    pub fn taken(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.left_out.is_none())
    }

    /// How many are changed.
    #[must_use]
    pub fn number(&self) -> usize {
        self.taken().count()
    }

    /// `EXTEND`, as the button says it.
    #[must_use]
    pub fn button(&self) -> &'static str {
        match &self.what {
            What::Tokens(TokensDeed::Refresh) => "Extend",
            What::Tokens(TokensDeed::Revoke) => "Revoke",
            What::Tokens(TokensDeed::Suspend) => "Suspend",
            What::Tokens(TokensDeed::Resume) => "Resume",
            What::Tokens(TokensDeed::Edit(..)) => "Change",
            What::Incidents(IncidentsDeed::Acknowledge) => "Acknowledge",
            What::Incidents(IncidentsDeed::Unacknowledge) => "Give back",
            What::Incidents(IncidentsDeed::Resolve) => "Resolve",
            What::Undo(..) => "Undo",
        }
    }

    /// What happens then, in a line.
    #[must_use]
    pub fn afterwards(&self) -> &'static str {
        match &self.what {
            What::Tokens(TokensDeed::Refresh) => "the same secrets; senders notice nothing. All of them or none.",
            What::Tokens(TokensDeed::Revoke) => {
                "for good, at once: 401 token-revoked. S suspends, which can be undone."
            }
            What::Tokens(TokensDeed::Suspend) => "503 with Retry-After: senders that retry lose nothing. u undoes it.",
            What::Tokens(TokensDeed::Resume) => "their calls are taken again, whoever has the secrets",
            What::Tokens(TokensDeed::Edit(..)) => "from the next call on. All of them or none.",
            What::Incidents(IncidentsDeed::Resolve) => {
                "for good: the next call opens a new one. No call resolves them."
            }
            What::Incidents(IncidentsDeed::Acknowledge) => "you are on them; u gives them back",
            What::Incidents(IncidentsDeed::Unacknowledge) => "nobody is on them; u takes them again",
            What::Undo(..) => "refused where somebody has changed it since: then nothing is done",
        }
    }

    /// True where their number has to be typed: what is final.
    #[must_use]
    pub fn wants_count(&self) -> bool {
        matches!(self.what, What::Tokens(TokensDeed::Revoke) | What::Incidents(IncidentsDeed::Resolve))
    }

    /// The word for what is written down with it.
    #[must_use]
    pub fn reason_label(&self) -> Option<&'static str> {
        match self.what {
            What::Tokens(TokensDeed::Revoke | TokensDeed::Suspend) => Some("reason"),
            What::Incidents(IncidentsDeed::Resolve) => Some("comment"),
            _ => None,
        }
    }

    /// Why the button does nothing yet.
    #[must_use]
    pub fn missing(&self) -> Option<String> {
        let number = self.number();
        if number == 0 {
            return Some("none of them can be changed so: the table says why".to_owned());
        }
        let typed = self.count.text();
        let wrong = self.wants_count() && typed.trim() != number.to_string();
        wrong.then(|| format!("type their number, {number}; nothing was changed"))
    }

    /// The stops of Tab, in their order.
    #[must_use]
    pub fn stops(&self) -> Vec<Stop> {
        let reason = self.reason_label().map(|_| Stop::Reason);
        reason.into_iter().chain([Stop::Cancel, Stop::Do]).collect()
    }

    /// Moves the mark.
    pub fn step(&mut self, forward: bool) {
        let stops = self.stops();
        let at = stops.iter().position(|stop| *stop == self.mark).unwrap_or(0);
        let by = if forward { 1 } else { stops.len() - 1 };
        self.mark = stops[(at + by) % stops.len()];
    }

    /// Scrolls the table.
    pub fn scroll(&mut self, by: isize) {
        self.top = self.top.saturating_add_signed(by).min(self.lines.len().saturating_sub(1));
    }

    /// Takes a key that is no movement.
    pub fn key(&mut self, key: Key) {
        self.error = None;
        match self.mark {
            Stop::Reason => drop(self.reason.key(key)),
            Stop::Cancel | Stop::Do if matches!(key.code, Code::Left | Code::Right) => {
                self.step(key.code == Code::Right);
            }
            _ if self.wants_count() => drop(self.count.key(key)),
            _ if self.reason_label().is_some() => drop(self.reason.key(key)),
            _ => {}
        }
    }

    /// The request.
    #[must_use]
    pub fn call(&self) -> Call {
        let ids: Vec<String> = self.taken().map(|line| line.id.clone()).collect();
        let confirm_count = u32::try_from(ids.len()).ok();
        let reason = self.reason.text().trim().to_owned();
        match &self.what {
            What::Tokens(deed) => {
                let (action, patch) = match deed {
                    TokensDeed::Refresh => ("refresh", TokenPatch::default()),
                    TokensDeed::Revoke => ("revoke", TokenPatch::default()),
                    TokensDeed::Suspend => ("suspend", TokenPatch::default()),
                    TokensDeed::Resume => ("resume", TokenPatch::default()),
                    TokensDeed::Edit(patch, _) => ("edit", (**patch).clone()),
                };
                let q = String::new();
                let action = action.to_owned();
                Call::BulkTokens(Box::new(BulkTokens { action, tokens: ids, q, confirm_count, patch, reason }))
            }
            What::Incidents(deed) => {
                let comment = (!reason.is_empty()).then_some(reason);
                let bulk = BulkIncidents { action: deed.wire().to_owned(), incidents: ids, ..BulkIncidents::default() };
                Call::BulkIncidents(Box::new(BulkIncidents { confirm_count, comment, ..bulk }))
            }
            What::Undo(_, call, _) => (**call).clone(),
        }
    }
}

impl IncidentsDeed {
    /// As the API calls it.
    #[must_use]
    pub fn wire(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Unacknowledge => "unacknowledge",
            Self::Resolve => "resolve",
        }
    }
}
